"""A stream of audio: any pieces in, events out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from speech_lstm.runtime.alone import Alone
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.audio.hearing import StreamInput
from speech_lstm.runtime.audio.noise import Noise
from speech_lstm.runtime.errors import AudioError, SpeechLstmError
from speech_lstm.runtime.live.session import Session
from speech_lstm.runtime.live.state import State
from speech_lstm.runtime.results import AudioWarning, Event

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer

MADE = "each thread needs one of its own, made by the recognizer that they share"


class Stream:
    """Everything that changes while audio comes in; made by `Recognizer.stream`.

    One thread at a time feeds it; `press`, `release` and `use` may be called by others meanwhile.

    The model gets blocks of a fixed length, or up to eight of them at once where no command can be over soon, which is
    cheaper (`Session.blocks`). They are counted from the start of the stream, so that how the audio is cut into
    `accept` calls changes nothing but when events come.
    """

    def __init__(
        self, recognizer: Recognizer, session: Session, sample_rate: float = SAMPLE_RATE, block: int | None = None
    ) -> None:
        """block: samples that the model gets at a time, by default what the recognizer's options say, or more of it."""
        self.model = recognizer.model
        self._session = session
        self._input = StreamInput(sample_rate)
        self.model_state = self.model.initial_state()[0]
        self._block = block or recognizer.options.block_samples(self.model.metadata)
        self._is_fixed = block is not None
        self._frames = self._block // self.model.metadata.samples_per_frame
        self._pieces: list[Samples] = []
        self._waiting = 0  # samples in the pieces
        self._noise = Noise()
        self._listened = 0  # blocks in the pieces that the noise has had, up to the first with a sound
        self._is_sound = False  # whether there is one
        self._heard = 0  # samples given to `_keep`
        self._modelled = 0  # frames that the model has made of them
        self._early = self.model.metadata.lookahead_frames  # outputs that are still for what was before the stream
        self._finished = False
        self._feeding = Alone("Stream", "feeding", MADE)
        self._changing = threading.Lock()  # held while the session changes

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
        SpeechLstmError where another thread feeds it.
        """
        with self._feeding:
            return [*self._put(samples), *self._hear()]

    def put(self, samples: Any) -> list[AudioWarning]:
        """The first half of `accept`: keep audio until `next_block` asks for it. Returns what is wrong with it."""
        with self._feeding:
            return self._put(samples)

    def _put(self, samples: Any) -> list[AudioWarning]:
        if self._finished:
            raise AudioError("the stream is finished; begin another with Recognizer.stream()")
        self._keep(self._input.accept(samples))
        return self._input.warnings(self.time) if self._input.may_warn else []

    def next_block(self, is_last: bool = False) -> Samples | None:
        """Audio for the model, float32 [n], once there is enough of it; each block once, and the one before it must
        have come to `advance`. is_last: no more audio will come.
        """
        if self._waiting < self._block:
            return None
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        audio = self._pieces[0]
        size = self._block * (1 if self._is_fixed else self._blocks(audio))
        if self._waiting < size:
            if not is_last:
                return None
            size = self._block
        self._listened, self._is_sound = 0, False
        self._waiting -= size
        rest = audio[size:]
        if 0 < self._waiting < size:
            rest = rest.copy()  # it stays for a while, and the audio before it need not
        self._pieces = [rest] if self._waiting else []
        return audio[:size]

    def _blocks(self, audio: Samples) -> int:
        """How many blocks of what waits are heard at once, which may be more than there are yet."""
        few, most = self._session.blocks(self._frames)
        if few == most:
            self._noise.forget()
            return most
        while not self._is_sound and self._listened < min(most, len(audio) // self._block):
            start = self._listened * self._block
            self._is_sound = self._noise.is_under(audio[start : start + self._block])
            self._listened += 1
        return max(few, self._listened) if self._is_sound else most

    def advance(self, log_probs: Samples, state: Samples) -> list[Event]:
        """The second half of `accept`: what the model made of a block, float32 [frames, tokens], and its next state."""
        self.model_state = state
        early = min(self._early, len(log_probs))
        self._early -= early
        with self._changing:
            self._modelled += len(log_probs)
            return self._session.advance(log_probs[early:]) if early < len(log_probs) else []

    def finish(self) -> list[Event]:
        """The audio is over: hear a little silence after it, decide, and close the stream."""
        with self._feeding:
            return self._finish()

    def _finish(self) -> list[Event]:
        if self._finished:
            return []
        self._keep(self._input.finish())
        events = [*self._input.warnings(self.time, is_over=True), *self._hear()]
        self._session.end_at(self._heard / SAMPLE_RATE)
        tail = self.model.metadata.tail_samples
        self._keep(np.zeros(tail + -(self._waiting + tail) % self._block, np.float32))
        events += self._hear(is_last=True)
        self._finished = True
        with self._changing:
            return events + self._session.finish()

    def press(self) -> None:
        """Push-to-talk, button down: listen for a command now. No wake word is needed."""
        with self._changing:
            self._session.press()

    def release(self) -> None:
        """Push-to-talk, button up: the command is over."""
        with self._changing:
            self._session.release(self._heard // self.model.metadata.samples_per_frame - self._modelled)

    def use(self, recognizer: Recognizer) -> None:
        """Hear the grammar of another recognizer from the next command on, made by `with_grammar` or `with_lists`.

        A command that is being said is heard to its end with the grammar of before. What the stream waits for (wake
        word, times) stays as it is. SpeechLstmError where the other recognizer has another model.
        """
        if getattr(recognizer, "model", None) is not self.model:
            raise SpeechLstmError(
                "the stream takes grammars of its own model alone; make the other recognizer with with_grammar()"
            )
        with self._changing:
            self._session.use(recognizer.for_session())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Stream cannot be pickled; send the audio to the process that has the stream")

    def _keep(self, samples: Samples) -> None:
        """float32 [n], 16 kHz."""
        self._pieces.append(samples)
        self._waiting += len(samples)
        self._heard += len(samples)

    def _hear(self, is_last: bool = False) -> list[Event]:
        """All whole blocks that wait."""
        events: list[Event] = []
        while (block := self.next_block(is_last)) is not None:
            log_probs, state = self.model.run(block[None], self.model_state[None])
            events += self.advance(log_probs[0], state[0])
        return events
