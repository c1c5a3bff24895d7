"""A phone bigram and the likeliest phones under it, which phone error is measured with after discriminative training.

A model trained with LF-MMI leaves to the bigram what the bigram knows, so its best token of each frame means little.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

TINY = 1e-30


@dataclass(frozen=True, eq=False)
class PhoneBigram:
    """Probabilities of phone sequences. Tokens are numbered from 1, as in the model, whose token 0 is the blank.

    `start` [n], `move` [n, n] (row: after which phone), `end` [n]; start sums to 1, and so does a row of move with
    its end.
    """

    start: FloatArray
    move: FloatArray
    end: FloatArray

    @classmethod
    def counted(cls, sequences: Iterable[Sequence[int]], phones: int, smoothing: float = 0.5) -> PhoneBigram:
        """Counted in sequences of token numbers, with `smoothing` added to each count."""
        counts = np.full((phones + 1, phones + 1), smoothing)  # 0: the beginning as a row, the end as a column
        for sequence in sequences:
            for before, after in pairwise((0, *sequence, 0)):
                counts[before, after] += 1
        counts[0, 0] = 0.0
        shares = (counts / counts.sum(1, keepdims=True)).astype(np.float32)
        return cls(shares[0, 1:], shares[1:, 1:], shares[1:, 0])


def best_phones(log_probs: FloatArray, frames: Sequence[int], bigram: PhoneBigram) -> list[list[int]]:
    """The likeliest path (Viterbi) through the CTC topology looped through the bigram, as token numbers, at least one.

    log_probs: float32 [batch, time, 1 + n]; frames: of each, at least 1.
    """
    batch, time, tokens = log_probs.shape
    n = tokens - 1  # states: phones, n times "blank after that phone", and last the blank before any phone
    start, move, end = (np.log(part + TINY) for part in (bigram.start, bigram.move, bigram.end))
    direct = move.copy()
    np.fill_diagonal(direct, -np.inf)  # a phone after itself needs a blank
    into = np.concatenate([direct, move]).T  # [to, from]
    numbers = np.arange(n)
    score = np.full((batch, 2 * n), -np.inf)
    score[:, :n] = start + log_probs[:, 0, 1:]
    first = log_probs[:, 0, :1].astype(np.float64)
    came = np.empty((time, batch, 2 * n), dtype=np.int32)
    final = np.empty((batch, 2 * n))
    lengths = np.asarray(frames)
    for t in range(time):
        if t:
            options = score[:, None, :] + into  # [batch, n, 2 n]
            source = options.argmax(-1)
            best = np.take_along_axis(options, source[..., None], -1)[..., 0]
            begin = first + start
            source[begin > best] = 2 * n
            best = np.maximum(best, begin)
            phone, rest = score[:, :n], score[:, n:]
            came[t, :, :n] = np.where(phone >= best, numbers, source)
            came[t, :, n:] = np.where(rest >= phone, n, 0) + numbers
            score = np.concatenate(
                [np.maximum(phone, best) + log_probs[:, t, 1:], np.maximum(rest, phone) + log_probs[:, t, :1]], 1
            )
            first = first + log_probs[:, t, :1]
        over = lengths == t + 1
        final[over] = score[over] + np.concatenate([end, end])
    return [_traced(came[:length, row], int(final[row].argmax()), n) for row, length in enumerate(frames)]


def _traced(came: NDArray[np.int32], state: int, n: int) -> list[int]:
    """The phones of the path that ends in a state. came: [time, states], from which state."""
    states = [state]
    for row in came[:0:-1]:
        state = int(row[state])
        if state == 2 * n:
            break
        states.append(state)
    states.reverse()
    changed = [state for state, before in zip(states, [-1, *states], strict=False) if state != before]
    return [state + 1 for state in changed if state < n]
