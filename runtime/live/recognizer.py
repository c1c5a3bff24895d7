"""The recognizer: a model, a grammar and options, ready for clips and streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, pcm_to_float, resample
from speech_lstm.runtime.decoding.confidence import ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.errors import AudioError, ModelError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.live.interpreter import Interpreter
from speech_lstm.runtime.live.session import Session, SessionOptions
from speech_lstm.runtime.live.stream import Stream
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.model.model import Device, Model
from speech_lstm.runtime.results import Event, Result
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

if TYPE_CHECKING:
    from speech_lstm.runtime.audio.microphone import Microphone

GrammarSource = Grammar | str | PathLike[str] | Iterable[str]
"""A grammar, the path of a grammar file, or phrases."""

DEFAULT_THRESHOLD = 0.5

HISTORY_BYTES = 64 << 20
"""Most memory of a search for what it has heard, where `DecoderOptions.max_frames` is not enough."""

_TUNED = ("blank_offset", "fold_threshold", "filler_cost")  # decoder options that a model's metadata may set


@dataclass(frozen=True)
class RecognizerOptions:
    """Options of recognition. `None`: what the model's metadata says."""

    threshold: float | None = None
    """Least confidence of an accepted command, 0 to 1."""
    alternatives: int = 2
    """How many other commands a result holds at most."""
    block_seconds: float = 0.08
    """Audio that a stream feeds to the model at a time; longer is cheaper and answers later."""
    clip_seconds: float = 10.0
    """The same for `Recognizer.recognize`."""
    tail_seconds: float = 0.4
    """Silence put after the end of the audio, because a model hears a little late."""
    blank_offset: float | None = None
    """Taken off the log-probability of blank, see `DecoderOptions`."""
    filler_cost: float | None = None
    """Of a frame of other speech around a command, see `DecoderOptions`."""
    session: SessionOptions = field(default_factory=SessionOptions)

    def __post_init__(self) -> None:
        """ValueError for options outside their range."""
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}, expected a probability, 0 to 1")
        if self.alternatives < 0 or self.tail_seconds < 0:
            raise ValueError("alternatives and tail_seconds must be at least 0")
        if self.block_seconds <= 0 or self.clip_seconds <= 0:
            raise ValueError("block_seconds and clip_seconds must be above 0")

    def block_samples(self, metadata: ModelMetadata) -> int:
        """block_seconds in samples, in whole chunks of the model."""
        return _whole_chunks(self.block_seconds, metadata)


