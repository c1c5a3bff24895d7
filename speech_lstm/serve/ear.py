"""The stream of one client: PCM bytes in, events out, the work done in threads piece by piece."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.audio.pcm import check_sample_rate
from speech_lstm.runtime.errors import AudioError
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.limits import Bucket, Refused

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer
    from speech_lstm.runtime.live.stream import Stream
    from speech_lstm.runtime.results import Event

PIECE_SECONDS = 0.5
"""Audio heard in one go, so that clients take turns."""
LEAST_SECONDS = 0.005
"""What a message counts at least against `Limits.speed`."""
MOST_CHANNELS = 8

ENCODINGS = {"int16": "<i2", "int32": "<i4", "float32": "<f4"}
"""Name -> numpy type, little-endian."""


@dataclass(frozen=True)
class Heard:
    """What a piece of audio brought. `log_probs`: float32 [frames, tokens], of the frames that ended in it."""

    events: list[Event]
    log_probs: NDArray[np.float32]
    seconds: float
    """Of audio in the piece."""
    compute: float
    """Seconds of CPU time."""
    began: float
    """Seconds of audio that were given before the stream that heard it."""


class Ear:
    """Not shared between tasks; `recognizer` may be changed between calls, by `listen` and `use`."""

    def __init__(
        self, engine: Engine, recognizer: Recognizer, rate: float, encoding: str = "int16", channels: int = 1
    ) -> None:
        """encoding: one of `ENCODINGS`. channels: interleaved, they are averaged. Refused for what cannot be heard."""
        if encoding not in ENCODINGS:
            raise Refused(f"encoding is {encoding!r}; expected one of {', '.join(ENCODINGS)}", "bad-audio")
        if not 1 <= channels <= MOST_CHANNELS:
            raise Refused(f"{channels} channels; expected 1 to {MOST_CHANNELS}", "bad-audio")
        try:
            check_sample_rate(rate)
        except AudioError as error:
            raise Refused(str(error), "bad-audio") from None
        self._engine, self._rate = engine, rate
        self._type, self._channels = np.dtype(ENCODINGS[encoding]), channels
        self._speed = Bucket(engine.limits.speed)
        self._given = 0.0  # seconds of audio, to all streams
        self.listen(recognizer)

    stream: Stream

    def listen(self, recognizer: Recognizer) -> None:
        """Begin a new stream, with that recognizer."""
        self.recognizer = recognizer
        self.stream, self._began = recognizer.stream(self._rate), self._given

    def use(self, recognizer: Recognizer) -> None:
        """Hear its grammar from the next command on, with the button and the wake word as they are."""
        self.recognizer = recognizer
        self.stream.use(recognizer)

    async def hear(self, data: bytes) -> AsyncIterator[Heard]:
        """Hear some audio, as fast as the limits allow. Refused for bytes that are no such audio."""
        frame = self._type.itemsize * self._channels
        if len(data) % frame:
            raise Refused(f"{len(data)} bytes of audio are no multiple of {frame}, the bytes of a sample", "bad-audio")
        samples = np.frombuffer(data, self._type)
        if self._channels > 1:
            mono = samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
            samples = mono if self._type.kind == "f" else mono / np.float32(np.iinfo(self._type).max + 1)
        step = max(1, int(PIECE_SECONDS * self._rate))
        for start in range(0, len(samples), step):
            piece = samples[start : start + step]
            if delay := self._speed.take(max(LEAST_SECONDS, len(piece) / self._rate)):
                await self._engine.sleep(delay)
                if self._engine.stopping.is_set():
                    return
            arrived = time.perf_counter()
            self._given += len(piece) / self._rate
            try:
                heard = await self._engine.hear(self._hear, self.stream, piece, len(piece) / self._rate, self._began)
            except AudioError as error:
                raise Refused(str(error), "bad-audio") from None
            yield self._counted(heard, arrived)

    async def finish(self) -> Heard:
        """Decide about what was said so far, and begin a new stream."""
        arrived, stream, began = time.perf_counter(), self.stream, self._began
        self.listen(self.recognizer)
        return self._counted(await self._engine.hear(self._finish, stream, began), arrived)

    def _counted(self, heard: Heard, arrived: float) -> Heard:
        """In the metrics."""
        metrics = self._engine.metrics
        metrics.audio.inc(heard.seconds)
        metrics.compute.inc(heard.compute)
        for event in heard.events:
            metrics.events.labels(type(event).__name__).inc()
        if heard.events:
            metrics.answer.observe(time.perf_counter() - arrived)
        return heard

    @staticmethod
    def _hear(stream: Stream, samples: NDArray[np.generic], seconds: float, began_at: float) -> Heard:
        began = time.thread_time()
        events: list[Event] = []
        rows = [np.zeros((0, len(stream.model.metadata.tokens)), np.float32)]
        events += stream.put(samples)
        while (block := stream.next_block()) is not None:
            log_probs, state = stream.model.run(block[None], stream.model_state[None])
            events += stream.advance(log_probs[0], state[0])
            rows.append(log_probs[0])
        return Heard(events, np.concatenate(rows), seconds, time.thread_time() - began, began_at)

    @staticmethod
    def _finish(stream: Stream, began_at: float) -> Heard:
        began = time.thread_time()
        events = stream.finish()
        nothing = np.zeros((0, len(stream.model.metadata.tokens)), np.float32)
        return Heard(events, nothing, 0.0, time.thread_time() - began, began_at)
