"""A stream of audio: any pieces in, events out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, StreamResampler, pcm_to_float
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import Event
from speech_lstm.runtime.session import Session, State

if TYPE_CHECKING:
    from speech_lstm.runtime.recognizer import Recognizer


class Stream:
    """Everything that changes while audio comes in; made by `Recognizer.stream`, used by one thread at a time.

    The model gets blocks of fixed length counted from the start of the stream, so that how the audio is cut into
    `accept` calls changes nothing but when events come.
    """

    def __init__(self, recognizer: Recognizer, session: Session, sample_rate: float = SAMPLE_RATE) -> None:
        self._model = recognizer.model
        self._session = session
        self._resampler = StreamResampler(sample_rate)
        self._state = self._model.initial_state()
        self._block = recognizer.options.block_samples(self._model.metadata)
        self._tail = round(recognizer.options.tail_seconds * SAMPLE_RATE)
        self._pieces: list[Samples] = []
        self._waiting = 0  # samples in the pieces
        self._heard = 0  # samples given to `_hear`
        self._finished = False

    @property
    def time(self) -> float:
        """Seconds of audio that the model has heard."""
        return self._session.time

    @property
    def state(self) -> State:
        """Whether the stream is idle, awake or listening."""
        return self._session.state

    def accept(self, samples: Any) -> list[Event]:
        """Hear some audio: int16, int32 or float (-1..1) [n] at the stream's rate, any n. Returns what happened.

        AudioError for another type or shape, NaN, or a stream that is finished; the stream is then as before.
        """
        if self._finished:
            raise AudioError("the stream is finished; begin another with Recognizer.stream()")
        return self._hear(self._resampler.accept(pcm_to_float(samples).copy()))

    def finish(self) -> list[Event]:
        """The audio is over: hear a little silence after it, decide, and close the stream."""
        if self._finished:
            return []
        events = self._hear(self._resampler.finish())
        self._session.end_at(self._heard / SAMPLE_RATE)
        padding = self._tail + -(self._waiting + self._tail) % self._block
        events += self._hear(np.zeros(padding, np.float32))
        self._finished = True
        return events + self._session.finish()

    def press(self) -> None:
        """Push-to-talk, button down: listen for a command now. No wake word is needed."""
        self._session.press()

    def release(self) -> None:
        """Push-to-talk, button up: the command is over."""
        self._session.release()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Stream cannot be pickled; send the audio to the process that has the stream")

    def _hear(self, samples: Samples) -> list[Event]:
        """float32 [n], 16 kHz."""
        self._pieces.append(samples)
        self._waiting += len(samples)
        self._heard += len(samples)
        if self._waiting < self._block:
            return []
        audio = np.concatenate(self._pieces)
        events: list[Event] = []
        whole = math.floor(len(audio) / self._block) * self._block
        for block in audio[:whole].reshape(-1, 1, self._block):
            log_probs, self._state = self._model.run(block, self._state)
            events += self._session.advance(log_probs[0])
        self._pieces = [audio[whole:]]
        self._waiting = len(audio) - whole
        return events
