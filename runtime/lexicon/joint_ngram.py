"""Spelling to phones with a joint-sequence n-gram model (Bisani and Ney 2008, "Joint-sequence models for
grapheme-to-phoneme conversion").

A word is a sequence of units, each one letter with the zero, one or two phones that it stands for; the model is a
back-off n-gram over units, and a beam search finds the likeliest units for given letters.
`speech_lstm.assets.g2p_training` makes the model file and has the measurements.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

MODEL = Path(__file__).parents[1] / "data" / "g2p.npz"
BEGIN, END = 0, 1
"""Units that stand for the two ends of a word; the others have a letter."""

COST_STEP = 1 / 16
"""Log-probabilities are stored in steps of this many nats."""
BACKOFF_ZERO = 32
"""Stored back-off weight of probability one; a pruned model can have weights a little above one."""

History = tuple[int, ...]
"""Nodes of the trie for what came before: the longest history that the model knows, its suffixes, the root (0)."""


class JointNgram:
    """The n-grams as a trie in arrays. Immutable, shared by threads.

    `units`: letter and phone code (module `dictionary`) of unit 2, 3, ... `unit`, `cost`: uint8 [nodes], last unit of
    an n-gram and its negative log-probability; `backoff`, `children`: uint8 [nodes], the weight of shorter histories
    and how many n-grams continue this one. Nodes are in breadth-first order, the children of a node by unit.
    """

    def __init__(
        self,
        units: list[str],
        unit: npt.NDArray[np.uint8],
        cost: npt.NDArray[np.uint8],
        backoff: npt.NDArray[np.uint8],
        children: npt.NDArray[np.uint8],
    ) -> None:
        self._unit = unit.tobytes()
        self._cost = cost.tobytes()
        self._backoff = backoff.tobytes()
        first = np.concatenate(([1], 1 + np.cumsum(children, dtype=np.uint32))).astype(np.uint32)
        self._first = memoryview(first.tobytes()).cast("I")
        self._choices: dict[str, list[tuple[int, str]]] = {}
        for number, text in enumerate(units, start=END + 1):
            self._choices.setdefault(text[0], []).append((number, text[1:]))

    @classmethod
    def load(cls, path: Path = MODEL) -> JointNgram:
        """The model of an npz file."""
        with np.load(path) as data:
            return cls(data["units"].tobytes().decode("ascii").split(" "), *(data[name] for name in ARRAYS))

    def covers(self, letters: str) -> bool:
        """Whether the model knows every letter; it can then pronounce the word."""
        return bool(letters.strip("'")) and all(letter in self._choices for letter in letters)

    def best(self, letters: str, beam: int = 16, margin: float = 9.0) -> list[tuple[str, float]]:
        """Phone codes and their probability given the letters, best first, up to `beam` of them.

        margin: nats below the best at which a partial hypothesis is dropped.
        """
        hypotheses = [(0.0, self._after((0,), BEGIN), "")]
        for letter in letters:
            found: dict[tuple[int, str], tuple[float, History, int]] = {}
            limit = math.inf
            for so_far, history, phones in hypotheses:
                for unit, code in self._choices[letter]:
                    cost = so_far + self._cost_of(history, unit)
                    if cost > limit:
                        continue
                    limit = min(limit, cost + margin)
                    key = (history[0] * 256 + unit, phones + code)
                    if key not in found or cost < found[key][0]:
                        found[key] = (cost, history, unit)
            kept = sorted((cost, phones, history, unit) for (_, phones), (cost, history, unit) in found.items())[:beam]
            hypotheses = [
                (cost, self._after(history, unit), phones) for cost, phones, history, unit in kept if cost <= limit
            ]
        whole = [(phones, cost + self._cost_of(history, END)) for cost, history, phones in hypotheses]
        least = min(cost for _, cost in whole)  # of a long word it is too much for exp alone
        weights: dict[str, float] = {}
        for phones, cost in whole:
            weights[phones] = weights.get(phones, 0.0) + math.exp(least - cost)
        total = sum(weights.values())
        return sorted(((phones, weight / total) for phones, weight in weights.items()), key=lambda pair: -pair[1])

    def _cost_of(self, history: History, unit: int) -> float:
        """Negative log-probability of a unit after a history, in nats."""
        wanted = unit.to_bytes(1, "little")
        steps = 0
        for node in history:
            child = self._unit.find(wanted, self._first[node], self._first[node + 1])
            if child >= 0:
                return (steps + self._cost[child]) * COST_STEP
            steps += self._backoff[node] - BACKOFF_ZERO
        return (steps + 255) * COST_STEP

    def _after(self, history: History, unit: int) -> History:
        """The history one unit later; nodes that nothing continues are left out."""
        wanted = unit.to_bytes(1, "little")
        longer = []
        for node in history:
            child = self._unit.find(wanted, self._first[node], self._first[node + 1])
            if child >= 0 and self._first[child] < self._first[child + 1]:
                longer.append(child)
        return (*longer, 0)


ARRAYS = ("unit", "cost", "backoff", "children")
"""Names of the arrays in the model file, in the order of `JointNgram`'s arguments."""


@cache
def joint_ngram() -> JointNgram:
    """The shipped model, read on first use."""
    return JointNgram.load()
