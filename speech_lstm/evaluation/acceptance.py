"""What the confidence is worth: commands, other speech, near misses, noise, silence and music, by what is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_lstm.evaluation.calibrate import NEAR_MISS, equal_weights
from speech_lstm.evaluation.suite import Acceptance, Suite, matching
from speech_lstm.evaluation.trials import Trial, make_trials
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import Result

SENTENCE = "sentence"
NEAR_MISS_ACCEPTANCE = 0.9
"""Of the right sentences, where near misses are counted."""


@dataclass(frozen=True)
class Outcome:
    """Of a trial: its kind, whether the grammar had what was said, whether it was understood, and how sure that is."""

    kind: str
    inside: bool
    right: bool
    confidence: float


class Listener:
    """Recognises clips in changing grammars. The rival of a command counts for all, not only for accepted ones."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._grammar: tuple[str, ...] = ()

    def result(self, log_probs: NDArray[np.float32], phrases: tuple[str, ...]) -> Result:
        """The best of the phrases."""
        if phrases != self._grammar:
            self.recognizer, self._grammar = self.recognizer.with_grammar(phrases), phrases
        return self.recognizer.decode(log_probs, threshold=0.0)

    def outcome(self, trial: Trial) -> Outcome:
        """What becomes of a trial."""
        result = self.result(trial.log_probs, trial.phrases)
        return Outcome(trial.kind, trial.inside, trial.inside and result.text == trial.said, result.confidence)


def acceptance_table(outcomes: Iterable[Outcome], threshold: float) -> str:
    """What is accepted of every kind."""
    lines = ["| heard | trials | in the grammar | understood | right and accepted | wrong and accepted |"]
    lines.append("|---|---:|:---:|---:|---:|---:|")
    kinds: dict[tuple[str, bool], list[Outcome]] = {}
    for outcome in outcomes:
        kinds.setdefault((outcome.kind, outcome.inside), []).append(outcome)
    for (kind, inside), group in kinds.items():
        right = np.array([outcome.right for outcome in group])
        accepted = np.array([outcome.confidence >= threshold for outcome in group])
        shares = [right.mean(), (right & accepted).mean(), (~right & accepted).mean()]
        cells = [f"{share:.1%}" if inside or number == 2 else "" for number, share in enumerate(shares)]
        lines.append(f"| {kind} | {len(group)} | {'yes' if inside else 'no'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def reliability(outcomes: Sequence[Outcome], bins: int = 10) -> list[tuple[float, float, int]]:
    """Mean confidence, share of right ones and number of trials in every tenth of confidence that has some.

    Weighed as in calibration: half of what is heard is right, and every kind is as frequent as the others.
    """
    right = np.array([outcome.right for outcome in outcomes])
    confidence = np.array([outcome.confidence for outcome in outcomes])
    weights = equal_weights(np.array([outcome.kind for outcome in outcomes]), right)
    found = []
    for number in range(bins):
        inside = np.minimum((confidence * bins).astype(int), bins - 1) == number
        if weights[inside].sum() > 0:
            mean, share = (float(np.average(values[inside], weights=weights[inside])) for values in (confidence, right))
            found.append((mean, share, int(inside.sum())))
    return found


def measured(
    suite: Suite, options: Acceptance, model: Model, recognition: RecognizerOptions, most: int
) -> dict[str, Any]:
    """Shares by kind of trial at the threshold, near misses at 90 % acceptance, and the reliability, for JSON."""
    listener = Listener(Recognizer(["yes"], model=model, options=replace(recognition, alternatives=0)))
    threshold = listener.recognizer.interpreter.threshold
    words, sentences = suite.all_located(options.words), suite.all_located(options.sentences)
    noise = matching(suite.path.parent, options.noise)
    trials = make_trials(model, words, sentences, noise, most, held_out=True, seed=suite.seed)
    outcomes = [listener.outcome(trial) for trial in trials]
    kinds: dict[tuple[str, bool], list[Outcome]] = {}
    for outcome in outcomes:
        kinds.setdefault((outcome.kind, outcome.inside), []).append(outcome)
    rows = []
    for (kind, inside), group in kinds.items():
        right = np.array([outcome.right for outcome in group])
        accepted = np.array([outcome.confidence >= threshold for outcome in group])
        row: dict[str, Any] = {"kind": kind, "inside": inside, "trials": len(group)}
        row["wrong"] = round(float((~right & accepted).mean()), 5)
        if inside:
            row |= {"understood": round(float(right.mean()), 5), "right": round(float((right & accepted).mean()), 5)}
        rows.append(row)
    return {
        "threshold": threshold,
        "kinds": rows,
        "near misses at 90 % acceptance": near_misses(outcomes),
        "reliability": [[round(mean, 4), round(share, 4), count] for mean, share, count in reliability(outcomes)],
    }


def near_misses(outcomes: Iterable[Outcome]) -> float | None:
    """Share of them accepted at the threshold that accepts 90 % of the right sentences; None without either."""
    found = list(outcomes)
    right = [each.confidence for each in found if each.kind == SENTENCE and each.right]
    near = [each.confidence for each in found if each.kind == NEAR_MISS]
    if not right or not near:
        return None
    return round(float(np.mean(np.array(near) >= np.quantile(right, 1 - NEAR_MISS_ACCEPTANCE))), 5)