class Recognizer:
    """Hears commands. Immutable, loads its model once, safe to share between threads.

    >>> recognizer = Recognizer(grammar=["turn on the light", "turn off the light"])   # doctest: +SKIP
    >>> recognizer.recognize(samples, sample_rate=16000).text                          # doctest: +SKIP
    """

    def __init__(
        self,
        grammar: GrammarSource,
        wake_word: str | Sequence[str] | None = None,
        model: str | PathLike[str] | Model = "default",
        device: Device = "auto",
        pronunciations: Mapping[str, str | Sequence[str]] | None = None,
        wake_sensitivity: float = 0.5,
        options: RecognizerOptions | None = None,
    ) -> None:
        """Load the model and compile the grammar.

        grammar: phrases, the path of a grammar file, or a `Grammar`. wake_word: a phrase or several that streams wait
        for; None: they hear commands all the time. model: name of a shipped model, an .onnx file, or a `Model`.
        device: "auto", "cpu" or "cuda". pronunciations: word -> phones, instead of the dictionary's.
        wake_sensitivity: 0 (fewest false alarms) to 1 (fewest misses).
        Raises GrammarError, PronunciationError, ModelError, DeviceError.
        """
        if not 0 <= wake_sensitivity <= 1:
            raise ValueError(f"wake_sensitivity is {wake_sensitivity}, expected 0 to 1")
        loaded = Grammar.load(grammar)
        lexicon = Lexicon(pronunciations)
        if not isinstance(model, Model):
            model = Model.load(model if isinstance(model, str) else Path(model), device)
        if model.metadata.sample_rate != SAMPLE_RATE:
            raise ModelError(f"{model.path}: takes {model.metadata.sample_rate} Hz; expected {SAMPLE_RATE} Hz")
        wake_words = (wake_word,) if isinstance(wake_word, str) else tuple(wake_word or ())
        wake_detector = None
        if wake_word is not None:
            tokens, frame_seconds = model.metadata.tokens, model.metadata.frame_seconds
            wake_detector = WakeWordDetector(wake_words, lexicon, tokens, wake_sensitivity, frame_seconds)
        self.__dict__.update(
            model=model, lexicon=lexicon, options=options or RecognizerOptions(), wake_detector=wake_detector
        )
        self._compile(loaded)

    model: Model
    lexicon: Lexicon
    options: RecognizerOptions
    grammar: Grammar
    decoder: Decoder
    interpreter: Interpreter
    wake_detector: WakeWordDetector | None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Recognizer is immutable; make another, or use with_grammar()")

    def _compile(self, grammar: Grammar) -> None:
        """What depends on the grammar."""
        metadata = self.model.metadata
        threshold = self.options.threshold
        if threshold is None:
            threshold = metadata.thresholds.get("accept", DEFAULT_THRESHOLD)
        graph = compile_graph(grammar.graph, self.lexicon, metadata.tokens)
        confidence = ConfidenceModel.from_metadata(metadata.calibration)
        self.__dict__.update(
            grammar=grammar,
            decoder=Decoder(graph, self._decoder_options()),
            interpreter=Interpreter(grammar, confidence, threshold, metadata.frame_seconds),
        )

    def _decoder_options(self) -> DecoderOptions:
        """The defaults, then the model's, then the user's."""
        chosen = dict(self.model.metadata.decoder)
        own = {"blank_offset": self.options.blank_offset, "filler_cost": self.options.filler_cost}
        chosen.update({name: value for name, value in own.items() if value is not None})
        return DecoderOptions(**{name: chosen[name] for name in _TUNED if name in chosen})  # type: ignore[arg-type]

    def with_grammar(self, grammar: GrammarSource) -> Recognizer:
        """A recognizer for another grammar that shares the loaded model; streams of this one go on as they are."""
        other = object.__new__(Recognizer)
        other.__dict__.update(self.__dict__)
        other._compile(Grammar.load(grammar))
        return other

    def recognize(self, samples: Any, sample_rate: float = SAMPLE_RATE) -> Result:
        """The command that a whole clip holds; a wake word is not needed.

        samples: int16, int32 or float (-1..1) [n]. Of a clip whose search needs over `HISTORY_BYTES` the newer part
        counts. Raises AudioError for no samples, another type or shape, or NaN.
        """
        audio = resample(pcm_to_float(samples), sample_rate)
        if not audio.size:
            raise AudioError("there are no samples; expected some audio")
        seconds = audio.size / SAMPLE_RATE
        tail = round(self.options.tail_seconds * SAMPLE_RATE)
        unit = self.model.metadata.chunk_samples
        audio = np.pad(audio, (0, tail + -(audio.size + tail) % unit))
        piece = _whole_chunks(self.options.clip_seconds, self.model.metadata)
        decoder = self._decoder_for(audio.size // self.model.metadata.samples_per_frame)
        state, search = self.model.initial_state(), decoder.start()
        for start in range(0, audio.size, piece):
            log_probs, state = self.model.run(audio[None, start : start + piece], state)
            decoder.advance(search, log_probs[0])
        return self.interpreter.heard(
            decoder.sentences(search), search.now.num_frames, self.options.alternatives, 0, seconds
        )

    def stream(self, sample_rate: float = SAMPLE_RATE) -> Stream:
        """A new stream of audio at that rate, which hears what it is given until `Stream.finish`."""
        longest = self.options.session.total_seconds + self.options.session.preroll_seconds
        decoder = self._decoder_for(round(longest / self.model.metadata.frame_seconds) + 1)
        session = Session(
            decoder,
            self.interpreter,
            self.options.session,
            self.options.alternatives,
            self.wake_detector.start if self.wake_detector else None,
        )
        return Stream(self, session, sample_rate)

    def listen(self, device: int | str | Microphone | None = None) -> Iterator[Event]:
        """Hear a microphone until the generator is closed: `for event in recognizer.listen(): ...`.

        device: index or part of a name, see `speech-lstm devices`, or an open `Microphone`, which is closed in the end.
        Needs the [mic] extra. DeviceError, at the first event, where the microphone cannot be opened.
        """
        from speech_lstm.runtime.live.listen import listen

        return listen(self, device)

    def listen_async(self, device: int | str | Microphone | None = None) -> AsyncIterator[Event]:
        """The same for asyncio: `async for event in recognizer.listen_async(): ...`."""
        from speech_lstm.runtime.live.listen import listen_async

        return listen_async(self, device)

    def _decoder_for(self, frames: int) -> Decoder:
        """The decoder with a history for that many frames, within `HISTORY_BYTES`."""
        options = self.decoder.options
        most = HISTORY_BYTES // (4 * (self.decoder.graph.num_nodes + self.decoder.graph.num_tokens))
        if min(frames, most) <= options.max_frames:
            return self.decoder
        return replace(self.decoder, options=replace(options, max_frames=min(frames, most)))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Recognizer cannot be pickled; make one in each process, or share one between threads")


def _whole_chunks(seconds: float, metadata: ModelMetadata) -> int:
    """Samples in about that time, a multiple of what the model takes."""
    unit = metadata.chunk_samples
    return max(1, round(seconds * metadata.sample_rate / unit)) * unit
