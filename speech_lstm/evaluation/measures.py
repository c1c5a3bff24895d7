"""What was counted on each clip, gathered into shares with intervals: by condition, corpus and group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speech_lstm.evaluation.bootstrap import Count, change, estimate
from speech_lstm.evaluation.clips import Clip
from speech_lstm.evaluation.conditions import CLEAN, Condition
from speech_lstm.evaluation.suite import Suite


@dataclass(frozen=True)
class Observation:
    """Of one clip in one condition: `hits` of `total`, phone errors of phones or 0 or 1 of one clip."""

    test: str
    measure: str
    condition: Condition
    clip: Clip
    hits: float
    total: float = 1.0


def gathered(observations: Iterable[Observation], suite: Suite) -> list[dict[str, Any]]:
    """A row for every share, in the order in which they were observed: all clips, then each corpus and each group.

    A row has test, measure, the condition's fields and name, corpus and group ("" for all), value, low, high, clips,
    units, and, but for the clean ones, the change from clean on the same clips with its interval.
    """
    cells: dict[tuple[str, str, str, str], dict[Condition, list[Count]]] = {}
    for seen in observations:
        count = Count(seen.clip.name, seen.clip.speaker, seen.hits, seen.total)
        for corpus, group in dict.fromkeys([("", ""), (seen.clip.corpus, ""), ("", seen.clip.group)]):
            cell = cells.setdefault((seen.test, seen.measure, corpus, group), {})
            cell.setdefault(seen.condition, []).append(count)
    rows = []
    for (test, measure, corpus, group), by_condition in cells.items():
        base = by_condition.get(CLEAN, [])
        for condition, counts in by_condition.items():
            found = estimate(counts, suite.resamples, suite.seed)
            row = {"test": test, "measure": measure, "corpus": corpus, "group": group, "condition": condition.name}
            row |= asdict(condition) | _rounded(asdict(found))
            difference = change(counts, base, suite.resamples, suite.seed) if condition != CLEAN else None
            if difference:
                row |= {f"change{'' if key == 'value' else '_' + key}": value for key, value in _rounded(
                    {"value": difference.value, "low": difference.low, "high": difference.high}).items()}  # fmt: skip
            rows.append(row)
    return rows


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in values.items()}


def acceptance_curve(heard: Sequence[tuple[float, bool, bool]], steps: int = 50) -> dict[str, list[float]]:
    """What each threshold from 0 to 1 accepts. heard: confidence, whether the grammar has it, whether it is right.

    Shares: "right" and "wrong" of the clips inside the grammar, "outside" of the others; empty where there are none.
    """
    inside = [(confidence, right) for confidence, known, right in heard if known]
    outside = [confidence for confidence, known, _ in heard if not known]
    thresholds = [step / steps for step in range(steps + 1)]

    def shares(confidences: Sequence[float], total: int) -> list[float]:
        return [round(sum(c >= threshold for c in confidences) / total, 5) for threshold in thresholds] if total else []

    return {
        "threshold": thresholds,
        "right": shares([c for c, right in inside if right], len(inside)),
        "wrong": shares([c for c, right in inside if not right], len(inside)),
        "outside": shares(outside, len(outside)),
    }
