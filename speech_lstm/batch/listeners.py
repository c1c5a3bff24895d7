"""What is listened for: commands of a grammar, words, or phones. Listeners turn log-probabilities into results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech_lstm.batch.phones import PhoneSearch
from speech_lstm.runtime.audio import Samples
from speech_lstm.runtime.free.transcriber import BLOCK_SECONDS, SpeechSearch, SpeechStream
from speech_lstm.runtime.free.transcription import FreeDecoder
from speech_lstm.runtime.grammar.phrase_reader import phrases_in
from speech_lstm.runtime.lexicon.own import Pronunciations, read_pronunciations
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.live.stream import Stream
from speech_lstm.runtime.model.model import Device, Model
from speech_lstm.runtime.results import Command, Event, Result

FloatArray = NDArray[np.float32]


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
        """A pipe is read here, once. PronunciationError for a file that holds none."""
        if isinstance(self.grammar, str | PathLike) and Path(self.grammar).is_fifo():
            object.__setattr__(self, "grammar", phrases_in(Path(self.grammar)))
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
        return (self._recognizer.decode(log_probs, seconds),)

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
        return SpeechStream(self.model, self._search(), report=lambda _: None)  # the file's reader tells the same
