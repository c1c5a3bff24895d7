"""A model that answers some frames late: all that it says, and when it was said, is as without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import speech_lstm as sl
from speech_lstm.batch.listeners import CommandListener
from speech_lstm.batch.transcriber import Transcriber
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.free.transcriber import FreeTranscriber
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.model.model import Model

WORDS = Path(__file__).parent / "data" / "words"
GRAMMAR = ["forward", "backward", "stop", "left", "right"]
LATE = 5


class LateModel(Model):
    """The shipped model, every output of it `LATE` frames later; they wait in the state."""

    def __init__(self, model: Model) -> None:
        self.metadata = replace(model.metadata, lookahead_frames=LATE)
        self.path, self.device = model.path, model.device
        self.state_size = model.state_size + LATE * len(model.metadata.tokens)
        self._model = model

    def run(
        self, audio: NDArray[np.float32], state: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As `Model.run`."""
        inner, waiting = np.split(state, [self._model.state_size], axis=1)
        log_probs, inner = self._model.run(audio, np.ascontiguousarray(inner))
        rows = np.concatenate([waiting.reshape(len(state), LATE, -1), log_probs], axis=1)
        given, waiting = np.split(rows, [log_probs.shape[1]], axis=1)
        return given, np.concatenate([inner, waiting.reshape(len(state), -1)], axis=1)


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    """The shipped one, and it with look-ahead."""
    model = Model.load("default", "cpu")
    return model, LateModel(model)


@pytest.fixture(scope="module")
def audio() -> NDArray[np.float32]:
    """Three words with pauses, the last one at the very end."""
    clips = [sl.read_audio(next(WORDS.glob(f"{word}_*.opus"))) for word in ("forward", "left", "stop")]
    pause = np.zeros(16000, np.float32)
    return np.concatenate([pause, clips[0], pause, clips[1], pause, clips[2]])


def words_of(result: sl.Result) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in result.words]


def test_a_clip_has_the_same_words_at_the_same_times(models: tuple[Model, Model], audio: NDArray[np.float32]) -> None:
    clip = audio[16000:33000]
    plain, late = (sl.Recognizer(GRAMMAR, model=model).recognize(clip) for model in models)
    assert plain.text == late.text == "forward" and words_of(plain) == words_of(late)
    assert late.confidence == pytest.approx(plain.confidence, abs=1e-4)


def test_streams_hear_the_same_commands_at_the_same_times(
    models: tuple[Model, Model], audio: NDArray[np.float32]
) -> None:
    heard = []
    for model in models:
        stream = sl.Recognizer(GRAMMAR, model=model).stream()
        events = [event for start in range(0, len(audio), 3000) for event in stream.accept(audio[start : start + 3000])]
        events += stream.finish()
        heard.append([event for event in events if isinstance(event, sl.Command)])
        assert stream.time == pytest.approx(len(audio) / 16000, abs=0.01)
    plain, late = heard
    assert [event.result.text for event in plain] == ["forward", "left", "stop"]
    assert [words_of(event.result) for event in plain] == [words_of(event.result) for event in late]
    assert [event.time for event in plain] == pytest.approx([event.time for event in late], abs=0.05)


def test_nothing_of_a_recording_is_lost(models: tuple[Model, Model], audio: NDArray[np.float32]) -> None:
    plain, late = (sl.Recognizer(GRAMMAR, model=model).recognize_all(audio) for model in models)
    assert list(map(words_of, plain)) == list(map(words_of, late)) and len(late) == 3
    plain, late = (FreeTranscriber(model).transcribe(audio) for model in models)
    assert list(map(words_of, plain)) == list(map(words_of, late))


def test_files_heard_together_have_the_same_words(models: tuple[Model, Model]) -> None:
    files = [next(WORDS.glob(f"{word}_*.opus")) for word in GRAMMAR]
    plain, late = (
        [transcript.results for transcript in Transcriber(CommandListener(recognizer)).transcribe(files)]
        for recognizer in (sl.Recognizer(GRAMMAR, model=model) for model in models)
    )
    assert [[words_of(result) for result in results] for results in plain] == [
        [words_of(result) for result in results] for results in late
    ]
    assert [results[0].text for results in late] == GRAMMAR


def test_a_button_is_released_after_what_was_said_before(
    models: tuple[Model, Model], audio: NDArray[np.float32]
) -> None:
    options = sl.RecognizerOptions(session=SessionOptions(push_to_talk=True, release_seconds=0.2))
    for model in models:
        stream = sl.Recognizer(GRAMMAR, model=model, options=options).stream()
        stream.press()
        events = stream.accept(audio[8000:30000])
        stream.release()
        events += stream.accept(audio[30000:48000])
        assert [event.result.text for event in events if isinstance(event, sl.Command)] == ["forward"]


def test_a_grammar_is_not_compiled_for_such_a_model(models: tuple[Model, Model]) -> None:
    with pytest.raises(GrammarError, match="model with look-ahead"):
        sl.Recognizer(GRAMMAR, model=models[1]).compiled_grammar()
