"""How often a wake word is heard in speech that does not hold it, and the threshold for as many false alarms as wanted.

An hour of other speech and noise is bundled as what the model makes of it, so that any phrase can be scored on it in a
fraction of a second. Scores are at most 0, and how often one is closer to it falls with a power of the
distance, which is fitted to the highest scores of the phrase: the estimator of Hill 1975, "A Simple General Approach to
Inference About the Tail of a Distribution", for one over the distance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.decoding.margins import LOWEST, FloatArray, margins
from speech_lstm.runtime.decoding.viterbi import NEVER
from speech_lstm.runtime.errors import ModelError

from .phone_chains import PhoneChains

BUNDLED = Path(__file__).parents[1] / "data" / "negatives.npz"

DEEPEST = 12.0
"""Margins below minus this are kept as this."""

_LEVELS = 19
_NEVER = 255  # code of a phone in a frame of silence
_LANES = 256  # parts of the negatives that are searched side by side
_WARM_UP = 50  # rows before a part, so that a phrase across its beginning is found
_WINDOW = 25  # rows in which one false alarm at most is counted
_MOST = 3600.0  # false alarms an hour: a window is about a second
_NEAREST = 0.02  # a score is no closer to 0, as the codes have steps
_HIGHEST = 30  # highest windows that the curve is fitted to


@dataclass(frozen=True)
class AlarmCurve:
    """How often the score of a phrase is above which value in an hour of negatives: rate * (value / start) ** power.

    `start`: score, below 0. `rate`: windows an hour above it.
    """

    start: float
    power: float
    rate: float

    @classmethod
    def fitted(cls, scores: FloatArray, hours: float) -> AlarmCurve:
        """scores: float32 [windows], the highest one of each, in so many hours."""
        count = min(_HIGHEST, len(scores) - 1)
        lost = np.sort(np.maximum(-scores.astype(np.float64), _NEAREST))[: count + 1]
        return cls(-float(lost[-1]), 1 / max(0.01, float(np.log(lost[-1] / lost[:-1]).mean())), count / hours)

    def false_alarms(self, threshold: float) -> float:
        """An hour, at a threshold from `start` up; a rough guess below, and never more than `_MOST`."""
        steps = self.power * np.log(threshold / self.start)  # the power alone may overflow
        return float(self.rate * np.exp(min(steps, np.log(_MOST / self.rate))))

    def threshold(self, false_alarms: float) -> float:
        """The threshold that gives so many false alarms an hour."""
        return float(self.start * (false_alarms / self.rate) ** (1 / self.power))


@dataclass(frozen=True, eq=False)
class Negatives:
    """What a model makes of audio without wake words. `codes`: uint8 [rows, tokens], margins by square-root steps; a
    row is a frame, but for successive frames of silence, which share one, and the end of a long one, which is a row
    in which nothing is possible. `hours`: of audio.
    """

    tokens: tuple[str, ...]
    codes: npt.NDArray[np.uint8]
    hours: float

    @classmethod
    def from_log_probs(
        cls, tokens: Sequence[str], blocks: Iterable[FloatArray], frame_seconds: float, silence: float, pause: float
    ) -> Negatives:
        """blocks: float32 [frames, tokens] of successive audio. silence: probability above which blank is certain.
        pause: seconds of silence that no phrase goes across.
        """
        log_probs = np.concatenate(list(blocks))
        scores, _, silent = margins(log_probs, len(tokens), 0.0, silence)
        codes = np.minimum(np.round(np.sqrt(np.minimum(-scores, DEEPEST) / DEEPEST) * _LEVELS), _LEVELS)
        codes = codes.astype(np.uint8)
        codes[silent, 1:] = _NEVER
        begins = np.flatnonzero(np.diff(silent.astype(np.int8), prepend=0) == 1)
        ends = np.flatnonzero(np.diff(silent.astype(np.int8), append=0) == -1)
        kept = ~silent
        kept[begins] = True
        long = begins[(ends + 1 - begins) * frame_seconds > pause]
        codes[long, 0] = _NEVER
        return cls(tuple(tokens), codes[kept], len(log_probs) * frame_seconds / 3600)

    @classmethod
    def load(cls, path: Path = BUNDLED) -> Negatives:
        """Read a file that `save` wrote. ModelError where that fails."""
        try:
            with np.load(path) as arrays:
                tokens = tuple(str(token) for token in arrays["tokens"])
                return cls(tokens, arrays["codes"], float(arrays["hours"]))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{path}: cannot read the negatives for wake words: {error}") from error

    def save(self, path: Path) -> None:
        """Write a compressed .npz file."""
        np.savez_compressed(path, tokens=np.array(self.tokens), codes=self.codes, hours=np.array(self.hours))

    def curve(self, chains: PhoneChains, blank_offset: float) -> AlarmCurve:
        """Of the best score per phone of any of the ways."""
        scores = self._scores(chains, blank_offset)
        windows = -len(scores) % _WINDOW
        padded = np.pad(scores, (0, windows), constant_values=-DEEPEST)
        return AlarmCurve.fitted(padded.reshape(-1, _WINDOW).max(axis=1), self.hours)

    def highest(self, chains: PhoneChains, blank_offset: float) -> float:
        """Best score per phone of any of the ways anywhere."""
        return float(self._scores(chains, blank_offset).max())

    def _margins(self, blank_offset: float) -> FloatArray:
        """float32 [rows, tokens + 1], the last column for anything."""
        steps = (DEEPEST * (np.arange(256) / _LEVELS) ** 2).astype(np.float32)
        values = -steps
        values[_NEVER] = LOWEST
        scores = np.zeros((len(self.codes), len(self.tokens) + 1), dtype=np.float32)
        scores[:, :-1] = values[self.codes]
        possible = self.codes[:, 0] != _NEVER
        scores[possible, 0] -= np.float32(blank_offset)
        scores[possible, :-1] -= scores[possible, :-1].max(axis=1, keepdims=True)
        return scores

    def _scores(self, chains: PhoneChains, blank_offset: float) -> FloatArray:
        """float32 [rows]: best score per phone of a path that ends there, at least -DEEPEST."""
        rows = _margins_of_bundled(blank_offset) if self is bundled_negatives() else self._margins(blank_offset)
        length = -(-len(rows) // _LANES)
        at = np.arange(_LANES) * length
        size = len(chains.labels)
        phone = np.tile(chains.idle, (_LANES, 1))
        blank = np.full((_LANES, size), NEVER, dtype=np.float32)
        into = np.full((_LANES, size), NEVER, dtype=np.float32)
        best = np.empty((_LANES, length), dtype=np.float32)
        for step in range(-_WARM_UP, length):
            now = rows[np.clip(at + step, 0, len(rows) - 1)]
            np.add(phone[:, :-1], chains.barrier, out=into[:, 1:])
            np.maximum(into[:, 1:], blank[:, :-1], out=into[:, 1:])
            np.maximum(blank, phone, out=blank)
            blank += now[:, :1]
            np.maximum(phone, into, out=phone)
            phone += now[:, chains.labels]
            if step >= 0:
                best[:, step] = (phone[:, chains.lasts] / chains.num_phones).max(axis=1)
        return np.maximum(best.ravel()[: len(rows)], np.float32(-DEEPEST))


@cache
def bundled_negatives() -> Negatives:
    """Those that come with the package."""
    return Negatives.load()


@cache
def _margins_of_bundled(blank_offset: float) -> FloatArray:
    """Kept for the next phrase."""
    return bundled_negatives()._margins(blank_offset)
