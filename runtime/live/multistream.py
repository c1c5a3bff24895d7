"""Many streams in one process: the model hears a block of each in a single call, which costs less than one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from speech_lstm.runtime.alone import Alone
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.errors import AudioError, OptionError
from speech_lstm.runtime.live.stream import MADE, Stream
from speech_lstm.runtime.options import check_number
from speech_lstm.runtime.results import Event

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer


class MultiStream:
    """Feeds streams that share a model; used by one thread at a time.

    >>> pool = MultiStream(recognizer)                                     # doctest: +SKIP
    >>> kitchen, hall = pool.stream(), pool.stream(sample_rate=44100)      # doctest: +SKIP
    >>> for stream, event in pool.accept({kitchen: samples, hall: others}): ...   # doctest: +SKIP
    """

    def __init__(self, recognizer: Recognizer, largest_batch: int = 64) -> None:
        """largest_batch: streams in one call of the model, at most."""
        if not hasattr(recognizer, "model"):
            raise OptionError(f"a MultiStream needs a Recognizer, not {recognizer!r}")
        check_number("largest_batch", largest_batch, 1)
        self._recognizer = recognizer
        self._largest_batch = largest_batch
        self._feeding = Alone("MultiStream", "feeding", MADE)

    def stream(self, sample_rate: float = SAMPLE_RATE) -> Stream:
        """A stream like that of `Recognizer.stream`; streams of recognizers made by `with_grammar` fit in as well."""
        return self._recognizer.stream(sample_rate)

    def accept(self, audio: Mapping[Stream, Any]) -> list[tuple[Stream, Event]]:
        """Hear some audio of each of these streams, any lengths. Returns what happened where, in order of each stream.

        The samples are those of `Stream.accept`. AudioError for bad samples, a finished stream or one with another
        model; the streams named before it in `audio` then keep theirs for the next call. SpeechLstmError where another
        thread does the same.
        """
        if not isinstance(audio, Mapping):
            raise AudioError(f"audio is {type(audio).__name__}; expected a mapping of streams to samples")
        with self._feeding:
            return self._accept(audio)

    def _accept(self, audio: Mapping[Stream, Any]) -> list[tuple[Stream, Event]]:
        events: list[tuple[Stream, Event]] = []
        for stream, samples in audio.items():
            if not isinstance(stream, Stream):
                raise AudioError(f"{stream!r} is no stream; expected one that MultiStream.stream() has made")
            if stream.model is not self._recognizer.model:
                raise AudioError("the stream has another model; expected one of this pool, or of a with_grammar()")
            events += [(stream, warning) for warning in stream.put(samples)]
        waiting = list(audio)
        while waiting:
            ready = [(stream, block) for stream in waiting if (block := stream.next_block()) is not None]
            ready.sort(key=lambda pair: len(pair[1]))  # one call has blocks of one length
            for _, same in groupby(ready, key=lambda pair: len(pair[1])):
                while batch := list(islice(same, self._largest_batch)):
                    events += self._run(batch)
            waiting = [stream for stream, _ in ready]
        return events

    def _run(self, batch: Sequence[tuple[Stream, Samples]]) -> Iterator[tuple[Stream, Event]]:
        """The model hears blocks of several streams, all of one length."""
        states = np.stack([stream.model_state for stream, _ in batch])
        log_probs, states = self._recognizer.model.run(np.stack([block for _, block in batch]), states)
        for (stream, _), rows, state in zip(batch, log_probs, states, strict=True):
            yield from ((stream, event) for event in stream.advance(rows, state))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a MultiStream cannot be pickled; make one in each process")
