"""How often a wake word is heard in speech that does not hold it, and the threshold for as many false alarms as wanted.

Two hours of other speech and noise are bundled as what the model makes of them, so that any phrase can be scored on
them in a fraction of a second. Scores are logarithms of probabilities, and how often one is above a limit falls
exponentially with the limit: of a phrase that was not said, the probability exceeds p at most one time in 1 / p if the
model is right (Ville's inequality). The rate is the mean excess of the highest scores: the peaks over threshold of
Pickands 1975, "Statistical Inference Using Extreme Order Statistics", pulled towards that of most phrases as a
conjugate prior would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from zipfile import ZIP_LZMA, ZipFile

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.decoding.free_speech import free_speech_of, likelihoods
from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.decoding.margins import FloatArray, margins
from speech_lstm.runtime.errors import ModelError

from .phone_chains import PhoneChains

BUNDLED = Path(__file__).parents[1] / "data" / "negatives.npz"

DEEPEST = 12.0
"""Log-probabilities below the best of a frame by more are kept as this; scores per phone too."""

LEAST = 1e-300
"""Of a probability, so that it has a logarithm."""

_LEVELS = 9  # thresholds with 19 are the same within 0.05
_NEVER = 255  # code of a phone in a frame of silence
_LOWEST_SPEECH, _SPEECH_STEP = -2.0, 0.1  # below 0: CTC counts a phone that stays and one that ends in full
_LANES = 640  # parts of the negatives that are searched side by side
_WARM_UP = 50  # rows before a part, so that a phrase across its beginning is found
_WINDOW = 25  # rows in which one false alarm at most is counted
_MOST = 3600.0  # false alarms an hour: a window is about a second
_HIGHEST = 15  # highest windows that the curve is fitted to
_USUAL_MEAN, _USUAL_WEIGHT = 0.2, 30  # of most phrases (`benchmarks.false_alarms`), and the windows it is worth


@dataclass(frozen=True)
class AlarmCurve:
    """How often a phrase's score is above a value in an hour of negatives: rate * exp((start - value) / mean).

    `start`: a score. `mean`: excess over it. `rate`: windows an hour above it.
    """

    start: float
    mean: float
    rate: float

    @classmethod
    def fitted(cls, scores: FloatArray, hours: float) -> AlarmCurve:
        """scores: float32 [windows], the highest one of each, in so many hours."""
        count = min(_HIGHEST, len(scores) - 1)
        best = np.sort(scores.astype(np.float64))[::-1][: count + 1]
        excess = float((best[:-1] - best[-1]).sum())
        return cls(float(best[-1]), (excess + _USUAL_WEIGHT * _USUAL_MEAN) / (count + _USUAL_WEIGHT), count / hours)

    def false_alarms(self, threshold: float) -> float:
        """An hour, at a threshold from `start` up; a rough guess below, and never more than `_MOST`."""
        steps = (self.start - threshold) / self.mean  # the power alone may overflow
        return float(self.rate * np.exp(min(steps, np.log(_MOST / self.rate))))

    def threshold(self, false_alarms: float) -> float:
        """The threshold that gives so many false alarms an hour."""
        return float(self.start - self.mean * np.log(false_alarms / self.rate))


@dataclass(frozen=True, eq=False)
class Negatives:
    """What a model makes of audio without wake words. `codes`: uint8 [rows, tokens], how far log-probabilities are
    below the best one, by square-root steps; a row is a frame, but for successive frames of silence, which share one,
    and the end of a long one, which is a row in which nothing is possible. `speech`: uint8 [rows], how far the
    log-probability of the frame in free speech is below the best one, in steps. `hours`: of audio.
    """

    tokens: tuple[str, ...]
    codes: npt.NDArray[np.uint8]
    speech: npt.NDArray[np.uint8]
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
        best = log_probs.max(axis=1)
        speech = best - likelihoods(log_probs, free_speech_of(tuple(tokens)), silent)
        speech[silent] = 0.0
        speech = np.clip(np.round((speech - _LOWEST_SPEECH) / _SPEECH_STEP), 0, 255).astype(np.uint8)
        codes = np.minimum(np.round(np.sqrt(np.minimum(-scores, DEEPEST) / DEEPEST) * _LEVELS), _LEVELS)
        codes = codes.astype(np.uint8)
        codes[silent, 1:] = _NEVER
        begins = np.flatnonzero(np.diff(silent.astype(np.int8), prepend=0) == 1)
        ends = np.flatnonzero(np.diff(silent.astype(np.int8), append=0) == -1)
        kept = ~silent
        kept[begins] = True
        long = begins[(ends + 1 - begins) * frame_seconds > pause]
        codes[long, 0] = _NEVER
        return cls(tuple(tokens), codes[kept], speech[kept], len(log_probs) * frame_seconds / 3600)

    @classmethod
    def load(cls, path: Path = BUNDLED) -> Negatives:
        """Read a file that `save` wrote. ModelError where that fails."""
        try:
            with np.load(path) as arrays:
                tokens = tuple(str(token) for token in arrays["tokens"])
                return cls(tokens, arrays["codes"], arrays["speech"], float(arrays["hours"]))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{path}: cannot read the negatives for wake words: {error}") from error

    def save(self, path: Path) -> None:
        """Write an .npz file, compressed by LZMA, which makes it a fifth smaller than NumPy would."""
        arrays = {
            "tokens": np.array(self.tokens),
            "codes": self.codes,
            "speech": self.speech,
            "hours": np.array(self.hours),
        }
        with ZipFile(path, "w", ZIP_LZMA) as file:
            for name, array in arrays.items():
                with file.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    def curve(self, chains: PhoneChains) -> AlarmCurve:
        """Of the best score of any of the phrases."""
        scores = self._scores(chains)
        windows = -len(scores) % _WINDOW
        padded = np.pad(scores, (0, windows), constant_values=-DEEPEST)
        return AlarmCurve.fitted(padded.reshape(-1, _WINDOW).max(axis=1), self.hours)

    def highest(self, chains: PhoneChains) -> float:
        """Best score of any of the phrases anywhere."""
        return float(self._scores(chains).max())

    @cached_property
    def _ratios(self) -> FloatArray:
        """float32 [rows + 1, tokens + 1]: probabilities over that of the frame in free speech; the last column, for
        "anything", is 1, and in the last row nothing else is possible.
        """
        steps = DEEPEST * (np.arange(256) / _LEVELS) ** 2
        shares = np.exp(-steps).astype(np.float32)
        shares[_NEVER] = 0.0
        ratios = np.zeros((len(self.codes) + 1, len(self.tokens) + 1), dtype=np.float32)
        ratios[:-1, :-1] = shares[self.codes] * np.exp(_LOWEST_SPEECH + _SPEECH_STEP * self.speech)[:, None]
        ratios[:, -1] = 1.0
        return ratios

    def _scores(self, chains: PhoneChains) -> FloatArray:
        """float32 [rows]: best score of a phrase that ends there, at least -DEEPEST."""
        rows = self._ratios
        nothing = len(rows) - 1
        length = -(-nothing // _LANES)
        at = np.arange(_LANES) * length
        phone = np.tile(chains.idle, (_LANES, 1))
        blank, into = np.zeros_like(phone), np.zeros_like(phone)
        inner = np.where(chains.starts, 0.0, 1.0)
        said = np.empty((_LANES, length, len(chains.first_ways)))
        for step in range(-_WARM_UP, length):
            where = at + step
            now = rows[np.where((where >= 0) & (where < nothing), where, nothing)]
            np.multiply(phone[:, :-1], chains.goes_on, out=into[:, 1:])
            into[:, 1:] += blank[:, :-1]
            blank += phone
            blank *= now[:, :1] * inner
            phone += into
            phone *= now[:, chains.labels]
            np.copyto(phone, chains.idle, where=chains.starts)
            if step >= 0:
                said[:, step] = chains.said(phone)
        scores = (np.log(np.maximum(said, LEAST)) / chains.num_phones).max(axis=-1).ravel()[:nothing]
        return np.clip(scores, -DEEPEST, 0.0).astype(np.float32)


@cache
def bundled_negatives() -> Negatives:
    """Those that come with the package."""
    return Negatives.load()


def check_tokens(tokens: Sequence[str]) -> None:
    """ModelError for a model that hears no wake words."""
    if tuple(tokens) != bundled_negatives().tokens:
        raise ModelError(
            "false alarms of wake words are known for models with the 39 ARPAbet phones only, and this model has "
            f"other tokens: {' '.join(tokens)[:80]}; take the model 'default'"
        )


def alarm_curve(phrases: str | Sequence[str], lexicon: Pronouncing, tokens: Sequence[str]) -> AlarmCurve:
    """How often other speech reaches which score of a phrase, or of any of several. Raises as the detector does."""
    check_tokens(tokens)
    negatives = bundled_negatives()
    given = [phrases] if isinstance(phrases, str) else phrases
    return negatives.curve(PhoneChains.of(given, lexicon, tokens, free_speech_of(tuple(tokens))))
