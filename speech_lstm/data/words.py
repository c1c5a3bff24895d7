"""Whole words as tokens, for a closed set of them: what such a model hears of a corpus, and how often.

Where `speech-lstm align` has found when phones were said, every word of the set is cut out of the sentence that it was
said in, and so are pieces without any, as examples of everything else (`UNKNOWN`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
ENOUGH = 350
"""Recordings of few words with one of the set in them, from which on nothing is cut out of sentences for it."""
MARGIN_SECONDS = 0.08
"""Left around a piece; nothing of another word where the pause is shorter."""
LEAST_SECONDS = 0.1
"""Of a piece: what is heard later than it is said may be found after the end of the recording."""
PIECE_WORDS = 3
"""Of a piece of other speech, at most."""
HEARD_SECONDS = 0.12
"""At the end of a word in which it is heard, where it is trained frame by frame."""
OTHERS_PART = 0.25
"""Of all that is heard, pieces of other speech."""
MOST_REPEATS = 4.0
"""Of the examples of a rare word."""
PIECE_PART = 0.2
"""As often as a recording of its own is a word heard that was cut out of a sentence, where it is short and slurred."""
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
    """Recordings of a few words as they are, and longer ones in pieces where an alignment tells the words' times.

    A word out of a sentence is short and slurred: those that have `ENOUGH` recordings of their own do without.
    """
    number = {token: index for index, token in enumerate(tokens)}
    found: list[Example] = []
    pieces: list[Example] = []
    for example in make_examples(utterances, lexicon, alignments, frame_seconds):
        words = spoken_words(example.utterance.text)
        spoken = _Spoken(example, [number.get(word, number[UNKNOWN]) for word in words], number[UNKNOWN], lexicon)
        if len(words) <= MOST_WORDS:
            found.append(spoken.whole())
        elif spoken.ends is not None:
            pieces += spoken.pieces()
    own = Counter(token for example in found for token in example.tokens)
    unknown = number[UNKNOWN]
    return found + [each for each in pieces if each.tokens == (unknown,) or own[each.tokens[0]] < ENOUGH]


def balanced(examples: Sequence[Example], tokens: Sequence[str]) -> np.ndarray:
    """[examples]: how often each is to be heard, so that every word is heard about as often as the others."""
    token_of = np.array([max(example.tokens, default=0) for example in examples])
    parts = np.array([PIECE_PART if example.span else 1.0 for example in examples])
    counts = np.bincount(token_of, parts, len(tokens))
    unknown = len(tokens) - 1
    each = counts[1:unknown].mean()
    weights = np.minimum(MOST_REPEATS, each / np.maximum(0.1, counts))
    wanted = OTHERS_PART / (1 - OTHERS_PART) * (weights * counts)[1:unknown].sum()
    weights[unknown], weights[0] = min(MOST_REPEATS, wanted / max(0.1, counts[unknown])), 1.0
    return np.asarray(parts * weights[token_of])


class _Spoken:
    """An utterance in words. `ends`: phones up to the end of each word, after a 0; None where that is not known."""

    def __init__(self, example: Example, tokens: Sequence[int], unknown: int, lexicon: Lexicon) -> None:
        self.example, self.tokens, self.unknown = example, tokens, unknown
        words = spoken_words(example.utterance.text)
        lengths = _lengths(words, example.tokens, lexicon) if example.alignment else None
        self.ends = None if lengths is None else [0, *np.cumsum(lengths).tolist()]

    def whole(self) -> Example:
        """As it is; other words that follow each other are one token."""
        runs = [(token, list(run)) for token, run in groupby(enumerate(self.tokens), lambda pair: pair[1])]
        said = [
            (token, part[0][0], part[-1][0])
            for token, run in runs
            for part in ([run] if token == self.unknown else [[each] for each in run])
        ]
        times = () if self.ends is None else tuple(self._time(*each) for each in said)
        return replace(
            self.example, tokens=tuple(token for token, _, _ in said), alignment=times, in_phones=self.example
        )

    def pieces(self) -> Iterator[Example]:
        """Each word of the set, and other words by ones to threes."""
        first = 0
        for index, token in enumerate(self.tokens):
            last = index + 1 == len(self.tokens) or self.tokens[index + 1] != self.unknown
            if token != self.unknown or last or index - first == first % PIECE_WORDS:
                piece = self._piece(token, first, index)
                if piece.seconds >= LEAST_SECONDS:
                    yield piece
                first = index + 1

    def _piece(self, token: int, first: int, last: int) -> Example:
        """Some words as one token."""
        assert self.ends is not None
        phones, (begin, end) = self.example.alignment, (self.ends[first], self.ends[last + 1])
        before = phones[begin - 1][2] if begin else 0.0
        after = phones[end][1] if end < len(phones) else self.example.utterance.duration
        start = max(before, phones[begin][1] - MARGIN_SECONDS, 0.0)
        stop = min(max(after, phones[end - 1][2]), phones[end - 1][2] + MARGIN_SECONDS, self.example.utterance.duration)
        inside = tuple((phone, since - start, until - start) for phone, since, until in phones[begin:end])
        said = Example(self.example.utterance, self.example.tokens[begin:end], inside)
        _, since, until = self._time(token, first, last)
        return Example(said.utterance, (token,), ((token, since - start, until - start),), (start, stop), said)

    def _time(self, token: int, first: int, last: int) -> tuple[int, float, float]:
        """A token for some words, and when it is to be heard: at their end, where it is clear what they are."""
        assert self.ends is not None
        start, end = self.example.alignment[self.ends[first]][1], self.example.alignment[self.ends[last + 1] - 1][2]
        return token, max(start, end - HEARD_SECONDS), end


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
