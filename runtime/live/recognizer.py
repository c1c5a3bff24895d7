"""The recognizer: a model, a grammar and options, ready for clips and streams."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.audio import SAMPLE_RATE
from speech_lstm.runtime.audio.hearing import clip
from speech_lstm.runtime.audio.report import to_log
from speech_lstm.runtime.compiled.reading import CompiledGrammar, load_grammar
from speech_lstm.runtime.compiled.writing import compiled_text
from speech_lstm.runtime.decoding.confidence import ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.errors import (
    AudioError,
    DeviceError,
    GrammarError,
    ModelError,
    OptionError,
    PronunciationError,
    WakeWordWarning,
)
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.closed import lexicon_for
from speech_lstm.runtime.lexicon.own import Pronunciations
from speech_lstm.runtime.live.command_search import Heard
from speech_lstm.runtime.live.interpreter import Interpreter
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions, whole_chunks
from speech_lstm.runtime.live.session import Session
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.live.stream import Stream
from speech_lstm.runtime.model.model import Device, Model
from speech_lstm.runtime.results import AudioWarning, Command, Event, Result
from speech_lstm.runtime.wake.phrases import SENSITIVITY, sensitivities
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

if TYPE_CHECKING:
    from speech_lstm.runtime.audio.microphone import Microphone

GrammarSource = Grammar | str | PathLike[str] | Iterable[str]
"""A grammar, the path of a grammar file, compiled or not, or phrases."""

DEFAULT_THRESHOLD = 0.5

HISTORY_BYTES = 64 << 20
"""Most memory of a search for what it has heard, where `DecoderOptions.max_frames` is not enough."""


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
        wake_sensitivity: float | Mapping[str, float] | None = None,
        options: RecognizerOptions | None = None,
    ) -> None:
        """Load the model and compile the grammar.

        grammar: phrases, the path of a grammar file, or a `Grammar`. wake_word: a phrase or several that streams wait
        for; None: those of a compiled grammar, else they hear commands all the time. model: name of a shipped model,
        an .onnx file, or a `Model`. device: "auto", "cpu" or "cuda". pronunciations: word -> phones, instead of the
        dictionary's, or the path of a file that `speech-lstm wakeword enrol` wrote.
        wake_sensitivity: 0 (fewest false alarms) to 1 (fewest misses), for all wake words or by wake word; None: 0.5,
        or what a grammar was compiled with.
        Warns (`WakeWordWarning`) of a wake word that will be missed often or heard in other speech.
        Raises GrammarError, PronunciationError, ModelError, DeviceError, OptionError.
        """
        if not isinstance(options, RecognizerOptions | None):
            raise OptionError(f"options are {options!r}, expected RecognizerOptions")
        wake_words = (wake_word,) if isinstance(wake_word, str) else () if wake_word is None else wake_word
        if not isinstance(wake_words, Sequence) or not all(isinstance(word, str) for word in wake_words):
            raise GrammarError(f"wake_word is {wake_word!r}; expected a phrase, or a list of phrases")
        wanted = SENSITIVITY if wake_sensitivity is None else wake_sensitivity
        if wake_word is not None or not isinstance(wanted, Mapping):
            sensitivities(wanted, wake_words)
        if wake_word is None and wake_sensitivity is not None:
            raise OptionError("wake_sensitivity is given without wake_word; one in a compiled grammar has its own")
        loaded = load_grammar(grammar)
        if pronunciations is not None and isinstance(loaded, CompiledGrammar):
            raise GrammarError(f"{loaded.path}: it is compiled: give pronunciations to `speech-lstm grammar compile`")
        if not isinstance(model, Model):
            model = Model.load(model, device)
        elif device not in ("auto", model.device):
            raise DeviceError(f"device is {device!r}, and the model that is given was loaded on {model.device!r}")
        lexicon = lexicon_for(model.metadata.tokens, pronunciations)
        if model.metadata.sample_rate != SAMPLE_RATE:
            raise ModelError(f"{model.path}: takes {model.metadata.sample_rate} Hz; expected {SAMPLE_RATE} Hz")
        wake_detector = loaded.wake_detector if isinstance(loaded, CompiledGrammar) else None
        if wake_word is not None:
            tokens, frame_seconds = model.metadata.tokens, model.metadata.frame_seconds
            wake_detector = WakeWordDetector(wake_words, lexicon, tokens, wanted, frame_seconds)
            for told in wake_detector.advice(lexicon):
                warnings.warn(told, WakeWordWarning, stacklevel=2)
        self.model = model
        self.lexicon = lexicon
        self.options = options or RecognizerOptions()
        self.wake_detector = wake_detector
        self._compile(loaded)

    def __repr__(self) -> str:
        parts = [repr(self.grammar).removeprefix("<Grammar: ")[:-1]]
        if self.wake_detector:
            parts.append(f"wake word {' or '.join(map(repr, self.wake_detector.wake_words))}")
        parts.append(f"{self.model.path.name} on {self.model.device}")
        return f"<Recognizer: {', '.join(parts)}>"

    def _compile(self, grammar: Grammar) -> None:
        """What depends on the grammar; the last field that a recognizer gets is the grammar."""
        metadata, options = self.model.metadata, self.options
        if isinstance(grammar, CompiledGrammar):
            grammar.check(metadata)
            graph = grammar.search
        else:
            try:
                graph = compile_graph(grammar.graph, self.lexicon, metadata.tokens)
            except PronunciationError as error:
                raise grammar.unpronounced(self.lexicon.pronunciations) or error from None
        tuned = DecoderOptions.tuned(metadata, blank_offset=options.blank_offset, filler_cost=options.filler_cost)
        self.decoder = Decoder(graph, tuned)
        if unknown := sorted(metadata.thresholds.keys() - {"accept", "open"}):
            raise ModelError(f"thresholds in the model's metadata has {', '.join(unknown)}; known are accept, open")
        usual = metadata.thresholds.get("accept", DEFAULT_THRESHOLD)
        thresholds = usual, metadata.thresholds.get("open", usual)
        expected, unexpected = thresholds if options.threshold is None else (options.threshold,) * 2
        confidence = ConfidenceModel.from_metadata(metadata.calibration, metadata.frame_seconds)
        self.interpreter = Interpreter(grammar, confidence, expected, metadata.frame_seconds)
        self.open_interpreter = replace(self.interpreter, threshold=unexpected)
        self.grammar = grammar

    def __setattr__(self, name: str, value: object) -> None:
        if "grammar" in self.__dict__:
            raise AttributeError("a Recognizer is immutable; make another, or use with_grammar()")
        super().__setattr__(name, value)

    def with_grammar(self, grammar: GrammarSource) -> Recognizer:
        """A recognizer for another grammar that shares the loaded model; streams of this one go on as they are."""
        other = object.__new__(Recognizer)
        other.model = self.model
        other.lexicon = self.lexicon
        other.options = self.options
        other.wake_detector = self.wake_detector
        other._compile(load_grammar(grammar))
        return other

    def compiled_grammar(self) -> str:
        """What a compiled grammar file holds, see docs/compiled_grammar.md: its path may be given instead of a grammar,
        browser and C take it. GrammarError for the value of a slot that JSON cannot hold.
        """
        thresholds = {"accept": self.interpreter.threshold, "open": self.open_interpreter.threshold}
        wake, confidence = self.wake_detector, self.interpreter.confidence
        return compiled_text(self.model, self.decoder, self.grammar.graph, confidence, thresholds, wake)

    def with_lists(self, lists: Mapping[str, Any]) -> Recognizer:
        """The same with other values for some lists of the grammar, as in `Grammar.from_phrases`: names of people, of
        songs, of what is there just now. `Stream.use` brings them to a stream that runs.
        """
        return self.with_grammar(self.grammar.with_lists(lists))

    def recognize(self, samples: Any, sample_rate: float = SAMPLE_RATE) -> Result:
        """The command that a whole clip holds; a wake word is not needed. `recognize_all` is for several.

        samples: int16, int32 or float (-1..1) [n], or bytes of little-endian int16. Of a clip whose search needs over
        `HISTORY_BYTES` the newer part counts. Raises AudioError for no samples, another type or shape, or NaN.
        """
        audio = clip(samples, sample_rate)
        if not audio.size:
            raise AudioError("there are no samples; expected some audio")
        block = whole_chunks(self.options.clip_seconds, self.model.metadata)
        return self.decode(self.model.log_probs(audio, block_samples=block), audio.size / SAMPLE_RATE)

    def decode(
        self, log_probs: NDArray[np.float32], seconds: float | None = None, threshold: float | None = None
    ) -> Result:
        """The command in what the model made of a clip, see `Model.log_probs`: float32 [frames, tokens].

        seconds: of the clip itself, no time is after it. threshold: another one than the recognizer's. AudioError for
        an array of another shape.
        """
        tokens = len(self.model.metadata.tokens)
        shape: tuple[int, ...] = getattr(log_probs, "shape", ())
        if len(shape) != 2 or shape[1] != tokens:
            raise AudioError(f"log_probs is {list(shape)}, expected [frames, {tokens}]")
        decoder, interpreter = self._decoder_for(len(log_probs)), self.interpreter
        if threshold is not None:
            interpreter = replace(interpreter, threshold=threshold)
        search = decoder.start()
        decoder.advance(search, log_probs)
        sentences = decoder.sentences(search)
        return interpreter.decide(sentences, search.now.num_frames, self.options.alternatives, 0, seconds).result

    def recognize_all(self, samples: Any, sample_rate: float = SAMPLE_RATE) -> list[Result]:
        """All commands in a recording of any length, in order; a wake word is not needed.

        samples: as for `recognize`. Each is a command that a stream would report. Raises AudioError likewise.
        """
        options = replace(self.options.session, partials=False, push_to_talk=False)
        block = whole_chunks(self.options.clip_seconds, self.model.metadata)
        stream = Stream(self, self._session(options, hears_wake_word=False), sample_rate, block)
        found = [*stream.accept(samples), *stream.finish()]
        if not stream.time:
            raise AudioError("there are no samples; expected some audio")
        for event in found:
            if isinstance(event, AudioWarning):
                to_log()(event)
        return [event.result for event in found if isinstance(event, Command)]

    def stream(self, sample_rate: float = SAMPLE_RATE) -> Stream:
        """A new stream of audio at that rate, which hears what it is given until `Stream.finish`."""
        return Stream(self, self._session(self.options.session), sample_rate)

    def _session(self, options: SessionOptions, hears_wake_word: bool = True) -> Session:
        """For a new stream."""
        wake = self.wake_detector.start if self.wake_detector and hears_wake_word else None
        lookahead = self.model.metadata.lookahead_frames
        return Session(self.for_session(), options, self.options.alternatives, wake, lookahead)

    def for_session(self) -> Heard:
        """The grammar, with a history for the longest command of a stream."""
        longest = self.options.session.total_seconds + self.options.session.preroll_seconds
        decoder = self._decoder_for(round(longest / self.model.metadata.frame_seconds) + 1)
        return Heard(decoder, self.interpreter, self.open_interpreter)

    def listen(self, microphone: int | str | Microphone | None = None, stream: Stream | None = None) -> Iterator[Event]:
        """Hear a microphone until the generator is closed: `for event in recognizer.listen(): ...`.

        microphone: index or part of a name, see `speech-lstm microphones`, or an open `Microphone`, which is closed in
        the end. stream: that hears, at 16 kHz, so that its grammar can be changed meanwhile; None: a new one.
        Needs the [mic] extra. DeviceError, at the first event, where the microphone cannot be opened.
        """
        from speech_lstm.runtime.live.listen import listen

        return listen(self.stream() if stream is None else stream, microphone)

    def listen_async(
        self, microphone: int | str | Microphone | None = None, stream: Stream | None = None
    ) -> AsyncIterator[Event]:
        """The same for asyncio: `async for event in recognizer.listen_async(): ...`."""
        from speech_lstm.runtime.live.listen import listen_async

        return listen_async(self.stream() if stream is None else stream, microphone)

    def _decoder_for(self, frames: int) -> Decoder:
        """The decoder with a history for that many frames, within `HISTORY_BYTES`."""
        options = self.decoder.options
        most = HISTORY_BYTES // (4 * (self.decoder.graph.num_nodes + self.decoder.graph.num_tokens))
        if min(frames, most) <= options.max_frames:
            return self.decoder
        return replace(self.decoder, options=replace(options, max_frames=min(frames, most)))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Recognizer cannot be pickled; make one in each process, or share one between threads")
