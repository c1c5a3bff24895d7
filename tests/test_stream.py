"""Streams: how audio is cut does not matter, and bad audio is refused without harm. Untrained weights serve as well."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.results import Command, Event, Rejected

if TYPE_CHECKING:
    from tests.conftest import Exported

CLIPS = sorted((Path(__file__).parent / "data" / "words").glob("*.opus"))


@pytest.fixture(scope="session")
def words() -> list[str]:
    return (Path(__file__).parent / "data" / "words.txt").read_text().split()


@pytest.fixture(scope="session")
def recognizer(exported: Exported, words: list[str]) -> Recognizer:
    return Recognizer(grammar=words, model=exported.int8, device="cpu", options=RecognizerOptions(threshold=0.2))


@pytest.fixture(scope="session")
def audio() -> np.ndarray:
    """Ten seconds of words, int16."""
    return (np.concatenate([read_audio(clip) for clip in CLIPS[:10]]) * 32767).astype(np.int16)


def events(recognizer: Recognizer, audio: np.ndarray, cuts: list[int]) -> list[Event]:
    stream = recognizer.stream()
    found = [event for piece in np.split(audio, sorted(cuts)) for event in stream.accept(piece)]
    return found + stream.finish()


@pytest.fixture(scope="session")
def expected(recognizer: Recognizer, audio: np.ndarray) -> list[Event]:
    return events(recognizer, audio, [])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 160_000), max_size=60))
def test_results_do_not_depend_on_how_audio_is_cut(
    recognizer: Recognizer, audio: np.ndarray, expected: list[Event], cuts: list[int]
) -> None:
    assert events(recognizer, audio, cuts) == expected


def test_blocks_are_long_but_for_the_end_of_a_command_which_is_not_reported_later(words: list[str]) -> None:
    stream, gap = Recognizer(grammar=words, device="cpu").stream(), np.zeros(16_000, np.float32)
    heard = np.concatenate([part for clip in CLIPS[:6] for part in (read_audio(clip), gap)])
    sizes, late = [], []
    for begin in range(0, len(heard), 640):
        stream.put(heard[begin : begin + 640])
        while (block := stream.next_block()) is not None:
            sizes.append(len(block))
            log_probs, state = stream.model.run(block[None], stream.model_state[None])
            found = stream.advance(log_probs[0], state[0])
            late += [(begin + 640) / 16_000 - event.time for event in found if isinstance(event, Command)]
    assert {1280, 2560, 5120} < set(sizes) and max(sizes) == 10240 and sizes.count(1280) < sizes.count(5120)
    assert len(late) >= 4 and max(late) < 0.08


def test_one_sample_at_a_time(recognizer: Recognizer, audio: np.ndarray) -> None:
    short = audio[:20_000]
    assert events(recognizer, short, list(range(1, len(short)))) == events(recognizer, short, []) != []


def test_float_and_int16_are_the_same_audio(recognizer: Recognizer, audio: np.ndarray, expected: list[Event]) -> None:
    assert events(recognizer, audio.astype(np.float32) / 32768, [12345]) == expected


def test_a_reused_buffer_does_not_change_what_was_heard(recognizer: Recognizer, audio: np.ndarray) -> None:
    stream, buffer, found = recognizer.stream(), np.zeros(500, np.float32), []
    for start in range(0, 20_000, 500):
        buffer[:] = audio[start : start + 500] / 32768
        found += stream.accept(buffer)
    assert found + stream.finish() == events(recognizer, audio[:20_000], [])


def test_bad_audio_is_refused_and_the_stream_goes_on(
    recognizer: Recognizer, audio: np.ndarray, expected: list[Event]
) -> None:
    stream = recognizer.stream()
    found = stream.accept(audio[:5000])
    for bad in (np.full(100, np.nan, np.float32), np.zeros((10, 2), np.float32), np.zeros(10, bool), "left"):
        with pytest.raises(AudioError):
            stream.accept(bad)
    assert stream.accept(np.zeros(0, np.int16)) == []
    assert found + stream.accept(audio[5000:]) + stream.finish() == expected


def test_a_finished_stream_takes_no_more(recognizer: Recognizer) -> None:
    stream = recognizer.stream()
    stream.finish()
    assert stream.finish() == []
    with pytest.raises(AudioError, match="finished"):
        stream.accept(np.zeros(10, np.int16))


def test_time_is_that_of_the_audio(recognizer: Recognizer, audio: np.ndarray) -> None:
    stream = recognizer.stream(sample_rate=48000)
    stream.accept(np.zeros(48000 * 3, np.float32))
    assert 2.8 <= stream.time <= 3


def test_no_time_is_after_the_audio(recognizer: Recognizer, audio: np.ndarray) -> None:
    stream = recognizer.stream()
    found = stream.accept(audio[:17_000]) + stream.finish()
    assert found and max(event.time for event in found) <= 17_000 / 16_000 and stream.time <= 17_000 / 16_000


def test_pickling_is_refused(recognizer: Recognizer) -> None:
    for item in (recognizer, recognizer.stream()):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(item)


def test_a_button_is_released_after_audio_that_still_waits(words: list[str]) -> None:
    gap = np.zeros(8000, np.float32)
    options = RecognizerOptions(session=SessionOptions(push_to_talk=True))
    recognizer = Recognizer(grammar=words, device="cpu", options=options)
    for clip in CLIPS[:6]:
        stream, released = recognizer.stream(), 0.0
        sizes: list[int] = []
        found: list[Event] = []
        stream.press()
        said = np.concatenate([gap, read_audio(clip)])
        heard = np.concatenate([said, gap, gap])
        for begin in range(0, len(heard), 320):
            if not released and begin > len(said):
                stream.release()
                released = begin / 16_000
            stream.put(heard[begin : begin + 320])
            while (block := stream.next_block()) is not None:
                sizes.append(len(block))
                log_probs, state = stream.model.run(block[None], stream.model_state[None])
                found += stream.advance(log_probs[0], state[0])
        assert 5120 in sizes and 1280 in sizes
        (result,) = [event for event in found if isinstance(event, Command | Rejected)]
        assert result.time < released + 0.3 + 0.08
        assert clip.stem.startswith(result.result.text)
