"""Free transcription of arrays and streams, which is experimental: audio in, results between pauses out."""

from __future__ import annotations

from os import PathLike
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.audio import SAMPLE_RATE, Report, Samples
from speech_lstm.runtime.audio.hearing import StreamInput
from speech_lstm.runtime.audio.report import to_log
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.free.transcription import FreeDecoder
from speech_lstm.runtime.model.model import Device, Model
from speech_lstm.runtime.results import Result

BLOCK_SECONDS = 10.0
"""Audio of a recording that the model hears in one call."""

LIVE_BLOCK_SECONDS = 0.24
"""The same for what comes piece by piece: a result comes that much later."""


class SpeechSearch(Protocol):
    """At work on the log-probabilities of one recording."""

    def advance(self, log_probs: NDArray[np.float32]) -> list[Result]:
        """The next frames, float32 [frames, tokens]. Returns what was found by now and not before."""

    def finish(self, seconds: float) -> list[Result]:
        """The rest; seconds: of audio that there are."""


class FreeTranscriber:
    """Writes down whatever is said. Immutable, loads its model once, safe to share between threads.

    >>> transcriber = FreeTranscriber()                                        # doctest: +SKIP
    >>> [result.text for result in transcriber.transcribe(samples, 16000)]     # doctest: +SKIP
    """

    def __init__(self, model: str | PathLike[str] | Model = "default", device: Device = "auto") -> None:
        """model, device: as for `Recognizer`. ModelError, DeviceError likewise."""
        if not isinstance(model, Model):
            model = Model.load(model, device)
        self._model = model
        self._decoder = FreeDecoder.load(model.metadata)

    def transcribe(self, samples: Any, sample_rate: float = SAMPLE_RATE) -> list[Result]:
        """The words of a recording, a result for each stretch between pauses.

        samples: int16, int32 or float (-1..1) [n], or bytes of little-endian int16. AudioError for no samples, another
        type or shape, or NaN.
        """
        stream = SpeechStream(self._model, self._decoder.start(), sample_rate)
        found = [*stream.accept(samples), *stream.finish()]
        if not stream.seconds:
            raise AudioError("there are no samples; expected some audio")
        return found

    def stream(self, sample_rate: float = SAMPLE_RATE) -> SpeechStream:
        """A new stream of audio at that rate."""
        return SpeechStream(self._model, self._decoder.start(), sample_rate, LIVE_BLOCK_SECONDS)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a FreeTranscriber cannot be pickled; make one in each process, or share one between threads")


class SpeechStream:
    """A model and a search without a grammar at work on one recording; used by one thread at a time."""

    def __init__(
        self,
        model: Model,
        search: SpeechSearch,
        sample_rate: float = SAMPLE_RATE,
        block_seconds: float = BLOCK_SECONDS,
        report: Report | None = None,
    ) -> None:
        """block_seconds: that the model gets at a time. report: by default what is wrong with the audio is logged."""
        self._model = model
        self._search = search
        self._report = report or to_log()
        self._input = StreamInput(sample_rate)
        self._state = model.initial_state()
        unit = model.metadata.chunk_samples
        self._block = max(1, round(block_seconds * SAMPLE_RATE / unit)) * unit
        self._waiting: Samples = np.zeros(0, np.float32)
        self._heard = 0
        self._early = model.metadata.lookahead_frames  # outputs that are still for what was before the stream
        self._finished = False

    @property
    def seconds(self) -> float:
        """Audio heard so far."""
        return self._heard / SAMPLE_RATE

    def accept(self, samples: Any) -> list[Result]:
        """Hear some audio, any length, types as for `FreeTranscriber.transcribe`. Returns what a pause has settled.

        AudioError for another type or shape, NaN, or a stream that is finished; the stream is then as before.
        """
        if self._finished:
            raise AudioError("the stream is finished; begin another")
        return self._hear(self._input.accept(samples))

    def finish(self) -> list[Result]:
        """The audio is over: the rest."""
        if self._finished:
            return []
        self._finished = True
        found = self._hear(self._input.finish())
        seconds, waiting = self.seconds, len(self._waiting)
        self._waiting = np.pad(self._waiting, (0, self._model.metadata.padded_samples(waiting) - waiting))
        return [*found, *self._run(len(self._waiting)), *self._search.finish(seconds)]

    def _hear(self, audio: Samples) -> list[Result]:
        """float32 [n], 16 kHz: all whole blocks that wait."""
        self._heard += len(audio)
        self._waiting = np.concatenate((self._waiting, audio))
        for warning in self._input.warnings(self.seconds, self._finished):
            self._report(warning)
        found: list[Result] = []
        while len(self._waiting) >= self._block:
            found += self._run(self._block)
        return found

    def _run(self, count: int) -> list[Result]:
        """The next samples that wait."""
        audio, self._waiting = self._waiting[:count], self._waiting[count:]
        log_probs, self._state = self._model.run(audio[None], self._state)
        early = min(self._early, log_probs.shape[1])
        self._early -= early
        return self._search.advance(log_probs[0, early:])

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SpeechStream cannot be pickled; send the audio to the process that has the stream")
