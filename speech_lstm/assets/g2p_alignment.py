"""Letters of a word aligned with its phones, zero to two phones a letter, by expectation maximisation.

The model is one distribution a letter over what it stands for: nothing, a phone, or two phones in a row. All words
of equal length and equal number of phones go through the forward-backward sums together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.lexicon.dictionary import encode
from speech_lstm.runtime.lexicon.tokens import PHONES

LETTERS = "'abcdefghijklmnopqrstuvwxyz"
NUM_PHONES = len(PHONES)
FIRST_PHONE = ord(encode(PHONES[:1]))
SHORTEST_LIKELIHOOD = 1e-9
"""Geometric mean of the letters' probabilities under which an alignment is given up ("dr" is no spelling of doctor)."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Words of one shape. `index`: int64 [words]; `letters`: int64 [words, n]; `phones`: int64 [words, m]."""

    index: Ints
    letters: Ints
    phones: Ints

    @property
    def pairs(self) -> Ints:
        """int64 [words, m - 1]: columns of the letter distributions for two phones in a row."""
        return 1 + NUM_PHONES + self.phones[:, :-1] * NUM_PHONES + self.phones[:, 1:]


def align(entries: Sequence[tuple[str, str]], iterations: int = 8) -> list[tuple[str, ...] | None]:
    """The phone code of each letter for (word, phone code) entries; None where they do not match."""
    batches = _batches(entries)
    table = np.empty((len(LETTERS), 1 + NUM_PHONES + NUM_PHONES**2))
    table[:, 0] = 0.1
    table[:, 1 : 1 + NUM_PHONES] = 1 / NUM_PHONES
    table[:, 1 + NUM_PHONES :] = 0.002 / NUM_PHONES
    for _ in range(iterations):
        counts = np.zeros_like(table)
        for batch in batches:
            _add_expected_counts(batch, table, counts)
        table = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    result: list[tuple[str, ...] | None] = [None] * len(entries)
    for batch in batches:
        for index, widths in zip(batch.index, _best_widths(batch, table), strict=True):
            if widths is not None:
                ends = np.cumsum(widths)
                result[index] = tuple(
                    entries[index][1][end - width : end] for end, width in zip(ends, widths, strict=True)
                )
    return result


def _batches(entries: Sequence[tuple[str, str]]) -> list[Batch]:
    shapes: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, (word, phones) in enumerate(entries):
        if len(phones) <= 2 * len(word):
            shapes[len(word), len(phones)].append(index)
    return [
        Batch(
            np.array(members),
            np.array([[LETTERS.index(letter) for letter in entries[index][0]] for index in members]),
            np.array([[ord(phone) - FIRST_PHONE for phone in entries[index][1]] for index in members]),
        )
        for members in shapes.values()
    ]


def _emissions(batch: Batch, table: Floats) -> tuple[Floats, Floats, Floats]:
    """Probabilities that letter i is nothing [words, n, 1], phone j [.., n, m], phones j and j + 1 [.., n, m - 1]."""
    letters = batch.letters[:, :, None]
    return table[letters, 0], table[letters, 1 + batch.phones[:, None, :]], table[letters, batch.pairs[:, None, :]]


def _add_expected_counts(batch: Batch, table: Floats, counts: Floats) -> None:
    """One forward-backward pass; node (i, j) has consumed i letters and j phones."""
    none, one, two = _emissions(batch, table)
    words, n = batch.letters.shape
    m = batch.phones.shape[1]
    forward = np.zeros((words, n + 1, m + 1))
    forward[:, 0, 0] = 1
    for i in range(n):
        forward[:, i + 1] = forward[:, i] * none[:, i]
        forward[:, i + 1, 1:] += forward[:, i, :-1] * one[:, i]
        forward[:, i + 1, 2:] += forward[:, i, :-2] * two[:, i]
    backward = np.zeros_like(forward)
    backward[:, n, m] = 1
    for i in reversed(range(n)):
        backward[:, i] = backward[:, i + 1] * none[:, i]
        backward[:, i, :-1] += backward[:, i + 1, 1:] * one[:, i]
        backward[:, i, :-2] += backward[:, i + 1, 2:] * two[:, i]
    total = forward[:, n, m][:, None]
    scale = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
    for i in range(n):
        letter = batch.letters[:, i, None]
        expected = forward[:, i] * backward[:, i + 1] * none[:, i] * scale
        np.add.at(counts[:, 0], letter[:, 0], expected.sum(axis=1))
        expected = forward[:, i, :-1] * backward[:, i + 1, 1:] * one[:, i] * scale
        np.add.at(counts, (letter, 1 + batch.phones), expected)
        np.add.at(counts, (letter, batch.pairs), forward[:, i, :-2] * backward[:, i + 1, 2:] * two[:, i] * scale)


def _best_widths(batch: Batch, table: Floats) -> list[list[int] | None]:
    """Viterbi: how many phones each letter stands for; None below the shortest likelihood."""
    with np.errstate(divide="ignore"):
        none, one, two = (np.log(emission) for emission in _emissions(batch, table))
    words, n = batch.letters.shape
    m = batch.phones.shape[1]
    best = np.full((words, m + 1), -np.inf)
    best[:, 0] = 0
    choice = np.zeros((words, n, m + 1), dtype=np.int64)
    for i in range(n):
        options = np.full((3, words, m + 1), -np.inf)
        options[0] = best + none[:, i]
        options[1, :, 1:] = best[:, :-1] + one[:, i]
        options[2, :, 2:] = best[:, :-2] + two[:, i]
        choice[:, i] = options.argmax(axis=0)
        best = options.max(axis=0)
    result: list[list[int] | None] = []
    for word in range(words):
        if best[word, m] < n * np.log(SHORTEST_LIKELIHOOD):
            result.append(None)
            continue
        widths, j = [], m
        for i in reversed(range(n)):
            widths.append(int(choice[word, i, j]))
            j -= widths[-1]
        result.append(widths[::-1])
    return result
