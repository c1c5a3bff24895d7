"""Was it another word? How much likelier a word is, where it was heard, than the words of English that sound like it.

A grammar hears its own words in whatever is said, "the lamp" in "the lamb" too. Free speech (`free_speech`) is no match
for that, as among all sequences of phones there is always one that fits better than what was said; among words there is
seldom one, unless it was said. So a word is set against the `NEAREST` of ten thousand frequent words, by the edit
distance of their phones (Myers 1999, "A fast bit-vector algorithm for approximate string matching based on dynamic
programming"), each on its best path through the same rows, between the same neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.lexicon.dictionary import decode
from speech_lstm.runtime.lexicon.tokens import PHONES, TOKENS

from .margins import FloatArray
from .spelling import Phones

BUNDLED = Path(__file__).parents[1] / "data" / "other_words.txt"

NEAREST = 100
"""Words that one is set against."""

MOST_PHONES = 31
"""Of a word that is set against others: a number has so many bits that a browser computes with."""

AROUND = 6
"""Rows before the first word and after the last one in which another word may begin or end."""

MOST_LEAD = 8.0
"""What is clear is clear."""

LEAST_LEAD = -20.0

TokenArray = npt.NDArray[np.uint8]
DoubleArray = npt.NDArray[np.float64]


class Vocabulary:
    """Ways to say the words of a language. `ways`: tokens, those of the most frequent word first."""

    def __init__(self, ways: Sequence[Phones]) -> None:
        self.ways = tuple(ways)
        lengths = np.array([len(way) for way in ways], dtype=np.intp)
        self._order = np.argsort(-lengths, kind="stable")
        self._columns = [
            np.array([ways[number][place] for number in self._order[:count].tolist()], dtype=np.uint8)
            for place, count in enumerate((lengths[:, None] > np.arange(lengths.max(initial=0))).sum(axis=0).tolist())
        ]

    @property
    def codes(self) -> str:
        """As the file has them: a way is a word of characters, "A" for token 1."""
        return " ".join("".join(chr(ord("A") + token - 1) for token in way) for way in self.ways)

    def distances(self, phones: Phones) -> npt.NDArray[np.intp]:
        """Edit distance of each way to some phones, at least one and at most `MOST_PHONES`."""
        at = np.zeros(max(max(phones), len(PHONES)) + 1, dtype=np.uint32)  # bit i: phone i is that token
        for place, token in enumerate(phones):
            at[token] |= np.uint32(1 << place)
        last = np.uint32(len(phones) - 1)
        higher = np.full(len(self.ways), 0xFFFFFFFF, dtype=np.uint32)  # bit i: a row more costs one more after phone i
        lower = np.zeros(len(self.ways), dtype=np.uint32)
        found = np.full(len(self.ways), len(phones), dtype=np.intp)
        for tokens in self._columns:
            count = len(tokens)
            equal, up, down = at[tokens], higher[:count], lower[:count]
            vertical = equal | down
            across = (((equal & up) + up) ^ up) | equal
            more, less = down | ~(across | up), up & across
            found[:count] += (more >> last) & 1
            found[:count] -= (less >> last) & 1
            more, less = (more << np.uint32(1)) | np.uint32(1), less << np.uint32(1)
            higher[:count], lower[:count] = less | ~(vertical | more), more & vertical
        distances = np.empty_like(found)
        distances[self._order] = found
        return distances

    def nearest(self, phones: Phones, ways: Sequence[Phones]) -> list[Phones]:
        """The `NEAREST` to some phones, without `ways`; the more frequent one first where two are as near."""
        distances = self.distances(phones).astype(np.uint8)  # which are sorted by counting
        order = np.argsort(distances, kind="stable")[: NEAREST + len(ways)]
        return [way for way in map(self.ways.__getitem__, order.tolist()) if way not in ways][:NEAREST]


class OtherWords:
    """What the words of one grammar are set against; found when a word is first asked for. Shared by threads."""

    def __init__(self, vocabulary: Vocabulary, said: Mapping[str, Sequence[Phones]]) -> None:
        """said: the ways to say the words of the grammar."""
        self.vocabulary = vocabulary
        self._said = said
        self._ways: dict[tuple[str, Phones], tuple[int, TokenArray, npt.NDArray[np.intp]]] = {}

    def lead(self, word: str, phones: Phones, scores: FloatArray, before: int | None, after: int | None) -> float:
        """By how many nats the best way to say a word beats the best other word, from `LEAST_LEAD` to `MOST_LEAD`.

        phones: it was heard with; scores: float32 [rows, tokens], from the first row of the token before it to the last
        row of the token after it, where there are such.
        """
        if not self.vocabulary.ways or len(phones) > MOST_PHONES:
            return MOST_LEAD
        num_own, ways, lengths = self._ways_of(word, phones)
        begin = 0 if before is None else 1
        tokens = np.zeros((len(ways), ways.shape[1] + 2), dtype=np.intp)
        tokens[:, 0] = before or 0
        tokens[:, begin : begin + ways.shape[1]] = ways
        if after is not None:
            tokens[np.arange(len(ways)), begin + lengths] = after
        paths = best_paths(scores, tokens, begin + lengths + (after is not None))
        lead = float(paths[:num_own].max()) - float(paths[num_own:].max())
        return min(MOST_LEAD, max(LEAST_LEAD, lead))

    def _ways_of(self, word: str, phones: Phones) -> tuple[int, TokenArray, npt.NDArray[np.intp]]:
        """How many ways there are to say a word, then those and other words: [ways, phones] and [ways], how long."""
        known = self._ways.get((word, phones))
        if known is None:
            own = list(self._said[word])
            ways = own + self.vocabulary.nearest(phones, own)
            lengths = np.array([len(way) for way in ways])
            tokens = np.zeros((len(ways), lengths.max()), dtype=np.uint8)
            for row, way in zip(tokens, ways, strict=True):
                row[: len(way)] = way
            known = self._ways[word, phones] = len(own), tokens, lengths
        return known


def best_paths(scores: FloatArray, tokens: npt.NDArray[np.intp], lengths: npt.NDArray[np.intp]) -> DoubleArray:
    """Score of the best path of each sequence through all rows, -inf where they are too few: float64 [sequences].

    scores: float32 [rows, tokens]; tokens: [sequences, places], lengths: [sequences], how many of them count, at least
    one. A path is that of CTC: each token for one row or more, blank between two for any number, at least one where
    both are alike.
    """
    count, places = tokens.shape
    labels = np.zeros((count, 2 * places + 1), dtype=np.intp)
    labels[:, 1::2] = tokens
    skips = np.zeros((places - 1, count))
    skips[(tokens[:, 1:] == tokens[:, :-1]).T] = -np.inf
    heard = scores.astype(np.float64).take(
        labels.T, axis=1
    )  # [rows, states, sequences]: a state is one stretch of memory
    path, longer = np.full((2, *labels.T.shape), -np.inf)
    path[:2] = heard[0, :2]
    for row in heard[1:]:
        np.add(path[1:-2:2], skips, out=longer[3::2])
        np.maximum(longer[3::2], path[3::2], out=longer[3::2])
        longer[:2], longer[2::2] = path[:2], path[2::2]
        np.maximum(longer[1:], path[:-1], out=longer[1:])
        longer += row
        path, longer = longer, path
    which = np.arange(count)
    return np.maximum(path[2 * lengths, which], path[2 * lengths - 1, which])


@cache
def bundled() -> Vocabulary:
    """English, in the tokens of the models that come with the package."""
    token_of = {phone: token for token, phone in enumerate(TOKENS)}
    codes = BUNDLED.read_text(encoding="ascii").split()
    return Vocabulary([tuple(token_of[phone] for phone in decode(code)) for code in codes])


NO_WORDS = Vocabulary(())


def vocabulary_of(tokens: tuple[str, ...]) -> Vocabulary:
    """English for the tokens of the shipped models, nothing for others. tokens: the model's, blank first."""
    return bundled() if tokens == TOKENS else NO_WORDS
