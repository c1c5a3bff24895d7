"""What may be done to a stream that runs: another grammar, other slot values, the button of another thread, but not to
feed it from two threads at once.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import speech_lstm as sl

WORDS = Path(__file__).parent / "data" / "words"
SILENCE = np.zeros(16000, np.float32)


def clip(word: str) -> np.ndarray:
    return sl.read_audio(next(WORDS.glob(f"{word}_*")))


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    options = sl.RecognizerOptions(threshold=0.3, session=sl.SessionOptions(partials=False))
    grammar = sl.Grammar.from_phrases(["Go: {where}"], lists={"where": {"forward": 1, "backward": 2}})
    return sl.Recognizer(grammar, device="cpu", options=options)


def heard(events: list[sl.Event]) -> list[tuple[str, object]]:
    return [(event.result.text, event.result.slots.get("where")) for event in events if isinstance(event, sl.Command)]


def test_another_grammar_from_the_next_command_on(recognizer: sl.Recognizer) -> None:
    stream = recognizer.stream()
    assert heard(stream.accept(np.concatenate([SILENCE, clip("forward"), SILENCE]))) == [("forward", 1)]
    stream.use(recognizer.with_grammar(["backward"]))
    events = stream.accept(np.concatenate([clip("backward"), SILENCE, clip("forward"), SILENCE]))
    assert heard(events) == [("backward", None)]
    assert events[-1].time > 3, "time goes on"
    stream.use(recognizer)
    assert heard([*stream.accept(clip("backward")), *stream.finish()]) == [("backward", 2)]


def test_other_values_of_a_list(recognizer: sl.Recognizer) -> None:
    stream = recognizer.stream()
    stream.use(recognizer.with_lists({"where": {"forward": "ahead", "happy": "home"}}))
    audio = np.concatenate([clip("forward"), SILENCE, clip("backward"), SILENCE])
    assert heard(stream.accept(audio)) == [("forward", "ahead")]


def test_a_command_that_is_being_said_ends_with_the_grammar_it_began_with(recognizer: sl.Recognizer) -> None:
    stream = recognizer.stream()
    forward = clip("forward")
    events = stream.accept(np.concatenate([SILENCE, forward[: len(forward) * 3 // 4]]))
    assert stream.state is sl.State.LISTENING and not heard(events)
    stream.use(recognizer.with_grammar(["backward"]))
    events = stream.accept(np.concatenate([forward[len(forward) * 3 // 4 :], SILENCE, clip("backward"), SILENCE]))
    assert heard(events) == [("forward", 1), ("backward", None)]


def test_grammars_of_another_model_are_refused(recognizer: sl.Recognizer) -> None:
    stream = recognizer.stream()
    for other in (sl.Recognizer(["stop"], device="cpu"), ["stop"], None):
        with pytest.raises(sl.SpeechLstmError, match="make the other recognizer with with_grammar"):
            stream.use(other)  # type: ignore[arg-type]


def test_threads_that_feed_one_stream_at_once_are_told(recognizer: sl.Recognizer) -> None:
    stream, pool = recognizer.stream(), sl.MultiStream(recognizer)
    member = pool.stream()
    outcomes: Counter[str] = Counter()
    barrier = threading.Barrier(4)

    def feed() -> None:
        barrier.wait()
        for _ in range(20):
            try:
                stream.accept(SILENCE)
                pool.accept({member: SILENCE})
                outcomes["heard"] += 1
            except sl.SpeechLstmError as error:
                outcomes[str(error)[:41]] += 1

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) <= {
        "heard",
        "another thread is feeding this Stream at ",
        "another thread is feeding this MultiStrea",
    }
    assert 0 < outcomes["heard"] < 80, outcomes
    events = [*stream.accept(clip("forward")), *stream.finish()]
    assert heard(events)[-1:] == [("forward", 1)], "it works all the same"


def test_a_button_may_be_pressed_by_another_thread(recognizer: sl.Recognizer) -> None:
    stream = recognizer.stream()
    done = threading.Event()

    def press() -> None:
        while not done.is_set():
            stream.press()
            stream.release()
            stream.use(recognizer)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        for _ in range(5):
            stream.accept(np.concatenate([clip("forward"), SILENCE]))
    finally:
        done.set()
        thread.join()
    assert heard(stream.accept(np.concatenate([SILENCE, SILENCE, clip("backward"), SILENCE])))[-1] == ("backward", 2)
