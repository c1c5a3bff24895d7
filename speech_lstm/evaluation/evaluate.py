"""How good a model is on manifests, by corpus: phone error with a bigram, and accuracy in a closed grammar, streaming.

Runs what ships: the exported model in ONNX Runtime and the runtime's decoder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speech_lstm.data.corpus import Utterance, read_manifest
from speech_lstm.data.phone_bigram import PhoneBigram
from speech_lstm.evaluation.phones import phone_errors, phones_in, pronounced
from speech_lstm.evaluation.trials import posteriors
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.decoding.free_speech import free_speech_of
from speech_lstm.runtime.errors import AudioError, GrammarError
from speech_lstm.runtime.lexicon.closed import hears_words
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import Result


@dataclass(frozen=True)
class Score:
    """What was counted on one corpus."""

    corpus: str
    clips: int
    seconds: float
    skipped: int
    """Clips whose audio cannot be read."""
    phones: int
    """Of the first pronunciation of each word, in clips of which every word has one."""
    phone_errors: int
    inside: int
    """Clips whose words the grammar has; 0 without a grammar."""
    right: int
    """Of those, with the transcript as the best hypothesis."""
    right_accepted: int
    """Of those, accepted."""
    inside_accepted: int
    """Clips whose words the grammar has, accepted, whether right or not."""
    outside: int
    """Clips whose words the grammar does not have, or without words."""
    outside_accepted: int

    @property
    def phone_error_rate(self) -> float | None:
        """Phone errors per phone; None without phones."""
        return self.phone_errors / self.phones if self.phones else None

    @property
    def accuracy(self) -> float | None:
        """Share of the clips in the grammar whose best hypothesis is what was said; None without such clips."""
        return self.right / self.inside if self.inside else None

    @property
    def accepted_rate(self) -> float | None:
        """Share of the clips in the grammar that are accepted; None without such clips."""
        return self.inside_accepted / self.inside if self.inside else None


@dataclass
class _Counts:
    """Of one corpus, while it is evaluated."""

    clips: int = 0
    seconds: float = 0.0
    skipped: int = 0
    phones: int = 0
    phone_errors: int = 0
    inside: int = 0
    right: int = 0
    right_accepted: int = 0
    inside_accepted: int = 0
    outside: int = 0
    outside_accepted: int = 0


def evaluate(
    model: Model,
    manifests: Iterable[Path],
    split: str = "dev",
    recognizer: Recognizer | None = None,
    chunk_samples: int | None = None,
    limit: int | None = None,
) -> list[Score]:
    """Evaluate on the clips of a split, corpus by corpus.

    recognizer: also recognise in its grammar, in chunks of chunk_samples (a multiple of the model's; None: as those).
    limit: at most so many clips of a corpus, evenly spread over it.
    Audio that cannot be read is reported on stderr with its path and left out.
    """
    corpora: dict[str, list[Utterance]] = {}
    for manifest in manifests:
        for utterance in read_manifest(manifest, split):
            corpora.setdefault(utterance.corpus, []).append(utterance)
    lexicon, scores, chunk = Lexicon(), [], chunk_samples or model.metadata.chunk_samples
    for corpus, utterances in sorted(corpora.items()):
        if limit is not None and limit < len(utterances):
            utterances = [utterances[index * len(utterances) // limit] for index in range(limit)]
        counts = _Counts()
        for utterance in utterances:
            try:
                audio = read_audio(utterance.path)
            except AudioError as error:
                print(f"skipped: {error}", file=sys.stderr)
                counts.skipped += 1
                continue
            counts.clips += 1
            counts.seconds += len(audio) / SAMPLE_RATE
            words = spoken_words(utterance.text)
            _count_phones(counts, model, lexicon, audio, words)
            if recognizer is not None:
                _count_result(counts, recognizer, stream_result(recognizer, audio, chunk), words)
        scores.append(Score(corpus, **vars(counts)))
    return scores


def _count_phones(counts: _Counts, model: Model, lexicon: Lexicon, audio: Samples, words: Sequence[str]) -> None:
    reference = None if hears_words(model.metadata.tokens) else pronounced(lexicon, words)
    if reference:
        counts.phones += sum(len(pronunciations[0]) for pronunciations in reference)
        counts.phone_errors += phone_errors(likely_phones(model, audio), reference)


def _count_result(counts: _Counts, recognizer: Recognizer, result: Result, words: Sequence[str]) -> None:
    try:
        recognizer.grammar.interpret(words)
    except GrammarError:
        counts.outside += 1
        counts.outside_accepted += result.accepted
        return
    right = result.text == " ".join(words)
    counts.inside += 1
    counts.right += right
    counts.inside_accepted += result.accepted
    counts.right_accepted += right and result.accepted


def likely_phones(model: Model, audio: Samples) -> list[str]:
    """The likeliest phones under the bigram that the runtime weighs words against. audio: float32 [samples], 16 kHz."""
    tokens = model.metadata.tokens
    speech = free_speech_of(tokens)
    bigram = PhoneBigram(speech.start, speech.move, np.ones_like(speech.start))  # it may end after any phone
    (found,) = phones_in([posteriors(model, audio)], bigram, tokens, 0.0)
    return found


def stream_result(recognizer: Recognizer, audio: Samples, chunk_samples: int) -> Result:
    """The command in a clip, heard in chunks with the state carried over, the clip's end known.

    audio: float32 [samples], 16 kHz; chunk_samples: a multiple of the model's.
    """
    log_probs = recognizer.model.log_probs(audio, block_samples=chunk_samples)
    return recognizer.decode(log_probs, len(audio) / SAMPLE_RATE)
