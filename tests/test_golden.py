"""The golden vectors: Python gives what they say. `python -m tests.golden` makes them again."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

import speech_lstm as sl

from .golden import (
    CLIPS,
    FOLDER,
    GRAMMARS,
    PRECISIONS,
    STREAMS,
    audio_of,
    detections,
    events,
    log_probs,
    name_of,
    stored,
)
from .golden import recognizer as new_recognizer

GOLDEN: dict[str, Any] = json.loads((FOLDER / "golden.json").read_text())
recognizer = cache(new_recognizer)
AGAIN = "make the golden vectors again: python -m tests.golden"


def near(value: Any) -> Any:
    """Equal but for the last digits of numbers."""
    if isinstance(value, dict):
        return {key: near(item) for key, item in value.items()}
    if isinstance(value, list):
        return [near(item) for item in value]
    return pytest.approx(value, abs=1e-6) if isinstance(value, float) else value


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_grammars_compile_to_the_same(grammar: str) -> None:
    source, wake_words = GRAMMARS[grammar]
    compiled = json.loads(sl.Recognizer(source, wake_words, device="cpu").compiled_grammar())
    assert compiled == near(json.loads((FOLDER / f"{grammar}.json").read_text())), AGAIN


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_models_hear_the_same(precision: str) -> None:
    model = recognizer("words", precision).model
    bound = 0.05 if precision == "fp32" else 3.0  # int8 rounds by the processor
    for name in [*map(name_of, CLIPS), *(STREAMS if precision == "int8" else ())]:
        heard, before = np.exp(log_probs(name, precision, model)), np.exp(stored(f"{name}-{precision}"))
        assert heard.shape == before.shape, AGAIN
        assert (heard.argmax(axis=1) == before.argmax(axis=1)).mean() > 0.95, AGAIN
        assert np.abs(np.log(heard / before))[before > 0.05].max() < bound, AGAIN


def test_results_are_the_same() -> None:
    assert len(GOLDEN["results"]) == len(CLIPS) * len(PRECISIONS) * len(GRAMMARS)
    for case in GOLDEN["results"]:
        found = recognizer(case["grammar"], case["precision"]).decode(
            stored(f"{case['clip']}-{case['precision']}"), len(audio_of(case["clip"])) / 16000
        )
        assert found.to_dict() == near(case["result"]), AGAIN


@pytest.mark.parametrize("session", GOLDEN["sessions"])
def test_sessions_are_the_same(session: dict[str, Any]) -> None:
    assert events(session, recognizer(session["grammar"])) == near(session["events"]), AGAIN


def test_wake_words_are_the_same() -> None:
    for stream, found in GOLDEN["detections"].items():
        assert detections(recognizer("words"), stream) == near(found), AGAIN


def test_they_hold_something_of_everything() -> None:
    results = [case["result"] for case in GOLDEN["results"]]
    assert {result["accepted"] for result in results} == {True, False}
    assert any(result["slots"] for result in results) and any(result["alternatives"] for result in results)
    happened = {event["event"] for session in GOLDEN["sessions"] for event in session["events"]}
    assert happened == {"WakeWord", "SpeechStarted", "Partial", "Command", "Rejected", "Timeout"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000
