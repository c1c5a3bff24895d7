"""Loss and phone error of training runs that went on from each other, as a picture.

    python -m benchmarks.learning_curve runs/first/log.jsonl runs/second/log.jsonl -o docs/learning_curve.png

The logs are those of `speech-lstm train`: hours of audio, mean loss a frame, and now and then phone error on dev clips.
Needs the [dev] extra.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from speech_lstm.runtime.errors import SpeechLstmError

SMOOTHED_HOURS = 3.0
NO_CORPORA = frozenset(("step", "hours", "seconds", "loss", "rate"))


@dataclass
class Curve:
    """Points of all runs, hours added up. `ends`: hours at which a run ended; `errors`: corpus -> hours, share."""

    hours: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    errors: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """A run that goes on from those before."""
        begin = self.ends[-1] if self.ends else 0.0
        for row in rows:
            at = begin + row["hours"]
            if "loss" in row:
                self.hours.append(at)
                self.loss.append(row["loss"])
            for corpus in row.keys() - NO_CORPORA:
                self.errors.setdefault(corpus, []).append((at, row[corpus]))
        self.ends.append(begin + rows[-1]["hours"])

    def smoothed(self) -> list[float]:
        """Mean of the losses in the hours before each."""
        hours, loss = np.array(self.hours), np.array(self.loss)
        begins = [0.0, *self.ends]
        runs = np.searchsorted(begins, hours, side="left")
        return [
            float(loss[(hours <= at) & (hours > at - SMOOTHED_HOURS) & (runs == run)].mean())
            for at, run in zip(hours, runs, strict=True)
        ]


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of a log. SpeechLstmError where it cannot be read or has none."""
    try:
        rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise SpeechLstmError(f"{path}: no log of a training run: {error}") from error
    if not rows or any("hours" not in row for row in rows):
        raise SpeechLstmError(f"{path}: no log of a training run: rows with hours are missing")
    return rows


def plot(curve: Curve, path: Path) -> None:
    """Loss above, phone error below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(curve.hours, curve.loss, color="lightgrey", linewidth=0.7)
    smooth = curve.smoothed()
    for begin, end in pairwise([0.0, *curve.ends]):
        inside = [number for number, at in enumerate(curve.hours) if begin < at <= end]
        above.plot([curve.hours[n] for n in inside], [smooth[n] for n in inside], color="tab:blue")
    above.set(ylabel="loss, nats a frame")
    for corpus, points in sorted(curve.errors.items()):
        below.plot([at for at, _ in points], [100 * share for _, share in points], "o-", markersize=3, label=corpus)
    below.set(xlabel="hours of audio", ylabel="phone error on dev clips, %", ylim=(0, None))
    figure.legend(loc="outside right lower", fontsize="small")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        for end in curve.ends[:-1]:
            axes.axvline(end, color="grey", linestyle=":")
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the picture; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning_curve", description=__doc__.split("\n")[0])
    parser.add_argument("logs", nargs="+", type=Path, metavar="JSONL", help="of runs that went on from each other")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/learning_curve.png"), metavar="PNG")
    args = parser.parse_args(arguments)
    curve = Curve()
    try:
        for path in args.logs:
            curve.add(read_log(path))
    except SpeechLstmError as error:
        print(f"learning_curve: error: {error}", file=sys.stderr)
        return 1
    plot(curve, args.output)
    print(f"{args.output}: {curve.ends[-1]:.0f} hours of audio in {len(curve.ends)} runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
