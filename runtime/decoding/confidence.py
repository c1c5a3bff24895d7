"""Path scores to probabilities: logistic regression over margins against the best free phone sequence and rivals.

Scores of the decoder are log-likelihood margins (0 = nothing beats the path). A grammar cannot hear what it does not
have, so the free phones tell other speech from a command; a command of another meaning that sounds alike is told by
its lead over that one. Source of the idea: the confusion-based rejection of Saade et al. 2018, "Spoken Language
Understanding on the Edge".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul, truediv
from typing import Any

from speech_lstm.runtime.decoding.hypothesis import Hypothesis, HypothesisWord
from speech_lstm.runtime.decoding.other_words import MOST_LEAD
from speech_lstm.runtime.errors import ModelError

FEATURES = (
    "margin", "worst_word", "log_phones", "filler", "pace", "rival", "weak_word", "evidence", "weak_evidence",
    "other_word",
)  # fmt: skip
"""margin: score per phone. worst_word: the smallest score of a word per phone; weak_word: per square root of phones,
because long words gather errors too. log_phones: log of the number of phones. filler: score lost outside the command
per frame there. pace: log of the excess over `SLOW` per phone, negated. rival: what the lead over the best rival
lacks to `CLEAR`, -1 for no lead. evidence: of all words, per phone; weak_evidence: the smallest of a word per square
root of phones. other_word: the smallest lead of a word over the other words of English in its place, in nats
(`other_words`). All but log_phones, the evidences and other_word are <= 0. Not per frame: a phone smeared over seconds
of noise has many frames that cost nothing."""

LATER: Mapping[str, float] = dict.fromkeys(("rival", "weak_word", "evidence", "weak_evidence", "other_word"), 0.0)
"""Weights of features that early models were not calibrated with."""

SLOW = 0.24
"""Seconds per phone that still are ordinary speech."""

CLEAR = 6.0
"""Lead over the best sentence of another meaning, in nats, from which on it is no rival."""

FLOOR = -8.0
"""Lowest value of a feature, so that one impossible phone does not hide everything else."""

MOST_EVIDENCE = 2.5
"""Per phone: what is clear is clear."""


def span_features(
    words: Sequence[HypothesisWord],
    score: float,
    frame_seconds: float,
    filler: float = 0.0,
    lead: float = math.inf,
    leads: Sequence[float] = (),
) -> tuple[float, ...]:
    """`FEATURES` of successive words.

    score: of their frames; filler: mean of the frames around them (<= 0); lead: over the best rival, in nats; leads:
    of each word over other words (`Sentence.leads`), none for as clear as can be.
    """
    frames = words[-1].last_frame - words[0].first_frame + 1
    counts = [len(word.phones) for word in words]
    phones, scores, evidences = sum(counts), [word.score for word in words], [word.evidence for word in words]
    roots = [math.sqrt(count) for count in counts]
    worst = min(map(truediv, scores, counts))
    weak = min(map(truediv, scores, roots))
    margin, worst, outside = (min(0.0, max(FLOOR, value)) for value in (score / phones, worst, filler))
    pace = -max(0.0, math.log(frames / phones * frame_seconds / SLOW))
    rival = min(0.0, max(-1.0, lead / CLEAR - 1))
    evidence = sum(evidences) / phones
    weak_evidence = min(map(truediv, evidences, roots))
    return (
        margin,
        worst,
        math.log(phones),
        outside,
        pace,
        rival,
        min(0.0, max(2 * FLOOR, weak)),
        min(MOST_EVIDENCE, max(FLOOR, evidence)),
        min(2 * MOST_EVIDENCE, max(2 * FLOOR, weak_evidence)),
        min(leads, default=MOST_LEAD),
    )


def command_features(
    hypothesis: Hypothesis,
    num_frames: int,
    frame_seconds: float,
    lead: float = math.inf,
    leads: Sequence[float] = (),
) -> tuple[float, ...]:
    """`FEATURES` of a whole hypothesis, which has at least one word, in that many frames."""
    outside = (hypothesis.score - hypothesis.command_score) / max(1, num_frames - hypothesis.num_frames)
    return span_features(hypothesis.words, hypothesis.command_score, frame_seconds, outside, lead, leads)


@dataclass(frozen=True)
class ConfidenceModel:
    """probability = 1 / (1 + exp(-(intercept + weights . features)))

    The default is a plausible guess for models that carry no calibration of their own.
    """

    intercept: float = 2.0
    weights: tuple[float, ...] = (0.6, 0.4, 0.5, 0.1, 2.0, 2.0, 0.1, 0.0, 0.0, 0.0)
    frame_seconds: float = 0.04

    def __post_init__(self) -> None:
        """ModelError unless there is a finite weight for each of `FEATURES`."""
        values = (self.intercept, *self.weights)
        if len(self.weights) != len(FEATURES) or not all(map(math.isfinite, values)):
            raise ModelError(f"calibration must have {len(FEATURES)} finite weights, for {', '.join(FEATURES)}")

    @classmethod
    def from_metadata(cls, calibration: Mapping[str, Any], frame_seconds: float) -> ConfidenceModel:
        """The model that `to_metadata` wrote, 0 for a feature in `LATER`; the default for an empty mapping.

        frame_seconds: of the acoustic model.

        Raises ModelError if it is malformed.
        """
        if not calibration:
            return cls(frame_seconds=frame_seconds)
        try:
            weights = {**LATER, **calibration["weights"]}
            if unknown := sorted({*calibration, *weights} - {"intercept", "weights", *FEATURES}):
                raise ValueError(f"unknown: {', '.join(unknown)}")
            return cls(float(calibration["intercept"]), tuple(float(weights[name]) for name in FEATURES), frame_seconds)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"calibration in the model's metadata is malformed: {error!r}") from None

    def to_metadata(self) -> dict[str, Any]:
        """What `ModelMetadata.calibration` holds."""
        return {"intercept": self.intercept, "weights": dict(zip(FEATURES, self.weights, strict=True))}

    def probability(self, features: Sequence[float]) -> float:
        """Of being right, 0..1. features: as `FEATURES`."""
        logit = self.intercept + sum(map(mul, self.weights, features))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))

    def command(
        self, hypothesis: Hypothesis, num_frames: int, lead: float = math.inf, leads: Sequence[float] = ()
    ) -> float:
        """Probability that exactly the words of a hypothesis were said in that many frames; 0 without words.

        lead: over the best sentence of another meaning, in nats; leads: of each word over other words.
        """
        if not hypothesis.words:
            return 0.0
        return self.probability(command_features(hypothesis, num_frames, self.frame_seconds, lead, leads))

    def span(
        self, words: Sequence[HypothesisWord], num_phones: int, lead: float = math.inf, leads: Sequence[float] = ()
    ) -> float:
        """Probability that some successive words were said, in a command of `num_phones` phones altogether.

        lead: over the best sentence that has something else there, in nats; leads: of each word over other words.
        """
        score = sum(word.score for word in words)
        margin, worst, _, *others = span_features(words, score, self.frame_seconds, lead=lead, leads=leads)
        return self.probability((margin, worst, math.log(num_phones), *others))
