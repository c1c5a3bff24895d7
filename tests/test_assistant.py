"""Functions for intents: what fits is called, what does not is refused when it is registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.runtime.live.assistant import slots_of_intents

WORDS = Path(__file__).parent / "data" / "words"
GRAMMAR = sl.Grammar.from_phrases(
    [
        "Move: (go|move) {direction} [to {place}]",
        "Move: {direction}",
        "Mood: {mood}",
        "Count: one [{place}]",
        "Bye: stop",
    ],
    lists={"direction": ["backward", "forward"], "place": ["house", "tree"], "mood": ["happy"]},
)


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    return sl.Recognizer(grammar=GRAMMAR, device="cpu", options=sl.RecognizerOptions(threshold=0.3))


def test_possible_and_certain_slots() -> None:
    slots = slots_of_intents(GRAMMAR.graph)
    found = {intent: (set(item.possible), set(item.certain)) for intent, item in slots.items()}
    assert found == {
        "Move": ({"direction", "place"}, {"direction"}),
        "Mood": ({"mood"}, {"mood"}),
        "Count": ({"place"}, set()),
        "Bye": (set(), set()),
    }


def test_commands_reach_their_functions(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    calls: list[Any] = []

    @assistant.on("Move")
    def move(direction: str, event: sl.Command, place: str | None = None) -> str:
        calls.append((direction, place, event.result.text))
        return f"moved {direction}"

    @assistant.on("Mood")
    def mood(**slots: str) -> None:
        calls.append(slots)

    assert assistant.unhandled == {"Count", "Bye"}
    answers = []
    for word in ("backward", "happy", "one"):
        stream = recognizer.stream()
        samples = np.pad(sl.read_audio(next(WORDS.glob(f"{word}_*"))), (8000, 16000))
        answers += [answer for event in stream.accept(samples) if (answer := assistant.handle(event))]
    assert calls == [("backward", None, "backward"), {"mood": "happy"}]
    assert answers == ["moved backward"]


@pytest.mark.parametrize(
    ("intent", "function", "message"),
    [
        ("Turn", lambda: None, "no intent 'Turn'; it has: Bye, Count, Mood, Move"),
        ("Move", lambda direction: None, "does not take the slot 'place'"),
        ("Move", lambda direction, place: None, "needs 'place', which some sentences leave out"),
        ("Mood", lambda mood, colour=None: None, r"takes 'colour', which is no slot of it \(slots: mood\)"),
        ("Mood", lambda mood, /: None, "by position only"),
        ("Bye", lambda name: None, r"which is no slot of it \(slots: none\)"),
    ],
)
def test_what_does_not_fit_the_grammar_is_refused(
    recognizer: sl.Recognizer, intent: str, function: Callable[..., None], message: str
) -> None:
    with pytest.raises(sl.GrammarError, match=message):
        sl.Assistant(recognizer).on(intent)(function)


def test_one_function_an_intent(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    assistant.on("Bye")(lambda: None)
    with pytest.raises(sl.GrammarError, match="has a function already"):
        assistant.on("Bye")
