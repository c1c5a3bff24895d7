"""Phone error: phones heard, greedily or with a bigram in the search, against the pronunciations of the words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech_lstm.data.phone_bigram import PhoneBigram, best_phones
from speech_lstm.evaluation.clips import audible, by_corpus
from speech_lstm.evaluation.conditions import Surroundings, conditions_of
from speech_lstm.evaluation.measures import Observation
from speech_lstm.evaluation.suite import Phones, Suite
from speech_lstm.evaluation.trials import posteriors
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import PronunciationError, SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon, Pronunciation
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.model.model import Model

TEST = "phones"
MEASURE = "phone error"


def phone_errors(heard: Sequence[str], words: Sequence[Sequence[Pronunciation]]) -> int:
    """Least Levenshtein distance from the phones heard to any choice of one pronunciation for each word."""
    target = np.array(heard, dtype=object)
    positions = np.arange(len(heard) + 1)
    row = positions
    for pronunciations in words:
        ends = []
        for pronunciation in pronunciations:
            end = row
            for phone in pronunciation:
                change = np.minimum(end[:-1] + (target != phone), end[1:] + 1)
                end = np.concatenate([end[:1] + 1, change])
                end = np.minimum.accumulate(end - positions) + positions
            ends.append(end)
        row = np.min(ends, axis=0)
    return int(row[-1])


def pronounced(lexicon: Lexicon, words: Sequence[str]) -> list[Sequence[Pronunciation]] | None:
    """All pronunciations of each word; None where a word has none, and for no words."""
    try:
        return [lexicon.pronunciations(word) for word in words] or None
    except PronunciationError:
        return None


def sentences(paths: Iterable[Path]) -> Iterator[str]:
    """Texts of the train splits of manifests, and the lines of .txt files. SpeechLstmError where that fails."""
    for path in paths:
        try:
            lines = read_text(path).splitlines()
            if path.suffix == ".txt":
                yield from lines
            else:
                yield from (row["text"] for row in map(json.loads, lines) if row.get("split", "train") == "train")
        except (OSError, ValueError, KeyError) as error:
            raise SpeechLstmError(f"{path}: cannot read the texts for the phone bigram: {error}") from error


def counted_bigram(
    texts: Iterable[str], lexicon: Lexicon, tokens: Sequence[str], smoothing: float = 0.5
) -> PhoneBigram:
    """Of first pronunciations."""
    number = {token: index for index, token in enumerate(tokens)}

    @cache
    def said(word: str) -> list[int] | None:
        ways = pronounced(lexicon, [word])
        return [number[phone] for phone in ways[0][0]] if ways else None

    words = ([said(word) for word in spoken_words(text)] for text in texts)
    sequences = ([phone for part in parts if part for phone in part] for parts in words if parts and None not in parts)
    return PhoneBigram.counted(sequences, len(tokens) - 1, smoothing)


def phones_in(
    log_probs: Sequence[NDArray[np.float32]], bigram: PhoneBigram, tokens: Sequence[str], blank_offset: float
) -> list[list[str]]:
    """The likeliest phones of each of several, float32 [frames, tokens], of about the same length."""
    batch = np.zeros((len(log_probs), max(map(len, log_probs)), len(tokens)), np.float32)
    for row, part in zip(batch, log_probs, strict=True):
        row[: len(part)] = part
    batch[..., 0] -= blank_offset
    return [[tokens[phone] for phone in found] for found in best_phones(batch, list(map(len, log_probs)), bigram)]


def observe_phones(
    suite: Suite, options: Phones, model: Model, around: Surroundings, blank_offset: float, most: int
) -> Iterator[Observation]:
    """Phone errors of every clip in every condition. blank_offset: taken off the log-probability of blank."""
    lexicon, tokens = Lexicon(), model.metadata.tokens
    texts = sentences(suite.all_located(options.texts))
    bigram = counted_bigram(texts, lexicon, tokens, options.smoothing)
    conditions = conditions_of(suite)
    for clips in by_corpus(suite.all_located(options.manifests), suite, most).values():
        words_of = {clip.name: pronounced(lexicon, clip.words or ()) for clip in clips}
        for clip, audio in audible(clip for clip in clips if words_of[clip.name]):
            words = words_of[clip.name] or []
            heard = [
                posteriors(model, around.audio(audio, clip.name, condition), around.state(condition))
                for condition in conditions
            ]
            total = sum(len(ways[0]) for ways in words)
            for condition, phones in zip(conditions, phones_in(heard, bigram, tokens, blank_offset), strict=True):
                yield Observation(TEST, MEASURE, condition, clip, phone_errors(phones, words), total)
