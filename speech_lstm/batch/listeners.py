"""What is listened for: commands of a grammar, words, or phones. Listeners turn log-probabilities into results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech_lstm.batch.phones import PhoneSearch
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples
from speech_lstm.runtime.free.transcription import FreeDecoder
from speech_lstm.runtime.lexicon.own import Pronunciations, read_pronunciations
from speech_lstm.runtime.live.recognizer import Recognizer, RecognizerOptions
from speech_lstm.runtime.live.session import SessionOptions
from speech_lstm.runtime.live.stream import Stream
from speech_lstm.runtime.model.model import Device, Model
from speech_lstm.runtime.results import Command, Event, Result

FloatArray = NDArray[np.float32]

TAIL_SECONDS = 0.4
"""Silence after the end of a file, because a model hears a little late."""

BLOCK_SECONDS = 10.0
"""Audio of a long file that the model hears in one call."""


class LongSearch(Protocol):
    """At work on one long file."""

    def accept(self, samples: Samples) -> list[Result]:
        """The next audio, float32 [n] at 16 kHz. Returns what was found by now and not before."""

    def finish(self) -> list[Result]:
        """The file is over: the rest."""


class Listener(Protocol):
    """Ready for any number of files."""

    model: Model

    def clip(self, log_probs: FloatArray, seconds: float) -> tuple[Result, ...]:
        """What a whole file holds: float32 [frames, tokens], seconds of audio without the tail."""

    def start(self) -> LongSearch:
        """Begin a file of any length."""


@dataclass(frozen=True)
class ListenerOptions:
    """All that a worker process needs to make its listener; can be pickled.

    `grammar`: phrases or the path of a grammar file; None: phones, or with `free` words, which is experimental.
    `pronunciations`: as in `Recognizer`; a file is read at once, since workers may be on other machines.
    `alternatives`: other commands in a result, at most. `threshold`: least confidence of an accepted command, None: the
    model's. `pause_seconds`: that end a command in a long file.
    """

    grammar: str | PathLike[str] | Sequence[str] | None
    model: str = "default"
    device: Device = "auto"
    pronunciations: Pronunciations | None = None
    alternatives: int = 0
    free: bool = False
    threshold: float | None = None
    pause_seconds: float = SessionOptions.pause_seconds

    def __post_init__(self) -> None:
        """PronunciationError for a file that holds none."""
        if isinstance(self.pronunciations, str | PathLike):
            object.__setattr__(self, "pronunciations", read_pronunciations(self.pronunciations))

    def load(self) -> Listener:
        """Load the model and compile the grammar; raises what `Recognizer` does."""
        model = Model.load(self.model, self.device)
        if self.grammar is None and self.free:
            return SpeechListener(model, FreeDecoder.load(model.metadata).start)
        if self.grammar is None:
            return SpeechListener(model, lambda: PhoneSearch(model.metadata))
        options = RecognizerOptions(
            threshold=self.threshold,
            alternatives=self.alternatives,
            block_seconds=BLOCK_SECONDS,
            tail_seconds=TAIL_SECONDS,
            session=SessionOptions(pause_seconds=self.pause_seconds, partials=False),
        )
        return CommandListener(
            Recognizer(self.grammar, model=model, pronunciations=self.pronunciations, options=options)
        )


class CommandListener:
    """Finds the command that a clip holds, and all commands in a long file."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.model = recognizer.model
        self._recognizer = recognizer

    def clip(self, log_probs: FloatArray, seconds: float) -> tuple[Result, ...]:
        """One result, as `Recognizer.recognize` gives it."""
        decoder, options = self._recognizer.decoder, self._recognizer.options
        search = decoder.start()
        decoder.advance(search, log_probs)
        return (self._recognizer.interpreter.heard(decoder, search, options.alternatives, 0, seconds),)

    def start(self) -> LongSearch:
        """The commands that a stream would report."""
        return _Commands(self._recognizer.stream())


class _Commands:
    """The accepted commands of a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def accept(self, samples: Samples) -> list[Result]:
        return self._results(self._stream.accept(samples))

    def finish(self) -> list[Result]:
        return self._results(self._stream.finish())

    def _results(self, events: list[Event]) -> list[Result]:
        return [event.result for event in events if isinstance(event, Command)]


class SpeechSearch(Protocol):
    """At work on the log-probabilities of one file."""

    def advance(self, log_probs: FloatArray) -> list[Result]:
        """The next frames. Returns what was found by now and not before."""

    def finish(self, seconds: float) -> list[Result]:
        """The rest; seconds: of audio that there are."""


class SpeechListener:
    """Words or phones of all speech, without a grammar; a result for each stretch between pauses."""

    def __init__(self, model: Model, search: Callable[[], SpeechSearch]) -> None:
        """search: begins one file."""
        self.model = model
        self._search = search

    def clip(self, log_probs: FloatArray, seconds: float) -> tuple[Result, ...]:
        """Any number of results."""
        search = self._search()
        return (*search.advance(log_probs), *search.finish(seconds))

    def start(self) -> LongSearch:
        """The same piece by piece."""
        return _Speech(self.model, self._search())


class _Speech:
    """The model and a search over a long file."""

    def __init__(self, model: Model, search: SpeechSearch) -> None:
        self._model = model
        self._search = search
        self._state = model.initial_state()
        self._waiting: Samples = np.zeros(0, np.float32)
        self._heard = 0

    def accept(self, samples: Samples) -> list[Result]:
        self._heard += len(samples)
        self._waiting = np.concatenate((self._waiting, samples))
        unit = self._model.metadata.chunk_samples
        ready = len(self._waiting) // unit * unit
        if not ready:
            return []
        log_probs, self._state = self._model.run(self._waiting[None, :ready], self._state)
        self._waiting = self._waiting[ready:]
        return self._search.advance(log_probs[0])

    def finish(self) -> list[Result]:
        seconds = self._heard / SAMPLE_RATE
        unit = self._model.metadata.chunk_samples
        tail = round(TAIL_SECONDS * SAMPLE_RATE)
        found = self.accept(np.zeros(tail + -(len(self._waiting) + tail) % unit, np.float32))
        return [*found, *self._search.finish(seconds)]
