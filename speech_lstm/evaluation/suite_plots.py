"""The results of a suite as one PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speech_lstm.evaluation import commands, phones, wake


def plot(results: Mapping[str, Any], path: Path) -> None:
    """Four panels: against noise, rooms and late streams, acceptance, missed wake words. Needs matplotlib."""
    from matplotlib.figure import Figure

    overall = [row for row in results["rows"] if not row["corpus"] and not row["group"]]
    tests = list(dict.fromkeys(row["test"] for row in overall))
    figure = Figure(figsize=(13, 9), layout="constrained")
    noise, late, accepted, missed = figure.subplots(2, 2).ravel()
    for test in tests:
        rows = [row for row in overall if row["test"] == test]
        if test.startswith("wake word"):
            _by_noise(missed, [row for row in rows if row["measure"] == wake.MISSED_AS_SHIPPED], test)
        else:
            main = [row for row in rows if row["measure"] == _main(test)]
            _by_noise(noise, main, f"{test}: {_main(test)}")
            _by_condition(late, main, f"{test}: {_main(test)}")
    for test, curves in results["curves"].items():
        for condition, curve in curves.items():
            if curve["right"] and curve["outside"] and ("dB" in condition or condition == "clean"):
                accepted.plot(_percent(curve["outside"]), _percent(curve["right"]), label=f"{test}, {condition}")
    noise.set(title="noise", ylabel="%")
    late.set(title="rooms and late streams", ylabel="%")
    accepted.set(title="every threshold", xlabel="others accepted, %", ylabel="right and accepted, %")
    missed.set(title=wake.MISSED_AS_SHIPPED, ylabel="%")
    for axes in (noise, late, accepted, missed):
        axes.grid(alpha=0.3)
        axes.set_ylim(0, None)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7)
    figure.suptitle(f"{results['model']['file']}, {results['suite']}; bars: 95 % intervals")
    figure.savefig(path, dpi=100)


def _main(test: str) -> str:
    return phones.MEASURE if test == phones.TEST else commands.RIGHT_ACCEPTED


def _by_noise(axes: Any, rows: Sequence[Mapping[str, Any]], label: str) -> None:
    for noise in dict.fromkeys(row["noise"] for row in rows if row["noise"]):
        part = [row for row in rows if row["condition"] == "clean" or row["noise"] == noise]
        _points(axes, [f"{row['snr_db']:g} dB" if row["noise"] else "clean" for row in part], part, f"{label}, {noise}")


def _by_condition(axes: Any, rows: Sequence[Mapping[str, Any]], label: str) -> None:
    part = [row for row in rows if not row["noise"]]
    _points(axes, [row["condition"] for row in part], part, label)
    axes.tick_params(axis="x", labelrotation=75, labelsize=7)


def _points(axes: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]], label: str) -> None:
    values = _percent([row["value"] for row in rows])
    below = [value - 100 * row["low"] for value, row in zip(values, rows, strict=True)]
    above = [100 * row["high"] - value for value, row in zip(values, rows, strict=True)]
    spans = [[max(0.0, each) for each in part] for part in (below, above)]
    axes.errorbar(names, values, yerr=spans, marker="o", markersize=3, capsize=2, linewidth=1, label=label)


def _percent(shares: Sequence[float]) -> list[float]:
    return [100 * share for share in shares]
