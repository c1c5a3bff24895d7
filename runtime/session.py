"""The state machine of a voice assistant: idle -> awake -> listening -> command, rejection or time-out -> idle.

IDLE waits for the wake word, the button or, with neither, for speech. AWAKE waits for speech, LISTENING for its end:

    IDLE       wake word, button            -> AWAKE      WakeWord (not for the button)
    IDLE       speech, command-only mode    -> LISTENING  SpeechStarted
    AWAKE      speech                       -> LISTENING  SpeechStarted
    AWAKE      nothing for leading_seconds  -> IDLE       Timeout("leading")
    LISTENING  a sentence is complete       -> IDLE       Command, Rejected
    LISTENING  pause, button released       -> IDLE       Command, Rejected
    LISTENING  total_seconds                -> IDLE       Command, Timeout("total")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.decoder import Decoder
from speech_lstm.runtime.interpreter import Interpreter
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
    """Silence after a sentence that no longer one can follow."""
    pause_seconds: float = 0.6
    """Silence that ends a sentence which could go on, and speech that is no sentence."""
    leading_seconds: float = 5.0
    """Silence after the wake word until the session gives up."""
    total_seconds: float = 10.0
    """Longest command."""
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
        self._hypotheses = alternatives + 1
        self._start_wake_search = start_wake_search
        self._wake = start_wake_search() if start_wake_search else None
        self._recent: deque[FloatArray] = deque(maxlen=max(1, self._count(options.preroll_seconds)))
        self._frames = 0  # heard in the stream
        self._since = 0  # frame at which the state began
        self._origin = 0  # frame at which the search began
        self._release_at: int | None = None
        self._pressed = False
        self._last_partial = ("", 0)
        self._search = decoder.start()

    @property
    def time(self) -> float:
        """Seconds of audio heard."""
        return round(self._frames * self._interpreter.frame_seconds, 4)

    def advance(self, log_probs: FloatArray) -> list[Event]:
        """log_probs: float32 [frames, tokens], the next ones of the stream. Returns what happened."""
        self._frames += len(log_probs)
        wake = self._wake.advance(log_probs) if self._wake and self.state is State.IDLE else None
        if self.state is State.LISTENING:
            self._decoder.advance(self._search, log_probs)
            return self._listen(heard_phone=bool(self._has_phone(log_probs).any()))
        self._recent.extend(log_probs)
        if wake is not None:
            phrase, confidence, ago = wake
            self._awake(ago)
            return [WakeWord(self.time, phrase, confidence)]
        waits_for_speech = self.state is State.AWAKE or not (self._wake or self._options.push_to_talk)
        if waits_for_speech and self._speech():
            return self._begin()
        if self.state is State.AWAKE:
            if self._release_at is not None and self._frames >= self._release_at:
                self._idle()
            elif not self._pressed and self._frames - self._since >= self._count(self._options.leading_seconds):
                self._idle()
                return [Timeout(self.time, "leading")]
        return []

    def press(self) -> None:
        """The button is pressed: listen for a command now, without a wake word."""
        self._awake(0)
        self._pressed = True

    def release(self) -> None:
        """The button is released: decide shortly."""
        if self._pressed:
            self._pressed = False
            self._release_at = self._frames + self._count(self._options.release_seconds)

    def finish(self) -> list[Event]:
        """The audio has ended: decide about what was said so far."""
        if self.state is not State.LISTENING:
            self._idle()
            return []
        return [self._decide()]

    def _listen(self, heard_phone: bool) -> list[Event]:
        """After the search has gone on."""
        search, options = self._search, self._options
        silence = search.trailing_blanks
        complete = search.is_final and not search.can_continue and silence >= self._count(options.confirm_seconds)
        released = self._release_at is not None and self._frames >= self._release_at
        if not self._pressed and (complete or released or silence >= self._count(options.pause_seconds)):
            return [self._decide()]
        if self._frames - self._origin >= self._count(options.total_seconds):
            event = self._decide()
            return [event if isinstance(event, Command) else Timeout(event.time, "total")]
        return self._partial() if heard_phone and options.partials else []

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
        """The command or the rejection, and back to idle."""
        hypotheses = self._decoder.hypotheses(self._search, self._hypotheses)
        result = self._interpreter.result(hypotheses, self._origin, self.time)
        self._idle()
        return Command(self.time, result) if result.accepted else Rejected(self.time, result)

    def _awake(self, ago: int) -> None:
        """Wait for speech; frames older than `ago` are not part of it."""
        kept = list(self._recent)[len(self._recent) - ago :] if ago else []
        self._recent.clear()
        self._recent.extend(kept)
        self.state = State.AWAKE
        self._since = self._frames
        self._release_at = None

    def _begin(self) -> list[Event]:
        """Search from the frames before the first phone on."""
        self.state = State.LISTENING
        self._origin = self._frames - len(self._recent)
        self._search = self._decoder.start()
        self._decoder.advance(self._search, np.stack(self._recent))
        self._last_partial = ("", self._frames)
        self._recent.clear()
        return [SpeechStarted(self.time)]

    def _idle(self) -> None:
        """Wait for the next wake word, button or speech."""
        self.state = State.IDLE
        self._since = self._frames
        self._pressed = False
        self._release_at = None
        self._recent.clear()
        self._wake = self._start_wake_search() if self._start_wake_search else None

    def _speech(self) -> bool:
        """Whether enough of the recent frames have a phone."""
        if len(self._recent) < self._options.speech_frames:
            return False
        return int(self._has_phone(np.stack(self._recent)).sum()) >= self._options.speech_frames

    def _has_phone(self, log_probs: FloatArray) -> NDArray[np.bool_]:
        """bool [frames]: where a phone beats blank."""
        blank = log_probs[:, 0] - self._decoder.options.blank_offset
        return np.asarray(log_probs[:, 1:].max(axis=1) > blank)

    def _count(self, seconds: float) -> int:
        """Frames in that many seconds."""
        return max(1, round(seconds / self._interpreter.frame_seconds))
