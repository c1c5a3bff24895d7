"""Whole words as tokens, for a closed set of them: what such a model hears of a corpus, and how often.

Where `speech-lstm align` has found when phones were said, every word of the set is cut out of the sentence that it was
said in, and so are pieces without any, as examples of everything else (`UNKNOWN`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np

from speech_lstm.config import ConfigError
from speech_lstm.data.corpus import Utterance, read_lines
from speech_lstm.data.dataset import Alignment, Example, make_examples
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import BLANK, TOKENS, UNKNOWN

MOST_WORDS = 3
"""Of a recording that is heard whole, as a command is; longer ones are cut."""
MARGIN_SECONDS = 0.08
"""Left around a piece; nothing of another word where the pause is shorter."""
PIECE_WORDS = 3
"""Of a piece of other speech, at most."""
OTHERS_PART = 0.25
"""Of all that is heard, pieces of other speech."""
MOST_REPEATS = 4.0
"""Of the examples of a rare word."""
PHONE_NUMBER = {phone: number for number, phone in enumerate(TOKENS)}


def read_words(path: Path) -> tuple[str, ...]:
    """The words of a file, one a line. ConfigError for none, for one twice, or for a line that is no single word."""
    words = tuple(line.strip() for line in read_lines(path) if line.strip())
    if not words:
        raise ConfigError(f"data.words: {path} has no words; give one a line")
    for word, count in Counter(words).items():
        if count > 1 or spoken_words(word) != (word,):
            raise ConfigError(f"data.words: {path}: {word!r} is there twice, or is no single word in small letters")
    return words


def word_tokens(words: Sequence[str]) -> tuple[str, ...]:
    """The tokens of a model of these words."""
    return (BLANK, *words, UNKNOWN)


def word_examples(
    utterances: Sequence[Utterance],
    tokens: Sequence[str],
    lexicon: Lexicon,
    alignments: dict[str, Alignment | None] | None = None,
    frame_seconds: float = 0.04,
) -> list[Example]:
    """Recordings of a few words as they are, and longer ones in pieces where an alignment tells the words' times."""
    number = {token: index for index, token in enumerate(tokens)}
    found = []
    for example in make_examples(utterances, lexicon, alignments, frame_seconds):
        words = spoken_words(example.utterance.text)
        if len(words) <= MOST_WORDS:
            heard = [number.get(word, number[UNKNOWN]) for word in words]
            said = tuple(token for token, run in groupby(heard) for token in _once(token, run, number[UNKNOWN]))
            found.append(Example(example.utterance, said, pronounced=example.phones))
        elif example.alignment:
            found += _pieces(example, words, number, lexicon)
    return found


def balanced(examples: Sequence[Example], tokens: Sequence[str]) -> np.ndarray:
    """[examples]: how often each is to be heard, so that every word is heard about as often as the others."""
    token_of = np.array([max(example.tokens, default=0) for example in examples])
    counts = np.bincount(token_of, minlength=len(tokens))
    unknown = len(tokens) - 1
    each = counts[1:unknown].mean()
    weights = np.minimum(MOST_REPEATS, each / np.maximum(1, counts))
    wanted = OTHERS_PART / (1 - OTHERS_PART) * (weights * counts)[1:unknown].sum()
    weights[unknown], weights[0] = min(MOST_REPEATS, wanted / max(1, counts[unknown])), 1.0
    return np.asarray(weights[token_of])


def _once(token: int, run: Iterator[int], unknown: int) -> list[int]:
    """Other words that follow each other are one token, words of the set one each."""
    return [token] if token == unknown else list(run)


def _pieces(example: Example, words: Sequence[str], number: dict[str, int], lexicon: Lexicon) -> Iterator[Example]:
    """Each word of the set, and other words by ones to threes."""
    lengths = _lengths(words, tuple(token for token, _, _ in example.alignment), lexicon)
    if lengths is None:
        return
    ends = np.cumsum(lengths)
    first, size = 0, 0
    for index, word in enumerate(words):
        size += 1
        last = index + 1 == len(words) or words[index + 1] in number
        if word in number or last or size == 1 + first % PIECE_WORDS:
            begin, end = int(ends[first] - lengths[first]), int(ends[index])
            token = number.get(word, number[UNKNOWN])
            yield Example(
                example.utterance, (token,), span=_span(example, begin, end),
                pronounced=tuple(phone for phone, _, _ in example.alignment[begin:end]),
            )  # fmt: skip
            first, size = index + 1, 0


def _span(example: Example, begin: int, end: int) -> tuple[float, float]:
    """Seconds of some phones, with a margin that reaches into no other phone."""
    phones = example.alignment
    before = phones[begin - 1][2] if begin else 0.0
    after = phones[end][1] if end < len(phones) else example.utterance.duration
    start, stop = phones[begin][1], phones[end - 1][2]
    return max(before, start - MARGIN_SECONDS, 0.0), min(max(after, stop), stop + MARGIN_SECONDS)


def _lengths(words: Sequence[str], phones: tuple[int, ...], lexicon: Lexicon) -> list[int] | None:
    """How many of the phones each word has; None where they are not said like that."""
    ways = [[tuple(PHONE_NUMBER[p] for p in way) for way in lexicon.pronunciations(word)] for word in words]

    @cache
    def rest(word: int, at: int) -> tuple[int, ...] | None:
        if word == len(words):
            return () if at == len(phones) else None
        for way in ways[word]:
            if phones[at : at + len(way)] == way and (others := rest(word + 1, at + len(way))) is not None:
                return (len(way), *others)
        return None

    found = rest(0, 0)
    return list(found) if found is not None else None
