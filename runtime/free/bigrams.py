"""A word bigram with back-off, as it is in `data/bigrams.npz`; `speech_lstm.assets.language_model` makes it.

Word 0 is the boundary of a sentence: what comes before the first word and after the last. With b(h) the back-off of a
history, P(w | h) is listed or else exp(b(h)) P(w), and the probabilities of all words after h sum to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

BIGRAMS = Path(__file__).parents[1] / "data" / "bigrams.npz"
MOST_WORDS = 1 << 16
"""With the boundary; a pair of words is a 32-bit key."""


@dataclass(frozen=True, eq=False)
class Bigrams:
    """Natural logarithms of probabilities, float32.

    `words`: the first is "", the boundary. `unigrams`, `backoffs`: [words]. `keys`: uint32 [pairs], ascending, history
    times `MOST_WORDS` plus word; `listed`: [pairs], their P(word | history).
    """

    words: tuple[str, ...]
    unigrams: FloatArray
    backoffs: FloatArray
    keys: NDArray[np.uint32]
    listed: FloatArray

    def log_probs(self, histories: IntArray, words: IntArray) -> FloatArray:
        """float32 [n], ln P(word | history) of n pairs of word numbers."""
        wanted = (histories * MOST_WORDS + words).astype(np.uint32)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        backed_off = self.backoffs.take(histories) + self.unigrams.take(words)
        return np.where(self.keys.take(at) == wanted, self.listed.take(at), backed_off)

    def sentence_log_prob(self, words: Sequence[int]) -> float:
        """Of the words of a whole sentence, its two boundaries included."""
        padded = np.array([0, *words, 0], dtype=np.int64)
        return float(self.log_probs(padded[:-1], padded[1:]).sum())

    def save(self, path: Path) -> None:
        """Write a compressed file; logarithms are rounded to half precision, so round them before if it matters."""
        histories, words = np.divmod(self.keys, np.uint32(MOST_WORDS))
        first = np.ones(len(histories), dtype=np.bool_)
        first[1:] = histories[1:] != histories[:-1]
        steps = np.where(first, words, words - np.roll(words, 1))
        np.savez_compressed(
            path,
            words=np.frombuffer("\n".join(self.words).encode("ascii"), dtype=np.uint8),
            unigrams=self.unigrams.astype(np.float16),
            backoffs=self.backoffs.astype(np.float16),
            followers=np.bincount(histories, minlength=len(self.words)).astype(np.uint16),
            steps=steps.astype(np.uint16),
            listed=self.listed.astype(np.float16),
        )

    @classmethod
    def load(cls, path: Path = BIGRAMS) -> Bigrams:
        """The bigrams that `save` wrote."""
        with np.load(path) as arrays:
            followers = arrays["followers"].astype(np.int64)
            histories = np.repeat(np.arange(len(followers)), followers)
            total = arrays["steps"].astype(np.int64).cumsum()
            before = np.concatenate(([0], total))[followers.cumsum() - followers]  # sum of the steps of other histories
            return cls(
                tuple(arrays["words"].tobytes().decode("ascii").split("\n")),
                arrays["unigrams"].astype(np.float32),
                arrays["backoffs"].astype(np.float32),
                (histories * MOST_WORDS + total - before[histories]).astype(np.uint32),
                arrays["listed"].astype(np.float32),
            )


@cache
def default_bigrams() -> Bigrams:
    """Those of the package, read once."""
    return Bigrams.load()
