"""Streams heard together give what they give one by one."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

import speech_lstm as sl

WORDS = Path(__file__).parent / "data" / "words"
CLIPS = sorted(WORDS.glob("*.opus"))


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    words = (WORDS.parent / "words.txt").read_text().split()
    return sl.Recognizer(grammar=words, device="cpu", options=sl.RecognizerOptions(threshold=0.4))


@pytest.fixture(scope="module")
def exact(recognizer: sl.Recognizer) -> sl.Recognizer:
    """The same with a network that does not round by what else is in its batch, as an int8 one does."""
    model = sl.Model.load(WORDS.parents[2] / "models" / "default-fp32.onnx", "cpu")
    return sl.Recognizer(recognizer.grammar, model=model, options=recognizer.options)


@pytest.fixture(scope="module")
def audio() -> list[np.ndarray]:
    """Fifty streams of 3 to 4 s: three words each, another beginning and other pauses in each."""
    clips = [sl.read_audio(clip) for clip in CLIPS]
    return [
        np.concatenate([np.pad(clips[(i + step) % len(clips)], (40 * i, 4000)) for step in (0, 7, 13)])
        for i in range(50)
    ]


def alone(recognizer: sl.Recognizer, samples: np.ndarray) -> list[sl.Event]:
    stream = recognizer.stream()
    return stream.accept(samples) + stream.finish()


def together(recognizer: sl.Recognizer, audio: list[np.ndarray], largest_batch: int = 64) -> list[list[sl.Event]]:
    """In pieces of 100 ms, streams end when their audio does."""
    pool = sl.MultiStream(recognizer, largest_batch)
    streams = [pool.stream() for _ in audio]
    events: dict[sl.Stream, list[sl.Event]] = {stream: [] for stream in streams}
    for start in range(0, max(map(len, audio)), 1600):
        pieces = {stream: samples[start : start + 1600] for stream, samples in zip(streams, audio, strict=True)}
        for stream, event in pool.accept({stream: piece for stream, piece in pieces.items() if len(piece)}):
            events[stream].append(event)
    return [events[stream] + stream.finish() for stream in streams]


def summary(events: list[sl.Event]) -> list[tuple[str, str]]:
    """What was decided."""
    return [(type(e).__name__, e.result.text) for e in events if isinstance(e, sl.Command | sl.Rejected)]


def test_fifty_streams_decide_as_one_by_one(exact: sl.Recognizer, audio: list[np.ndarray]) -> None:
    expected = [decision for samples in audio for decision in summary(alone(exact, samples))]
    found = [decision for events in together(exact, audio) for decision in summary(events)]
    assert len(expected) > 100 and found == expected


def test_batches_of_one_are_exactly_the_same(recognizer: sl.Recognizer, audio: list[np.ndarray]) -> None:
    assert together(recognizer, audio[:4], 1) == [alone(recognizer, samples) for samples in audio[:4]]


def test_threads_share_a_recognizer(recognizer: sl.Recognizer, audio: list[np.ndarray]) -> None:
    found: dict[int, list[sl.Event]] = {}

    def hear(number: int) -> None:
        found[number] = alone(recognizer, audio[number])

    threads = [threading.Thread(target=hear, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(8)] == [alone(recognizer, samples) for samples in audio[:8]]


def test_streams_of_other_grammars_share_the_model(recognizer: sl.Recognizer) -> None:
    pool, other = sl.MultiStream(recognizer), recognizer.with_grammar(["backward"])
    stream = other.stream()
    samples = np.pad(sl.read_audio(next(WORDS.glob("backward_*"))), (8000, 16000))
    events = [event for where, event in pool.accept({stream: samples, pool.stream(): samples}) if where is stream]
    assert summary(events) == [("Command", "backward")]


def test_what_does_not_fit_is_refused(recognizer: sl.Recognizer) -> None:
    pool = sl.MultiStream(recognizer)
    foreign = sl.Recognizer(grammar=["left"], device="cpu").stream()
    with pytest.raises(sl.AudioError, match="another model"):
        pool.accept({foreign: np.zeros(100, np.float32)})
    finished = pool.stream()
    finished.finish()
    with pytest.raises(sl.AudioError, match="finished"):
        pool.accept({finished: np.zeros(100, np.float32)})
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(pool)
    with pytest.raises(ValueError, match="largest_batch"):
        sl.MultiStream(recognizer, 0)
