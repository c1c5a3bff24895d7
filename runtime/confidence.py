"""Path scores to probabilities: logistic regression over margins against the best free phone sequence.

Scores of the decoder are log-likelihood margins (0 = nothing beats the path). Source of the idea: the confusion-based
rejection of Saade et al. 2018, "Spoken Language Understanding on the Edge".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.nbest import Hypothesis, HypothesisWord

FEATURES = ("margin", "worst_word", "log_phones", "filler", "pace")
"""Margin per phone, the smallest one of a word, log of the number of phones, score lost outside the command per frame
there, and log of the excess over `SLOW` frames per phone, negated. All but the third are <= 0. Not per frame: a phone
smeared over seconds of noise has many frames that cost nothing."""

SLOW = 6.0
"""Frames per phone (0.24 s) that still are ordinary speech."""

FLOOR = -8.0
"""Lowest value of a feature, so that one impossible phone does not hide everything else."""


def span_features(words: Sequence[HypothesisWord], score: float, filler: float = 0.0) -> tuple[float, ...]:
    """`FEATURES` of successive words. score: of their frames; filler: mean of the frames around them (<= 0)."""
    frames = words[-1].last_frame - words[0].first_frame + 1
    phones = sum(word.num_phones for word in words)
    margins = (score / phones, min(word.score / word.num_phones for word in words), filler)
    margin, worst, outside = (min(0.0, max(FLOOR, value)) for value in margins)
    return margin, worst, math.log(phones), outside, -max(0.0, math.log(frames / phones / SLOW))


def command_features(hypothesis: Hypothesis, num_frames: int) -> tuple[float, ...]:
    """`FEATURES` of a whole hypothesis, which has at least one word, in that many frames."""
    outside = (hypothesis.score - hypothesis.command_score) / max(1, num_frames - hypothesis.num_frames)
    return span_features(hypothesis.words, hypothesis.command_score, outside)


@dataclass(frozen=True)
class ConfidenceModel:
    """probability = 1 / (1 + exp(-(intercept + weights . features)))

    The default is a plausible guess for models that carry no calibration of their own.
    """

    intercept: float = 2.0
    weights: tuple[float, ...] = (0.6, 0.4, 0.5, 0.1, 2.0)

    def __post_init__(self) -> None:
        """ModelError unless there is a finite weight for each of `FEATURES`."""
        values = (self.intercept, *self.weights)
        if len(self.weights) != len(FEATURES) or not all(map(math.isfinite, values)):
            raise ModelError(f"calibration must have {len(FEATURES)} finite weights, for {', '.join(FEATURES)}")

    @classmethod
    def from_metadata(cls, calibration: Mapping[str, Any]) -> ConfidenceModel:
        """The model that `to_metadata` wrote; the default for an empty mapping. ModelError if it is malformed."""
        if not calibration:
            return cls()
        try:
            weights = tuple(float(calibration["weights"][name]) for name in FEATURES)
            return cls(float(calibration["intercept"]), weights)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"calibration in the model's metadata is malformed: {error!r}") from None

    def to_metadata(self) -> dict[str, Any]:
        """What `ModelMetadata.calibration` holds."""
        return {"intercept": self.intercept, "weights": dict(zip(FEATURES, self.weights, strict=True))}

    def probability(self, features: Sequence[float]) -> float:
        """Of being right, 0..1. features: as `FEATURES`."""
        logit = self.intercept + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))

    def command(self, hypothesis: Hypothesis, num_frames: int) -> float:
        """Probability that exactly the words of a hypothesis were said in that many frames; 0 without words."""
        return self.probability(command_features(hypothesis, num_frames)) if hypothesis.words else 0.0

    def span(self, words: Sequence[HypothesisWord], num_phones: int) -> float:
        """Probability that some successive words were said, in a command of `num_phones` phones altogether."""
        margin, worst, _, outside, pace = span_features(words, sum(word.score for word in words))
        return self.probability((margin, worst, math.log(num_phones), outside, pace))
