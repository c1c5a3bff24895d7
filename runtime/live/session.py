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
from speech_lstm.runtime.errors import OptionError
from speech_lstm.runtime.live.interpreter import Interpreter
from speech_lstm.runtime.options import check_types
from speech_lstm.runtime.results import Command, Event, Partial, Rejected, Result, SpeechStarted, Timeout, WakeWord

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
        """OptionError for a time or count that is not above 0."""
        check_types(self)
        for item in fields(self):
            if not isinstance(value := getattr(self, item.name), bool) and value <= 0:
                raise OptionError(f"{item.name} is {value}, it must be above 0")


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
        self._recent: deque[tuple[FloatArray, bool]] = deque(maxlen=max(1, self._count(options.preroll_seconds)))
        self._heard: list[FloatArray] = []  # frames of the search, from `_origin` on
        self._again: list[FloatArray] = []  # frames to hear again
        self._clock = 0  # frames of the stream
        self._frames = 0  # the same, but for those to hear again
        self._end = math.inf  # seconds of real audio, once known
        self._since = 0  # frame at which the state began
        self._origin = 0  # frame at which the search began
        self._release_at: int | None = None
        self._tail_end = 0  # frame until which the last sound of the wake word went on
        self._tail_limit = 0  # frame until which it may, 0 when it is over
        self._pressed = False
        self._answered = False  # whether the button brought an event already
        self._checked = 0  # frame at which a sentence in other speech was found wanting
        self._last_partial = ("", 0)
        self._search = decoder.start()
        self._following = decoder, interpreter  # of the next search

    def use(self, decoder: Decoder, interpreter: Interpreter) -> None:
        """Another grammar, from the next command on: one that is being said is heard to its end with that of now."""
        self._following = decoder, interpreter

    @property
    def time(self) -> float:
        """Seconds of audio heard."""
        return round(min(self._clock * self._interpreter.frame_seconds, self._end), 4)

    def advance(self, log_probs: FloatArray) -> list[Event]:
        """log_probs: float32 [frames, tokens], the next ones of the stream. Returns what happened."""
        events: list[Event] = []
        for row, phone in zip(log_probs, self._phones(log_probs), strict=True):
            self._clock += 1
            events += self._hear(row, phone)
            events += self._hear_again()
        return events

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
            events += self._hear_again()
        self._idle()
        return events

    def _hear(self, row: FloatArray, phone: bool) -> list[Event]:
        """One frame: float32 [tokens], and whether a phone is heard in it."""
        self._frames += 1
        block = row[None]
        if self.state is State.LISTENING:
            self._decoder.advance(self._search, block)
            self._heard.append(row)
            return self._listen(phone)
        wake = self._wake.advance(block) if self._wake and self.state is State.IDLE else None
        self._recent.append((row, phone))
        if wake is not None:
            phrase, confidence, ago = wake
            self._awake(ago)
            self._tail_limit = self._frames + self._count(self._options.wake_tail_seconds)
            for number, (_, heard) in enumerate(self._recent, self._frames - len(self._recent) + 1):
                self._hear_tail(heard, number)
            return [WakeWord(self.time, phrase, confidence)]
        self._hear_tail(phone, self._frames)
        waits_for_speech = self.state is State.AWAKE or self._command_only
        if waits_for_speech and self._speech():
            return self._begin()
        if self.state is State.AWAKE and not self._pressed:
            waited = self._frames - self._since >= self._count(self._options.leading_seconds)
            if waited if self._release_at is None else self._frames >= self._release_at:
                answered = self._answered
                self._idle()
                return [] if answered else [Timeout(self.time, "leading")]
        return []

    def _hear_again(self) -> list[Event]:
        """What is left over from the last decision, in the state that it led to."""
        events: list[Event] = []
        while self._again:
            rows, self._again = self._again, []
            self._frames -= len(rows)
            for number, (row, phone) in enumerate(zip(rows, self._phones(np.stack(rows)), strict=True), 1):
                events += self._hear(row, phone)
                if self._again:
                    self._frames += len(rows) - number
                    self._again += rows[number:]
                    break
        return events

    @property
    def _command_only(self) -> bool:
        """Whether speech alone starts a search."""
        return not (self._wake or self._options.push_to_talk)

    def _listen(self, heard_phone: bool) -> list[Event]:
        """After the search has gone on by a frame."""
        search, options = self._search, self._options
        released = self._release_at is not None and self._frames >= self._release_at
        patience = self._count(options.pause_seconds if search.can_continue else options.confirm_seconds)
        complete = search.is_final and search.final_frames >= patience
        if not self._pressed:
            silent = search.trailing_blanks >= (patience if complete else self._count(options.pause_seconds))
            if released or silent:
                return [self._decide()]
            if complete and self._frames - self._checked >= self._count(options.confirm_seconds):
                self._checked = self._frames
                if (event := self._command()) is not None:
                    return [event]
        if self._frames - self._origin >= self._count(options.total_seconds):
            return [self._command() or self._give_up()]
        replayed = self._frames < self._clock
        return self._partial() if heard_phone and options.partials and not replayed else []

    def _partial(self) -> list[Event]:
        """The words so far, when they are others than last time."""
        text, frame = self._last_partial
        if self._frames - frame < self._count(self._options.partial_seconds):
            return []
        found = self._decoder.hypotheses(self._search, 1, final=False)
        heard = found[0].text if found else ""
        self._last_partial = (heard, self._frames)
        return [Partial(self.time, heard)] if heard and heard != text else []

    def _decide(self) -> Command | Rejected:
        """The command or the rejection, and to the next state."""
        result = self._result()
        if not result.accepted:
            self._next()
            return Rejected(self.time, result)
        return self._commanded(result)

    def _result(self) -> Result:
        """Of what was heard so far."""
        return self._interpreter.heard(self._decoder, self._search, self._alternatives, self._origin, self.time)

    def _command(self) -> Command | None:
        """The command and to the next state, or None when what was heard so far is not accepted."""
        best = self._decoder.hypotheses(self._search)  # rivals and alternatives cost time, so they come second
        if not self._interpreter.result(best, len(self._heard), self._origin, self.time).accepted:
            return None
        result = self._result()
        return self._commanded(result) if result.accepted else None

    def _commanded(self, result: Result) -> Command:
        """To the next state, which hears what followed the last frame of the command."""
        (best,) = self._decoder.hypotheses(self._search)
        self._again = self._heard[len(self._heard) if best.last_frame is None else best.last_frame + 1 :]
        self._next()
        return Command(self.time, result)

    def _give_up(self) -> Timeout:
        """No command in total_seconds. Where the next one may come at any time it may have begun already."""
        if self._command_only or self._pressed:
            self._again = self._heard[-(len(self._heard) // 2) :]
        self._next()
        return Timeout(self.time, "total")

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
        self._tail_limit = 0
        self._release_at = None
        self._answered = False

    def _hear_tail(self, phone: bool, frame: int) -> None:
        """Follow what goes on without a break since the wake word."""
        if frame <= self._tail_limit and phone:
            self._tail_end = frame
        else:
            self._tail_limit = 0

    def _begin(self) -> list[Event]:
        """Search from the frames before the first phone on."""
        self.state = State.LISTENING
        self._origin = self._frames - len(self._recent)
        self._heard = [row for row, _ in self._recent]
        self._decoder, self._interpreter = self._following
        self._search = self._decoder.start()
        self._decoder.advance(self._search, np.stack(self._heard))
        self._last_partial = ("", self._frames)
        self._checked = 0
        self._recent.clear()
        return [SpeechStarted(self.time)]

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
        counted = min(len(self._recent), self._frames - self._tail_end)
        heard = [phone for _, phone in self._recent]
        return sum(heard[len(heard) - counted :]) >= self._options.speech_frames

    def _phones(self, log_probs: FloatArray) -> list[bool]:
        """Frames in which a phone beats blank; log_probs: float32 [frames, tokens]."""
        blank = log_probs[:, 0] - self._decoder.options.blank_offset
        heard: list[bool] = (log_probs[:, 1:].max(axis=1) > blank).tolist()
        return heard

    def _count(self, seconds: float) -> int:
        """Frames in that many seconds."""
        return max(1, round(seconds / self._interpreter.frame_seconds))
