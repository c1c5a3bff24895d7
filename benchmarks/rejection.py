"""Is the confidence a probability, and what is accepted: commands, other speech, noise, silence, music, near misses?

    python -m benchmarks.rejection --words MANIFEST ... --sentences MANIFEST ... --noise MANIFEST --limit 200

Prints the tables of docs/rejection.md and draws its plot, on dev clips of speakers that calibration
(`speech_lstm.evaluation.calibrate`) does not use. The first manifest of words is the one for the 35 phrases; all of its
dev clips count there.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech_lstm.data.corpus import read_manifest
from speech_lstm.evaluation.acceptance import Listener, acceptance_table, near_misses, reliability
from speech_lstm.evaluation.trials import dev_rows, is_held_out, make_trials, posteriors
from speech_lstm.runtime.live.recognizer import Recognizer

ROTATIONS = 5
"""Ways to halve the words into those inside and those outside of the grammar."""

RIGHT_SHARE = 0.9
"""Of the rightly recognised words, accepted where the words outside are counted."""


def plot(table: Sequence[tuple[float, float, int]], path: Path) -> None:
    """The reliability as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout="tight")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], ":", color="grey", label="a perfect probability")
    axes.plot([mean for mean, _, _ in table], [share for _, share, _ in table], "o-", label="held-out speakers")
    for mean, share, count in table:
        axes.annotate(str(count), (mean, share), textcoords="offset points", xytext=(6, -10), fontsize=7)
    axes.set(xlabel="confidence", ylabel="share that was right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.savefig(path, dpi=120)


def words_right(listener: Listener, clips: Sequence[tuple[str, NDArray[np.float32]]], words: tuple[str, ...]) -> float:
    """Share of clips that are understood as one of the words."""
    return float(np.mean([listener.result(heard, words).text == said for said, heard in clips]))


def outside_accepted(
    listener: Listener, clips: Sequence[tuple[str, NDArray[np.float32]]], words: Sequence[str]
) -> list[float]:
    """For each way to halve the words that has clips of both halves: the share of those outside that is accepted."""
    shares = []
    for rotation in range(ROTATIONS):
        shift = rotation * len(words) // ROTATIONS
        inside = tuple([*words[shift:], *words[:shift]][: len(words) // 2])
        results = [(said, listener.result(heard, inside)) for said, heard in clips]
        right = [result.confidence for said, result in results if result.text == said]
        outside = [result.confidence for said, result in results if said not in inside]
        if right and outside:
            shares.append(float(np.mean(np.array(outside) >= np.quantile(right, 1 - RIGHT_SHARE))))
    return shares


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and draw the plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rejection", description="Measure the confidence.")
    for kind in ("words", "sentences", "noise"):
        parser.add_argument(f"--{kind}", nargs="+", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--limit", type=int, default=10_000, help="so many clips of each kind at most")
    parser.add_argument("--plot", type=Path, default=Path("docs/rejection.png"), help="(default: %(default)s)")
    args = parser.parse_args(arguments)
    recognizer = Recognizer(["yes"], model=args.model, device="cpu")
    listener, threshold = Listener(recognizer), recognizer.interpreter.threshold
    trials = make_trials(recognizer.model, args.words, args.sentences, args.noise, args.limit, held_out=True)
    outcomes = [listener.outcome(trial) for trial in trials]
    print(f"Accepted at {threshold:.2f}:\n\n{acceptance_table(outcomes, threshold)}\n", flush=True)
    if (near := near_misses(outcomes)) is not None:
        print(f"Where {RIGHT_SHARE:.0%} of the right sentences are accepted, {near:.1%} of the near misses are.\n")
    table = reliability(outcomes)
    print("| confidence | right | trials |\n|---:|---:|---:|")
    print("\n".join(f"| {mean:.2f} | {share:.2f} | {count} |" for mean, share, count in table), flush=True)
    plot(table, args.plot)

    rows = dev_rows(args.words[:1], guessed=True)
    words = tuple(sorted({utterance.text for utterance in read_manifest(args.words[0])}))
    rows = random.Random(0).sample(rows, min(args.limit, len(rows)))
    clips = [(row["text"], posteriors(recognizer.model, row["audio_filepath"])) for row in rows]
    print(f"\n{len(clips)} clips of {len(words)} words as phrases: {words_right(listener, clips, words):.1%} right")
    held_out = [clip for clip, row in zip(clips, rows, strict=True) if is_held_out(row)]
    shares = outside_accepted(listener, held_out, words) or [math.nan]
    print(
        f"half of the words outside the grammar, {len(held_out)} clips: at {RIGHT_SHARE:.0%} acceptance of the right "
        f"ones {np.mean(shares):.1%} of those outside are accepted "
        f"({min(shares):.1%} to {max(shares):.1%} in {len(shares)} ways to halve)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
