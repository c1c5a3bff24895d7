"""The state machine on log-probabilities of a spoken phone sequence: which events come, in which order, and when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from speech_lstm.runtime.decoding.confidence import ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.live.command_search import Heard
from speech_lstm.runtime.live.interpreter import Interpreter
from speech_lstm.runtime.live.session import Session
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.live.state import State
from speech_lstm.runtime.results import Command, Event, Partial, Rejected, SpeechStarted, Timeout, WakeWord

LEXICON = Lexicon()
FRAME = 0.04


class WakeAfter:
    """Finds a wake word that ended `ago` frames before frame `at`."""

    frames_left = 1

    def __init__(self, at: int, ago: int = 0) -> None:
        self.at, self.ago, self.frames = at, ago, 0

    def advance(self, log_probs: np.ndarray) -> tuple[int, tuple[str, float, int] | None]:
        before, self.frames = self.frames, self.frames + len(log_probs)
        if not before < self.at <= self.frames:
            return len(log_probs), None
        self.frames = self.at
        return self.at - before, ("computer", 0.9, self.ago)


def say(text: str) -> list[int]:
    """Tokens of words, a blank after each phone."""
    phones = [phone for word in text.split() for phone in LEXICON.pronunciations(word)[0]]
    return [token for phone in phones for token in (TOKENS.index(phone), 0)]


def silence(seconds: float) -> list[int]:
    return [0] * round(seconds / FRAME)


def log_probs(tokens: list[int]) -> np.ndarray:
    """float32 [frames, tokens]: 99.9 % for the token of each frame."""
    probabilities = np.full((len(tokens), len(TOKENS)), 0.001 / (len(TOKENS) - 1), np.float32)
    probabilities[np.arange(len(tokens)), tokens] = 0.999
    return np.log(probabilities)


def session(options: SessionOptions | None = None, wake: WakeAfter | None = None) -> Session:
    grammar = Grammar.from_phrases(["turn on the light", "turn on the light please", "stop the music"])
    decoder = Decoder(compile_graph(grammar.graph, LEXICON, TOKENS))
    interpreter = Interpreter(grammar, ConfidenceModel(), 0.5, FRAME)
    return Session(
        Heard(decoder, interpreter, interpreter), options or SessionOptions(), 1, (lambda: wake) if wake else None
    )


def play(live: Session, tokens: list[int], block: int = 2) -> list[Event]:
    frames = log_probs(tokens)
    return [event for start in range(0, len(frames), block) for event in live.advance(frames[start : start + block])]


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events if not isinstance(event, Partial)]


def test_a_command_comes_soon_when_no_longer_sentence_can_follow_and_after_a_pause_otherwise() -> None:
    live = session()
    spoken = silence(1) + say("stop the music")
    events = play(live, spoken + silence(2))
    assert kinds(events) == [SpeechStarted, Command] and live.state is State.IDLE
    command = events[-1]
    assert isinstance(command, Command) and command.result.text == "stop the music"
    assert 0.1 <= command.time - len(spoken) * FRAME <= 0.25
    assert 1.0 <= command.result.words[0].start <= 1.04 and command.result.end == pytest.approx(
        (len(spoken) - 1) * FRAME, abs=0.05
    )
    ambiguous = say("turn on the light")
    command = play(session(), ambiguous + silence(2))[-1]
    assert isinstance(command, Command) and command.result.text == "turn on the light"
    assert 0.5 <= command.time - len(ambiguous) * FRAME <= 0.7


def test_the_longer_sentence_is_heard_out() -> None:
    events = play(session(), say("turn on the light") + silence(0.3) + say("please") + silence(1))
    assert kinds(events) == [SpeechStarted, Command]
    assert isinstance(events[-1], Command) and events[-1].result.text == "turn on the light please"


def test_partials_grow_word_by_word() -> None:
    events = play(session(), say("turn on the light please") + silence(1))
    texts = [event.text for event in events if isinstance(event, Partial)]
    assert texts and all("turn on the light please".startswith(text) for text in texts)
    assert texts == sorted(set(texts), key=len)
    assert not any(isinstance(e, Partial) for e in play(session(SessionOptions(partials=False)), say("stop the music")))


def test_other_words_are_rejected_and_the_next_command_is_heard() -> None:
    events = play(session(), say("seven yellow elephants") + silence(1) + say("stop the music") + silence(1))
    assert kinds(events) == [SpeechStarted, Rejected, SpeechStarted, Command]


def test_a_sound_that_can_be_no_sentence_is_rejected_with_its_times() -> None:
    events = play(session(), silence(20) + say("stop")[:4] + silence(2))
    (rejected,) = (event for event in events if isinstance(event, Rejected))
    result = rejected.result
    assert (result.text, result.words) == ("", ())
    assert 19 < result.start < 20 < result.end <= rejected.time


def test_with_a_wake_word_nothing_is_heard_before_it() -> None:
    spoken = say("stop the music") + silence(1)
    events = play(session(wake=WakeAfter(len(spoken))), spoken + silence(0.4) + spoken)
    assert kinds(events) == [WakeWord, SpeechStarted, Command]
    assert isinstance(events[0], WakeWord) and events[0].phrase == "computer"


def test_speech_right_after_the_wake_word_is_not_lost() -> None:
    before, spoken = silence(1.04), say("stop the music")
    events = play(session(wake=WakeAfter(len(before) + 4, ago=4)), before + spoken + silence(1))
    assert kinds(events) == [WakeWord, SpeechStarted, Command]


@pytest.mark.parametrize("ago", [0, 3])
def test_the_last_sound_of_the_wake_word_is_no_command(ago: int) -> None:
    before, last = silence(1.04), [TOKENS.index("OY")] * 6
    events = play(session(wake=WakeAfter(len(before) + ago, ago)), before + last + silence(1) + say("stop the music"))
    assert kinds(events) == [WakeWord, SpeechStarted] and events[1].time > 2
    endless = [TOKENS.index("OY")] * 60
    assert kinds(play(session(wake=WakeAfter(len(before), 0)), before + endless))[:2] == [WakeWord, SpeechStarted]


def test_silence_after_the_wake_word_times_out() -> None:
    live = session(wake=WakeAfter(10))
    events = play(live, silence(7))
    assert kinds(events) == [WakeWord, Timeout] and live.state is State.IDLE
    assert isinstance(events[1], Timeout) and events[1].reason == "leading"
    assert events[1].time - events[0].time == pytest.approx(5.0, abs=0.1)


def test_endless_speech_times_out() -> None:
    events = play(session(SessionOptions(total_seconds=3)), say("elephant") * 8)
    assert isinstance(events[-1], Timeout) or any(isinstance(event, Timeout) for event in events)
    first = next(event for event in events if isinstance(event, Timeout))
    assert first.reason == "total" and first.time == pytest.approx(3, abs=0.2)


def test_push_to_talk_hears_only_while_the_button_is_down() -> None:
    live = session(SessionOptions(push_to_talk=True))
    spoken = say("turn on the light")
    assert play(live, spoken + silence(1)) == []
    live.press()
    assert live.state is State.AWAKE
    assert kinds(play(live, silence(6) + spoken + silence(2))) == [SpeechStarted]
    live.release()
    released = live.time
    events = play(live, silence(1))
    assert kinds(events) == [Command] and released < events[0].time <= released + 0.4
    assert play(live, spoken + silence(1)) == []


def test_the_end_of_the_audio_decides() -> None:
    live = session()
    play(live, say("turn on the light"))
    (event,) = live.finish()
    assert isinstance(event, Command) and event.result.text == "turn on the light"
    assert live.finish() == []


def babble(phones: int, seed: int = 0) -> list[int]:
    """Tokens of random phones, a blank after each."""
    rng = np.random.default_rng(seed)
    return [token for phone in rng.integers(1, len(TOKENS), phones).tolist() for token in (phone, 0)]


def texts(events: list[Event]) -> list[str]:
    return [event.result.text for event in events if isinstance(event, Command)]


@pytest.mark.parametrize("seed", range(4))
def test_a_command_in_the_middle_of_other_speech_comes_soon(seed: int) -> None:
    for text, latest in (("stop the music", 0.4), ("turn on the light", 0.9)):
        spoken = silence(0.8) + say(text)
        events = play(session(), spoken + babble(150, seed))
        first = next(event for event in events if isinstance(event, Command))
        assert first.result.text == text and first.time - len(spoken) * FRAME <= latest


@pytest.mark.parametrize("gap", [0.0, 0.08, 0.2])
def test_both_of_two_commands_in_a_row_are_heard(gap: float) -> None:
    events = play(session(), say("stop the music") + silence(gap) + say("turn on the light please") + silence(1))
    assert texts(events) == ["stop the music", "turn on the light please"]
    live = session()
    play(live, say("turn on the light"))
    play(live, silence(gap) + say("stop the music"))
    assert texts(live.finish())[-1] == "stop the music"


@pytest.mark.parametrize("before", [110, 117, 120, 123])
def test_a_command_over_the_longest_time_is_heard(before: int) -> None:
    events = play(session(), babble(before) + say("turn on the light please") + silence(1.6))
    assert "turn on the light please" in texts(events)


def test_the_size_of_blocks_changes_nothing() -> None:
    tokens = babble(110) + say("stop the music") + say("turn on the light") + babble(30, 1) + silence(1)
    expected = play(session(), tokens, 1)
    assert texts(expected) and play(session(), tokens, 7) == expected == play(session(), tokens, 250)


def test_the_button_always_brings_an_answer() -> None:
    live = session(SessionOptions(push_to_talk=True))
    live.press()
    assert play(live, silence(1)) == []
    live.release()
    (event,) = play(live, silence(1))
    assert isinstance(event, Timeout) and event.reason == "leading" and live.state is State.IDLE


def test_a_button_that_is_pressed_again_goes_on_with_the_command() -> None:
    live = session(SessionOptions(push_to_talk=True))
    spoken = say("turn on the light")
    for repeats in (1, 4):  # as the repeat of a key does
        live.press()
        events = []
        for part in (spoken[:8], spoken[8:16], spoken[16:]):
            events += play(live, part)
            for _ in range(repeats):
                live.press()
        live.release()
        assert texts(events + play(live, silence(1))) == ["turn on the light"]
    live.press()
    events = play(live, spoken[:10])
    live.release()
    events += play(live, spoken[10:12])
    live.press()  # before the answer
    events += play(live, spoken[12:])
    live.release()
    assert texts(events + play(live, silence(1))) == ["turn on the light"]


def test_a_button_waits_for_what_was_said_before_it_was_released() -> None:
    live = session(SessionOptions(push_to_talk=True))
    spoken = say("turn on the light please")
    for waiting, text in ((0, "turn on the light"), (6, "turn on the light please")):
        live.press()
        events = play(live, spoken[:-12])
        live.release(waiting)
        assert texts(events + play(live, spoken[-12:] + silence(2))) == [text]


def test_a_button_held_too_long_loses_nothing() -> None:
    live = session(SessionOptions(push_to_talk=True))
    live.press()
    events = play(live, say("stop the music") + silence(11) + say("turn on the light"))
    live.release()
    events += play(live, silence(1))
    assert texts(events) == ["stop the music", "turn on the light"]
    live.press()
    events = play(live, babble(130))
    assert [type(event) for event in events if not isinstance(event, Partial)][:2] == [SpeechStarted, Timeout]
    events = play(live, silence(0.2) + say("stop the music"))
    live.release()
    assert texts(events + play(live, silence(1))) == ["stop the music"]


def test_a_wake_word_that_ended_before_the_kept_audio_loses_nothing() -> None:
    before, spoken = silence(1.04), say("stop the music")
    events = play(session(wake=WakeAfter(len(before) + 6, ago=12)), before + spoken + silence(1))
    assert texts(events) == ["stop the music"]


def test_other_speech_around_a_command_does_not_lower_its_confidence_with_its_length() -> None:
    confidences = []
    for phones in (20, 60, 120):
        events = play(session(SessionOptions(total_seconds=30)), babble(phones, 3) + say("stop the music") + silence(1))
        confidences += [event.result.confidence for event in events if isinstance(event, Command)][-1:]
    assert len(confidences) == 3 and max(confidences) - min(confidences) < 0.05


def test_no_time_is_after_the_audio() -> None:
    live = session()
    tokens = say("turn on the light")
    events = play(live, tokens)
    live.end_at(1.0)
    events = play(live, silence(0.4)) + live.finish()
    (event,) = events
    assert isinstance(event, Command) and event.time <= 1 and event.result.end <= 1 and live.time <= 1


@pytest.mark.parametrize("name", ["confirm_seconds", "pause_seconds", "total_seconds", "speech_frames"])
def test_times_must_be_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SessionOptions(**{name: 0})  # type: ignore[arg-type]


def test_a_button_asks_for_a_command_that_is_being_said_already() -> None:
    spoken = say("turn on the light")
    for woken in (False, True):
        for at in (6, len(spoken) - 1, len(spoken) + 2):
            live = session(wake=WakeAfter(20) if woken else None)
            events = play(live, silence(1) + spoken[:at] + silence(0.04 * max(0, at - len(spoken))))
            live.press()
            events += play(live, spoken[at:] + silence(0.2))
            live.release()
            assert texts(events + play(live, silence(1))) == ["turn on the light"], (woken, at)


def test_a_button_lowers_the_threshold_as_a_wake_word_does() -> None:
    asked = session()._grammar
    strict = asked._replace(unasked=replace(asked.unasked, threshold=1.0))
    spoken = silence(0.5) + say("turn on the light") + silence(0.4)
    for pressed in (None, 0, 20):
        live = Session(strict, SessionOptions(), 1)
        events = play(live, spoken[:pressed] if pressed else [])
        if pressed is not None:
            live.press()
        events += play(live, spoken[pressed or 0 :])
        live.release()
        events += play(live, silence(1))
        assert (Command in kinds(events)) == (pressed is not None)
