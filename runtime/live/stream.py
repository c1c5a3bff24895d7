"""A stream of audio: any pieces in, events out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.audio.hearing import StreamInput
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.live.session import Session, State
from speech_lstm.runtime.results import AudioWarning, Event

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer


class Stream:
    """Everything that changes while audio comes in; made by `Recognizer.stream`, used by one thread at a time.

    The model gets blocks of fixed length counted from the start of the stream, so that how the audio is cut into
    `accept` calls changes nothing but when events come.
    """

    def __init__(
        self, recognizer: Recognizer, session: Session, sample_rate: float = SAMPLE_RATE, block: int | None = None
    ) -> None:
        """block: samples that the model gets at a time, by default what the recognizer's options say."""
        self.model = recognizer.model
        self._session = session
        self._input = StreamInput(sample_rate)
        self.model_state = self.model.initial_state()[0]
        self._block = block or recognizer.options.block_samples(self.model.metadata)
        self._tail = round(recognizer.options.tail_seconds * SAMPLE_RATE)
        self._pieces: list[Samples] = []
        self._waiting = 0  # samples in the pieces
        self._heard = 0  # samples given to `_keep`
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
        """Hear some audio: int16, int32 or float (-1..1) [n] at the stream's rate, any n, or bytes of little-endian
        int16, which may be cut anywhere. Returns what happened.

        AudioError for another type or shape, NaN, or a stream that is finished; the stream is then as before.
        """
        return [*self.put(samples), *self._hear()]

    def put(self, samples: Any) -> list[AudioWarning]:
        """The first half of `accept`: keep audio until `next_block` asks for it. Returns what is wrong with it."""
        if self._finished:
            raise AudioError("the stream is finished; begin another with Recognizer.stream()")
        self._keep(self._input.accept(samples))
        return self._input.warnings(self.time)

    def next_block(self) -> Samples | None:
        """Audio for the model, float32 [block], once there is enough of it; each block once."""
        if self._waiting < self._block:
            return None
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        audio = self._pieces[0]
        self._pieces = [audio[self._block :]]
        self._waiting -= self._block
        return audio[: self._block]

    def advance(self, log_probs: Samples, state: Samples) -> list[Event]:
        """The second half of `accept`: what the model made of a block, float32 [frames, tokens], and its next state."""
        self.model_state = state
        return self._session.advance(log_probs)

    def finish(self) -> list[Event]:
        """The audio is over: hear a little silence after it, decide, and close the stream."""
        if self._finished:
            return []
        self._keep(self._input.finish())
        events = [*self._input.warnings(self.time, is_over=True), *self._hear()]
        self._session.end_at(self._heard / SAMPLE_RATE)
        padding = self._tail + -(self._waiting + self._tail) % self._block
        self._keep(np.zeros(padding, np.float32))
        events += self._hear()
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

    def _keep(self, samples: Samples) -> None:
        """float32 [n], 16 kHz."""
        self._pieces.append(samples)
        self._waiting += len(samples)
        self._heard += len(samples)

    def _hear(self) -> list[Event]:
        """All whole blocks that wait."""
        events: list[Event] = []
        while (block := self.next_block()) is not None:
            log_probs, state = self.model.run(block[None], self.model_state[None])
            events += self.advance(log_probs[0], state[0])
        return events
