"""CPU of one stream that hears recordings one after the other, half a second of silence between: network and the rest.

    python -m benchmarks.streams --grammar GRAMMAR MANIFEST        a grammar
    python -m benchmarks.streams --phrases 100 MANIFEST            so many texts of the manifest
    python -m benchmarks.streams ... --wake-word "hey jarvis"      while nobody says the wake word
    python -m benchmarks.streams ... --other FOLDER                beside another checkout, in turn with it

Least of several repetitions, in turn, because other programs of the machine slow all down. A decision is what a call
of `Stream.accept` that gives a Command or Rejected costs beyond one that gives nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import speech_lstm as sl
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model

GAP_SECONDS = 0.5


class TimedModel(Model):
    """A model that counts the CPU seconds of its calls."""

    def __init__(self, model: Model) -> None:
        self.__dict__.update(model.__dict__)
        self.seconds = 0.0

    def run(self, *arguments: Any) -> Any:
        """See `Model`."""
        begin = time.process_time()
        result = super().run(*arguments)
        self.seconds += time.process_time() - begin
        return result


def rows(manifest: Path, limit: int) -> list[dict[str, Any]]:
    """Of the dev split, or all where there is none."""
    found = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return ([row for row in found if row.get("split") == "dev"] or found)[:limit]


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds of CPU per second of audio, and per decision."""
    chosen = rows(args.manifest, args.clips)
    grammar: Any = args.grammar
    if args.phrases:
        grammar = list(dict.fromkeys(row["text"] for row in rows(args.manifest, 10**6)))[: args.phrases]
    model = TimedModel(Model.load(args.model, device="cpu"))
    recognizer = Recognizer(grammar=grammar, model=model, wake_word=args.wake_word)
    gap = np.zeros(round(GAP_SECONDS * SAMPLE_RATE), np.float32)
    audio = [part for row in chosen for part in (sl.read_audio(args.manifest.parent / row["audio_filepath"]), gap)]
    heard = np.concatenate(audio)
    piece = round(args.piece_ms * SAMPLE_RATE / 1000)
    stream = recognizer.stream()
    plain: list[float] = []
    deciding: list[float] = []
    started = time.process_time()
    for at in range(0, len(heard), piece):
        begin, network = time.process_time(), model.seconds
        events = stream.accept(heard[at : at + piece])
        spent = time.process_time() - begin - (model.seconds - network)
        (deciding if any(type(e).__name__ in ("Command", "Rejected") for e in events) else plain).append(spent)
    total, seconds = time.process_time() - started, len(heard) / SAMPLE_RATE
    return {
        "total": 1000 * total / seconds,
        "network": 1000 * model.seconds / seconds,
        "decision": 1000 * (median(deciding) - median(plain)) if deciding else 0.0,
        "decisions": len(deciding),
        "seconds": seconds,
    }


def least(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of each measure."""
    return {name: min(run[name] for run in runs) for name in runs[0]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, or with --once one measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--grammar", type=Path)
    parser.add_argument("--phrases", type=int, default=0)
    parser.add_argument("--wake-word")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--piece-ms", type=float, default=80.0, help="audio in a call of accept (default: %(default)g)")
    parser.add_argument("--model", default="default", help="name of a shipped model, or an .onnx file")
    parser.add_argument("--other", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if (args.grammar is None) == (not args.phrases):
        parser.error("give --grammar or --phrases")
    if args.once:
        print(json.dumps(measure(args)))
        return 0
    options = list(sys.argv[1:] if arguments is None else arguments)
    found: dict[Path, list[dict[str, float]]] = {path: [] for path in [*args.other, Path.cwd()]}
    for _ in range(args.repeats):
        for checkout, runs in found.items():
            command = [sys.executable, str(Path(__file__).resolve()), *options, "--once"]
            environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout))
    print(
        "| checkout | CPU, ms/s | network | the rest | a decision, ms | decisions in |\n|---|---:|---:|---:|---:|---:|"
    )
    for checkout, runs in found.items():
        best = least(runs)
        rest = min(run["total"] - run["network"] for run in runs)
        cells = [f"{value:.2f}" for value in (best["total"], best["network"], rest)] + [f"{best['decision']:.1f}"]
        print(f"| {checkout.resolve().name} | {' | '.join(cells)} | {best['decisions']:g} in {best['seconds']:.0f} s |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
