"""Shares with bootstrap intervals, resampled by speaker.

Clips of one speaker are alike, so that resampling clips would make the intervals too narrow: Bisani and Ney 2004,
"Bootstrap estimates for confidence intervals in ASR performance evaluation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LEAST_SPEAKERS = 8
"""With fewer speakers clips are resampled: so few say nothing of others."""

COVERAGE = 0.95


@dataclass(frozen=True)
class Count:
    """Of one clip: `hits` of `total`, errors of phones for example. `clip` and `speaker` ("" if unknown): who it is."""

    clip: str
    speaker: str
    hits: float
    total: float


@dataclass(frozen=True)
class Estimate:
    """A share, the 95 % interval of it, and how it was found."""

    value: float
    low: float
    high: float
    clips: int
    units: int
    """Speakers, or clips where the speakers are unknown or fewer than `LEAST_SPEAKERS`, that were resampled."""


def estimate(counts: Sequence[Count], resamples: int, seed: int) -> Estimate:
    """Hits by total over all clips."""
    sums = _sums(counts, _unit_of(counts))
    draws = _draws(len(sums), resamples, seed) @ sums
    low, high = _interval(draws[:, 0] / np.maximum(draws[:, 1], 1e-9))
    hits, total = sums.sum(axis=0)
    return Estimate(float(hits / total), low, high, len(counts), len(sums))


def change(counts: Sequence[Count], base: Sequence[Count], resamples: int, seed: int) -> Estimate | None:
    """How much higher the share is than on the base; both on the clips that both have, resampled together.

    None where they have none in common.
    """
    common = {count.clip for count in counts} & {count.clip for count in base}
    if not common:
        return None
    first, second = ([count for count in part if count.clip in common] for part in (counts, base))
    unit_of = _unit_of(second)
    sums = np.concatenate([_sums(first, unit_of), _sums(second, unit_of)], axis=1)
    draws = np.maximum(_draws(len(sums), resamples, seed) @ sums, 1e-9)
    low, high = _interval(draws[:, 0] / draws[:, 1] - draws[:, 2] / draws[:, 3])
    hits, total, base_hits, base_total = sums.sum(axis=0)
    return Estimate(float(hits / total - base_hits / base_total), low, high, len(common), len(sums))


def _unit_of(counts: Sequence[Count]) -> dict[str, str]:
    """Clip -> what it is resampled with."""
    known = {count.speaker for count in counts if count.speaker}
    by_speaker = len(known) >= LEAST_SPEAKERS
    return {count.clip: count.speaker if by_speaker and count.speaker else count.clip for count in counts}


def _sums(counts: Sequence[Count], unit_of: Mapping[str, str]) -> NDArray[np.float64]:
    """[units, 2]: hits and total of each, in the order of their names."""
    row_of = {unit: row for row, unit in enumerate(sorted(set(unit_of.values())))}
    sums = np.zeros((len(row_of), 2))
    for count in counts:
        sums[row_of[unit_of[count.clip]]] += (count.hits, count.total)
    return sums


@cache
def _draws(units: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """[resamples, units]: how often each unit is drawn."""
    random = np.random.default_rng([seed, units])
    return random.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
