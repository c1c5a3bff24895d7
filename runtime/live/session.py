"""The state machine of a voice assistant: idle -> awake -> listening -> command, rejection or time-out -> idle.

IDLE waits for the wake word, the button or, with neither, for speech. AWAKE waits for speech, LISTENING for its end:

    IDLE       wake word, button            -> AWAKE      WakeWord (not for the button)
    IDLE       speech, command-only mode    -> LISTENING  SpeechStarted
    AWAKE      speech                       -> LISTENING  SpeechStarted
    AWAKE      nothing for leading_seconds  -> IDLE       Timeout("leading")
    AWAKE      button released              -> IDLE       Timeout("leading")
    LISTENING  a sentence is complete       -> IDLE       Command, Rejected
    LISTENING  pause, button released       -> IDLE       Command, Rejected
    LISTENING  total_seconds                -> IDLE       Command, Timeout("total"); AWAKE while the button is down

A sentence is complete when silence or other speech has followed it for a while. What was heard after a command, and in
command-only mode or with the button down the newer half of what timed out, is heard again in the next state: a command
is not lost because another one was decided on first. All is done frame by frame, so blocks of any length give the same.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.decoding.decoder import Decoder
from speech_lstm.runtime.live.endpoint import Endpoint, Verdict
from speech_lstm.runtime.live.interpreter import Decision, Interpreter
from speech_lstm.runtime.results import Command, Event, Partial, Rejected, SpeechStarted, Timeout, WakeWord

FloatArray = NDArray[np.float32]


class State(Enum):
    """Where a session is."""

    IDLE = "idle"
    AWAKE = "awake"
    LISTENING = "listening"


@dataclass(frozen=True)
class SessionOptions:
    """When a session starts and stops to listen; everything in seconds but the last three."""

    confirm_seconds: float = 0.16
    """Silence or other speech after a sentence that no longer one can follow."""
    pause_seconds: float = 0.6
    """The same after a sentence which could go on; silence that ends speech which is no sentence."""
    leading_seconds: float = 5.0
    """Silence after the wake word until the session gives up."""
    total_seconds: float = 10.0
    """Longest command."""
    wake_tail_seconds: float = 0.32
    """How long the last sound of the wake word may go on: until the first frame without a phone no command begins."""
    release_seconds: float = 0.3
    """How much longer to listen when the button is released, because a model hears a little late."""
    preroll_seconds: float = 0.4
    """Audio before the detected start of speech that belongs to the command."""
    partial_seconds: float = 0.24
    """Least time between `Partial` events."""
    speech_frames: int = 2
    """Frames with a phone, within preroll_seconds, that make speech."""
    partials: bool = True
    """Whether to report the words so far."""
    push_to_talk: bool = False
    """Listen only between `Stream.press` and `Stream.release`."""

    def __post_init__(self) -> None:
        """ValueError for a time or count that is not above 0."""
        for item in fields(self):
            if not isinstance(value := getattr(self, item.name), bool) and value <= 0:
                raise ValueError(f"{item.name} is {value}, it must be above 0")


class WakeSearch(Protocol):
    """A wake word detector at work on one stream."""

    def advance(self, log_probs: FloatArray) -> tuple[str, float, int] | None:
        """log_probs: float32 [frames, tokens], the next ones of the stream.

        Returns None, or the wake word that was just said, its confidence, and how many frames ago it ended.
        """


class Session:
    """Fed with log-probabilities, gives events. Belongs to one stream."""

    def __init__(
        self,
        decoder: Decoder,
        interpreter: Interpreter,
        options: SessionOptions,
        alternatives: int = 0,
        start_wake_search: Callable[[], WakeSearch] | None = None,
    ) -> None:
        """start_wake_search: makes the detector that the session waits for; without one it waits for speech."""
        self.state = State.IDLE
        self._decoder = decoder
        self._interpreter = interpreter
        self._options = options
        self._alternatives = alternatives
        self._start_wake_search = start_wake_search
        self._wake = start_wake_search() if start_wake_search else None
        self._endpoint = Endpoint(
            *map(self._count, (options.confirm_seconds, options.pause_seconds, options.total_seconds))
        )
        self._recent: deque[tuple[FloatArray, bool]] = deque(maxlen=self._count(options.preroll_seconds))
        self._clock = 0  # frames of the stream
        self._frames = 0  # the same, but for those to hear again
        self._end = math.inf  # seconds of real audio, once known
        self._since = 0  # frame at which the state began
        self._release_at: int | None = None
        self._wake_end = 0  # frame until which the last sound of the wake word went on
        self._wake_limit = 0  # frame until which it may, 0 when it is over
        self._pressed = False
        self._answered = False  # whether the button brought an event already
        self._search = decoder.start()
        self._now = self._search.now  # progress of the search
        self._heard: list[FloatArray] = []  # frames of the search
        self._origin = 0  # frame at which the search began
        self._tried = 0  # frame at which a sentence in other speech was found wanting
        self._last_partial = ("", 0)
        self._again: FloatArray | None = None  # frames that are left over from a decision

    @property
    def time(self) -> float:
        """Seconds of audio heard."""
        return round(min(self._clock * self._interpreter.frame_seconds, self._end), 4)

    def advance(self, log_probs: FloatArray) -> list[Event]:
        """log_probs: float32 [frames, tokens], the next ones of the stream. Returns what happened."""
        return self._hear([log_probs])

    def press(self) -> None:
        """The button is pressed: listen for a command now, without a wake word."""
        self._awake(0)
        self._pressed = True
        self._answered = False

    def release(self) -> None:
        """The button is released: decide shortly."""
        if self._pressed:
            self._pressed = False
            self._release_at = self._frames + self._count(self._options.release_seconds)

    def end_at(self, seconds: float) -> None:
        """There is no audio after that time, frames beyond it are padding: no time is later."""
        self._end = seconds

    def finish(self) -> list[Event]:
        """The audio has ended: decide about what was said so far."""
        events: list[Event] = []
        self._pressed = False
        while self.state is State.LISTENING:
            events.append(self._decide())
            events += self._hear(self._left_over())
        self._idle()
        return events

    def _hear(self, pending: list[FloatArray]) -> list[Event]:
        """Frames, the last part first. What is left over from a decision is heard in the state that it led to."""
        events: list[Event] = []
        while pending:
            frames = pending.pop()
            heard = self._listen(frames, events) if self.state is State.LISTENING else self._wait(frames, events)
            if heard < len(frames):
                pending.append(frames[heard:])
            pending += self._left_over()
        return events

    def _left_over(self) -> list[FloatArray]:
        """Frames to hear again, once."""
        again, self._again = self._again, None
        if again is None or not len(again):
            return []
        self._frames -= len(again)
        return [again]

    def _wait(self, log_probs: FloatArray, events: list[Event]) -> int:
        """Hear frames until a command is listened to. Returns how many."""
        heard = 0
        for row, phone in zip(log_probs, self._decoder.phones(log_probs), strict=True):
            heard += 1
            self._tick()
            self._recent.append((row, phone))
            wake = self._wake.advance(row[None]) if self._wake and self.state is State.IDLE else None
            event = self._wait_on(phone) if wake is None else self._woken(*wake)
            if event is not None:
                events.append(event)
                if self.state is State.LISTENING:
                    break
        return heard

    def _tick(self) -> None:
        """One more frame."""
        self._frames += 1
        self._clock = max(self._clock, self._frames)

    def _woken(self, phrase: str, confidence: float, ago: int) -> WakeWord:
        """The wake word ended so many frames ago."""
        self._awake(ago)
        self._wake_limit = self._frames + self._count(self._options.wake_tail_seconds)
        for number, (_, phone) in enumerate(self._recent, self._frames - len(self._recent) + 1):
            self._hear_wake_word(phone, number)
        return WakeWord(self.time, phrase, confidence)

    def _wait_on(self, phone: bool) -> Event | None:
        """After a frame in which a phone was heard or not, and no wake word."""
        self._hear_wake_word(phone, self._frames)
        if (self.state is State.AWAKE or self._command_only) and self._speech():
            return self._begin()
        if self.state is State.AWAKE and not self._pressed:
            waited = self._frames - self._since >= self._count(self._options.leading_seconds)
            if waited if self._release_at is None else self._frames >= self._release_at:
                answered = self._answered
                self._idle()
                return None if answered else Timeout(self.time, "leading")
        return None

    @property
    def _command_only(self) -> bool:
        """Whether speech alone starts a search."""
        return not (self._wake or self._options.push_to_talk)

    def _listen(self, log_probs: FloatArray, events: list[Event]) -> int:
        """Hear frames of a command until it is decided on. Returns how many."""
        self._heard.append(log_probs)
        progress = self._decoder.follow(self._search, log_probs)
        for heard, now in enumerate(progress, 1):
            self._now = now
            self._tick()
            event = self._after_frame()
            if event is not None:
                events.append(event)
                if self.state is not State.LISTENING:
                    return heard
        self._heard[-1] = log_probs[: len(progress)]
        return len(progress)

    def _after_frame(self) -> Event | None:
        """After the search has gone on by a frame."""
        now, options = self._now, self._options
        if not self._pressed:
            released = self._release_at is not None and self._frames >= self._release_at
            verdict = self._endpoint.verdict(now, self._decoder.can_continue(now), self._frames - self._tried)
            if released or verdict is Verdict.DECIDE:
                return self._decide()
            if verdict is Verdict.TRY:
                self._tried = self._frames
                if (command := self._command()) is not None:
                    return command
        if self._endpoint.is_too_long(self._frames - self._origin):
            return self._command() or self._give_up()
        replayed = self._frames < self._clock
        heard_phone = not now.trailing_blanks
        return self._partial() if heard_phone and options.partials and not replayed else None

    def _partial(self) -> Partial | None:
        """The words so far, when they are others than last time."""
        text, frame = self._last_partial
        if self._frames - frame < self._count(self._options.partial_seconds):
            return None
        found = self._decoder.partial(self._search, self._now)
        heard = found.text if found else ""
        self._last_partial = (heard, self._frames)
        return Partial(self.time, heard) if heard and heard != text else None

    def _decide(self) -> Command | Rejected:
        """The command or the rejection, and to the next state."""
        decision = self._decision()
        if decision.result.accepted:
            return self._commanded(decision)
        self._next()
        return Rejected(self.time, decision.result)

    def _decision(self) -> Decision:
        """On what was heard so far."""
        sentences = self._decoder.sentences(self._search, self._now)
        return self._interpreter.decide(sentences, self._now.num_frames, self._alternatives, self._origin, self.time)

    def _command(self) -> Command | None:
        """The command and to the next state, or None when what was heard so far is not accepted."""
        best = self._decoder.best(self._search, self._now)  # rivals and alternatives cost time, so they come second
        if best is None or not self._interpreter.accepts(best, self._now.num_frames):
            return None
        decision = self._decision()
        return self._commanded(decision) if decision.result.accepted else None

    def _commanded(self, decision: Decision) -> Command:
        """To the next state, which hears what followed the last frame of the command."""
        self._again = self._heard_since(decision.last_frame + 1)
        self._next()
        return Command(self.time, decision.result)

    def _give_up(self) -> Timeout:
        """No command in total_seconds. Where the next one may come at any time it may have begun already."""
        if self._command_only or self._pressed:
            heard = self._now.num_frames
            self._again = self._heard_since(heard - heard // 2)
        self._next()
        return Timeout(self.time, "total")

    def _heard_since(self, frame: int) -> FloatArray:
        """Frames of the search that were heard, from one on."""
        return np.concatenate(self._heard)[frame : self._now.num_frames]

    def _next(self) -> None:
        """After a decision: on with the button down, else idle."""
        if self._pressed:
            self._awake(0)
            self._pressed = self._answered = True
        else:
            self._idle()

    def _awake(self, ago: int) -> None:
        """Wait for speech; frames older than `ago` are not part of it."""
        kept = list(self._recent)[max(0, len(self._recent) - ago) :]
        self._recent.clear()
        self._recent.extend(kept)
        self.state = State.AWAKE
        self._since = self._frames
        self._wake_limit = 0
        self._release_at = None
        self._answered = False

    def _hear_wake_word(self, phone: bool, frame: int) -> None:
        """Follow what goes on without a break since the wake word."""
        if frame <= self._wake_limit and phone:
            self._wake_end = frame
        else:
            self._wake_limit = 0

    def _begin(self) -> SpeechStarted:
        """Search from the frames before the first phone on."""
        self.state = State.LISTENING
        self._origin = self._frames - len(self._recent)
        self._heard = [np.stack([row for row, _ in self._recent])]
        self._search = self._decoder.start()
        self._decoder.advance(self._search, self._heard[0])
        self._now = self._search.now
        self._last_partial = ("", self._frames)
        self._tried = 0
        self._recent.clear()
        return SpeechStarted(self.time)

    def _idle(self) -> None:
        """Wait for the next wake word, button or speech."""
        self.state = State.IDLE
        self._since = self._frames
        self._pressed = False
        self._release_at = None
        self._recent.clear()
        self._heard = []
        self._wake = self._start_wake_search() if self._start_wake_search else None

    def _speech(self) -> bool:
        """Whether enough of the recent frames have a phone."""
        counted = min(len(self._recent), self._frames - self._wake_end)
        phones = [phone for _, phone in self._recent]
        return sum(phones[len(phones) - counted :]) >= self._options.speech_frames

    def _count(self, seconds: float) -> int:
        """Frames in that many seconds."""
        return max(1, round(seconds / self._interpreter.frame_seconds))
