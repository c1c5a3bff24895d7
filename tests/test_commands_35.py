"""The shipped model of 35 words: it hears them, alone and in a stream, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.runtime.errors import GrammarError, ModelError

WORDS = Path(__file__).parent / "data" / "words"


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    """All words of the shipped model."""
    words = sl.Model.load("commands-35", "cpu").metadata.tokens[1:-1]
    assert len(words) == 35
    return sl.Recognizer(words, model="commands-35", device="cpu")


def test_it_hears_the_words_of_the_tests(recognizer: sl.Recognizer) -> None:
    clips = [clip for clip in sorted(WORDS.glob("*.opus")) if "an4" not in clip.stem]
    results = {clip.stem.split("_")[0]: recognizer.recognize(sl.read_audio(clip)) for clip in clips}
    right = [word for word, result in results.items() if result.text == word and result.accepted]
    assert len(results) == 17 and len(right) >= 15, results
    assert all(0 <= result.start < result.end <= 1.2 for result in results.values() if result.accepted)


def test_it_hears_a_stream_and_rejects_others(recognizer: sl.Recognizer) -> None:
    pause = np.zeros(16000, np.float32)
    clips = [sl.read_audio(next(WORDS.glob(f"{word}_sc*.opus"))) for word in ("right", "left")]
    stream = recognizer.stream()
    events = [*stream.accept(np.concatenate([pause, clips[0], pause, clips[1], pause])), *stream.finish()]
    assert [event.result.text for event in events if isinstance(event, sl.Command)] == ["right", "left"]
    sentences = sorted((WORDS.parent / "sentences").glob("*.opus"))
    accepted = [recognizer.recognize(sl.read_audio(clip)).accepted for clip in sentences]
    assert sum(accepted) <= len(accepted) / 5
    assert not recognizer.recognize(0.05 * np.random.default_rng(0).standard_normal(16000)).accepted


def test_other_words_are_refused(recognizer: sl.Recognizer) -> None:
    with pytest.raises(GrammarError, match="the word 'light'; it hears these and no others: backward, bed"):
        recognizer.with_grammar(["stop the light"])
    assert not recognizer.with_grammar(["Go left", "go right"]).recognize(np.zeros(8000)).accepted
    with pytest.raises(ModelError, match="false alarms"):
        sl.Recognizer(["stop"], wake_word="marvin", model=recognizer.model)
    with pytest.raises(ModelError, match="needs a model of phones"):
        sl.FreeTranscriber(recognizer.model)
