"""The recognizer: a model, a grammar and options, ready for clips and streams."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, pcm_to_float, resample
from speech_lstm.runtime.decoding.confidence import ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.errors import AudioError, GrammarError, ModelError, OptionError, WakeWordWarning
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.own import Pronunciations
from speech_lstm.runtime.live.interpreter import Interpreter
from speech_lstm.runtime.live.session import Session, SessionOptions
from speech_lstm.runtime.live.stream import Stream
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.model.model import Device, Model
from speech_lstm.runtime.options import check_number, check_types
from speech_lstm.runtime.results import Event, Result
from speech_lstm.runtime.wake.phrases import sensitivities
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
        """OptionError for options outside their range."""
        check_types(self)
        if self.threshold is not None:
            check_number("threshold", self.threshold, 0, 1)
        if self.alternatives < 0 or self.tail_seconds < 0:
            raise OptionError("alternatives and tail_seconds must be at least 0")
        if self.block_seconds <= 0 or self.clip_seconds <= 0:
            raise OptionError("block_seconds and clip_seconds must be above 0")
        if not isinstance(self.session, SessionOptions):
            raise OptionError(f"session is {self.session!r}, expected SessionOptions")

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
        pronunciations: Pronunciations | None = None,
        wake_sensitivity: float | Mapping[str, float] = 0.5,
        options: RecognizerOptions | None = None,
    ) -> None:
        """Load the model and compile the grammar.

        grammar: phrases, the path of a grammar file, or a `Grammar`. wake_word: a phrase or several that streams wait
        for; None: they hear commands all the time. model: name of a shipped model, an .onnx file, or a `Model`.
        device: "auto", "cpu" or "cuda". pronunciations: word -> phones, instead of the dictionary's, or the
        path of a file that `speech-lstm wakeword enrol` wrote.
        wake_sensitivity: 0 (fewest false alarms) to 1 (fewest misses), for all wake words or by wake word.
        Warns (`WakeWordWarning`) of a wake word that will be missed often or heard in other speech.
        Raises GrammarError, PronunciationError, ModelError, DeviceError, OptionError.
        """
        if not isinstance(options, RecognizerOptions | None):
            raise OptionError(f"options are {options!r}, expected RecognizerOptions")
        wake_words = (wake_word,) if isinstance(wake_word, str) else wake_word or ()
        if not isinstance(wake_words, Sequence) or not all(isinstance(word, str) for word in wake_words):
            raise GrammarError(f"wake_word is {wake_word!r}; expected a phrase, or a list of phrases")
        sensitivities(wake_sensitivity, wake_words)
        loaded = Grammar.load(grammar)
        lexicon = Lexicon(pronunciations)
        if not isinstance(model, Model):
            model = Model.load(model, device)
        if model.metadata.sample_rate != SAMPLE_RATE:
            raise ModelError(f"{model.path}: takes {model.metadata.sample_rate} Hz; expected {SAMPLE_RATE} Hz")
        wake_detector = None
        if wake_word is not None:
            tokens, frame_seconds = model.metadata.tokens, model.metadata.frame_seconds
            wake_detector = WakeWordDetector(wake_words, lexicon, tokens, wake_sensitivity, frame_seconds)
            for told in wake_detector.advice(lexicon):
                warnings.warn(told, WakeWordWarning, stacklevel=2)
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

    def __repr__(self) -> str:
        waits = self.wake_detector and " or ".join(map(repr, self.wake_detector.wake_words))
        parts = [repr(self.grammar)[1:-1], *([f"wake word {waits}"] if waits else []), f"{self.model.path.name}"]
        return f"<Recognizer: {', '.join(parts)} on {self.model.device}>"

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

    def with_lists(self, lists: Mapping[str, Any]) -> Recognizer:
        """The same with other values for some lists of the grammar, as in `Grammar.from_phrases`: names of people, of
        songs, of what is there just now. `Stream.use` brings them to a stream that runs.
        """
        return self.with_grammar(Grammar(self.grammar.source, lists))

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
        return self.interpreter.heard(decoder, search, self.options.alternatives, 0, seconds)

    def stream(self, sample_rate: float = SAMPLE_RATE) -> Stream:
        """A new stream of audio at that rate, which hears what it is given until `Stream.finish`."""
        session = Session(
            self.session_decoder(),
            self.interpreter,
            self.options.session,
            self.options.alternatives,
            self.wake_detector.start if self.wake_detector else None,
        )
        return Stream(self, session, sample_rate)

    def session_decoder(self) -> Decoder:
        """The decoder with a history for the longest command of a stream."""
        longest = self.options.session.total_seconds + self.options.session.preroll_seconds
        return self._decoder_for(round(longest / self.model.metadata.frame_seconds) + 1)

    def listen(self, microphone: int | str | Microphone | None = None, stream: Stream | None = None) -> Iterator[Event]:
        """Hear a microphone until the generator is closed: `for event in recognizer.listen(): ...`.

        microphone: index or part of a name, see `speech-lstm microphones`, or an open `Microphone`, which is closed in
        the end. stream: that hears, at 16 kHz, so that its grammar can be changed meanwhile; None: a new one.
        Needs the [mic] extra. DeviceError, at the first event, where the microphone cannot be opened.
        """
        from speech_lstm.runtime.live.listen import listen

        return listen(stream or self.stream(), microphone)

    def listen_async(
        self, microphone: int | str | Microphone | None = None, stream: Stream | None = None
    ) -> AsyncIterator[Event]:
        """The same for asyncio: `async for event in recognizer.listen_async(): ...`."""
        from speech_lstm.runtime.live.listen import listen_async

        return listen_async(stream or self.stream(), microphone)

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
