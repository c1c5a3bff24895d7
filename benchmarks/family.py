"""Every recurrent cell in the same time: what each learns, what it costs, and how large it is.

    python -m benchmarks.family configs/family.toml --seconds 300                      # 0.3 M parameters each
    python -m benchmarks.family configs/family.toml --milliseconds 2 --seconds 3600    # as large as 2 ms/s of CPU allow

Each cell trains for so many seconds of CPU on one thread, from the same seed and with the same batches in the same
order: a fast one hears more of them. Its size is the largest multiple of eight within the limit, of parameters or of
CPU (int8, blocks of 10 s). A cell may come with other keys of `[model]`, `[objective]` or `[run]`, which make another
arm of the comparison: `--cells lstm lstm+seed=2 lstm+convolution=16 lstm+alignment_hours=0.7+mmi_weight=1`.
Phone error is that of `speech-lstm train`, by corpus, with the phone bigram; accuracy is that of `speech-lstm evaluate`
in the grammar of 35 words, int8. CPU is the least of several turns on a machine that should have nothing else to do.

It writes `family.jsonl`, which a run that was stopped goes on from, and a table (`family.md`) and picture from that.
Where all cells are there, only their CPU is measured anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import Config, ConfigError, ModelConfig, ObjectiveConfig, RunConfig, check, load_config
from speech_lstm.data.dataset import TrainingBatches
from speech_lstm.evaluation.evaluate import evaluate
from speech_lstm.export.checkpoint import describe, load_checkpoint
from speech_lstm.export.halve import halve
from speech_lstm.export.quantize import quantize
from speech_lstm.export.to_onnx import export_onnx
from speech_lstm.runtime.audio import SAMPLE_RATE
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model
from speech_lstm.training.schedule import alignment_weight
from speech_lstm.training.trainer import Trainer

WORDS = Path(__file__).parents[1] / "configs" / "speech_commands_35.txt"
COMMANDS = "speech_commands"
"""The corpus of the accuracy."""
TRIED_STEPS = 4
"""That tell how much audio a cell hears in a second."""
BLOCKS = {"80 ms": 0.08, "10 s": 10.0}
Row = dict[str, Any]


class SharingTrainer(Trainer):
    """A trainer that takes over the data of the first one, which decoded and pronounced it."""

    first: ClassVar[Trainer | None] = None

    def _load_data(self) -> None:
        first = SharingTrainer.first
        if first is None:
            super()._load_data()
            SharingTrainer.first = self
            return
        for name in ("audio", "examples", "dev", "bigram"):
            setattr(self, name, getattr(first, name))
        config, shared = self.config, first.batches
        self.batches = TrainingBatches(
            self.examples, shared.repeats.tolist(), self.audio, shared.augmenter, config.optimizer.streams,
            config.optimizer.stream_seconds, [config.run.seed, 0, 0], config.model.frame_ms,
            config.model.lookahead_frames,
        )  # fmt: skip
        self.model.frontend.load_state_dict(first.model.frontend.state_dict())


def with_cell(config: Config, name: str) -> Config:
    """The configuration with a cell and the other keys that its name says: "lstm+convolution=16+seed=2"."""
    cell, *changes = name.split("+")
    if cell not in CELLS:
        raise ConfigError(f"no cell {cell!r}; there are {', '.join(CELLS)}")
    model, objective, run = tables = [dataclasses.asdict(each) for each in (config.model, config.objective, config.run)]
    model["cell"] = cell
    for change in changes:
        key, _, value = change.partition("=")
        table = next((table for table in tables if key in table), model)
        table[key] = json.loads(value) if value.replace(".", "").isdigit() else value
    if model["mels"] != config.model.mels:
        raise ConfigError("all cells hear the same features; change mels in the configuration")
    path = Path(name)
    return dataclasses.replace(
        config,
        model=check(ModelConfig, model, path),
        objective=check(ObjectiveConfig, objective, path),
        run=check(RunConfig, run, path),
    )


def size_within(config: ModelConfig, fits: Callable[[AcousticModel], bool]) -> int:
    """The largest multiple of eight at which a model fits."""

    def fitting(eights: int) -> bool:
        return fits(AcousticModel(len(TOKENS), **(dataclasses.asdict(config) | {"hidden": 8 * eights})).eval())

    low, high = 1, 2
    while fitting(high):
        low, high = high, 2 * high
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if fitting(middle) else (low, middle)
    return 8 * low


def parameters(model: AcousticModel) -> int:
    """Trained numbers in a model."""
    return sum(parameter.numel() for parameter in model.parameters())


def export(model: AcousticModel, folder: Path) -> tuple[Path, Path]:
    """Its fp32 and int8 files."""
    fp32, int8 = folder / "fp32.onnx", folder / "int8.onnx"
    export_onnx(model, describe(model), fp32)
    quantize(fp32, int8)
    halve(fp32)
    return fp32, int8


def cpu(path: Path, block_seconds: float, turns: int = 5, seconds: float = 10.0) -> float:
    """Milliseconds of CPU per second of audio, the least of some turns."""
    model = Model.load(path, "cpu")
    samples = round(block_seconds * SAMPLE_RATE / model.metadata.chunk_samples) * model.metadata.chunk_samples
    audio = 0.1 * np.random.default_rng(0).standard_normal((1, samples)).astype(np.float32)
    state, count, least = model.initial_state(), max(1, round(seconds / block_seconds)), float("inf")
    for _ in range(turns):
        began = time.process_time()
        for _ in range(count):
            model.run(audio, state)
        least = min(least, time.process_time() - began)
    return 1000 * least / (count * samples / SAMPLE_RATE)


def heard_in(config: Config, base: Path, seconds: float) -> float:
    """Hours of audio that a cell hears in so much CPU, by a few steps of a trainer that is thrown away."""
    trainer = SharingTrainer(config, base)
    weight = alignment_weight(config.objective, config.optimizer.hours / 2)
    batches, used, audio = iter(trainer.batches), 0.0, 0.0
    for step in range(TRIED_STEPS + 1):
        began = time.process_time()
        batch = next(batches)
        trainer.objective(batch, weight, 0.0).backward()
        trainer.optimizers.step(0.0)
        if step:  # the first makes its kernels
            used, audio = used + time.process_time() - began, audio + batch.seconds
    return seconds / used * audio / 3600


def measure(config: Config, base: Path, name: str, seconds: float, clips: int, out: Path) -> Row:
    """Train one cell and count what it hears."""
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was stopped
    config = dataclasses.replace(config, run=dataclasses.replace(config.run, folder=str(folder.resolve())))
    hours = heard_in(config, base, seconds)
    labelled = config.objective.alignment_hours / config.optimizer.hours  # part of the run
    config = dataclasses.replace(
        config,
        optimizer=dataclasses.replace(config.optimizer, hours=hours),
        objective=dataclasses.replace(config.objective, alignment_hours=hours * labelled),
    )
    trainer, began = SharingTrainer(config, base), time.process_time()
    trainer.run()  # with the evaluation at its end
    spent = time.process_time() - began
    errors = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    model, _ = load_checkpoint(trainer.checkpoint)
    fp32, int8 = export(model, folder)
    recognizer = Recognizer(WORDS, model=Model.load(int8, "cpu"))
    manifests = [base / path for path in config.data.manifests if (base / path).parent.name == COMMANDS]
    accuracy = [score.accuracy for score in evaluate(recognizer.model, manifests, "dev", recognizer, limit=clips)]
    corpora = {example.utterance.corpus for example in trainer.dev}
    return {
        "cell": name, "hidden": config.model.hidden, "layers": config.model.layers, "parameters": parameters(model),
        "budget": seconds, "cpu_seconds": round(spent, 1), "hours": round(trainer.progress.hours, 3),
        "errors": {corpus: errors[corpus] for corpus in sorted(corpora)},
        "accuracy": accuracy[0] if accuracy else None,
        "megabytes": {"fp32": fp32.stat().st_size / 1e6, "int8": int8.stat().st_size / 1e6},
    }  # fmt: skip


def table(rows: Iterable[Row]) -> str:
    """Markdown, the best phone error first."""
    rows = sorted(rows, key=mean_error)
    corpora = list(rows[0]["errors"])
    heads = ["cell", "size", "parameters", "audio/min, h", "heard, h", "phone error", *corpora, "35 words"]
    heads += [f"{kind}, {block}" for kind in ("fp32", "int8") for block in BLOCKS] + ["int8, MB"]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for row in rows:
        cells = [row["cell"], f"{row['layers']} x {row['hidden']}", f"{row['parameters'] / 1e6:.2f} M"]
        cells += [f"{60 * row['hours'] / row['budget']:.1f}", f"{row['hours']:.1f}", f"{mean_error(row):.1%}"]
        cells += [f"{row['errors'][corpus]:.1%}" for corpus in corpora]
        cells.append("" if row["accuracy"] is None else f"{row['accuracy']:.1%}")
        cells += [f"{row['cpu'][kind][block]:.2f}" for kind in ("fp32", "int8") for block in BLOCKS]
        cells.append(f"{row['megabytes']['int8']:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def mean_error(row: Row) -> float:
    """Phone error, every corpus as important as the others."""
    return float(np.mean(list(row["errors"].values())))


def plot(rows: Sequence[Row], target: Path) -> None:
    """Phone error against CPU and against the audio heard."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for row in rows:
        error = 100 * mean_error(row)
        for axis, at in ((left, row["cpu"]["int8"]["10 s"]), (right, row["hours"])):
            axis.plot(at, error, "o", color="tab:blue")
            axis.annotate(
                row["cell"].replace("+", "\n+"), (at, error), xytext=(4, 4), textcoords="offset points", fontsize=8
            )
    left.set(xlabel="CPU, int8, 10 s at a time, ms per second of audio", ylabel="phone error, mean of corpora, %")
    right.set(xlabel="hours of audio heard in the same CPU time")
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.margins(0.2)
    figure.savefig(target, dpi=110)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, measure CPU, write table and picture; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.family", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--cells", nargs="+", default=sorted(CELLS), metavar="CELL", help="default: all of CELLS")
    parser.add_argument("--seconds", type=float, default=300.0, help="of CPU for each (default: %(default)s)")
    parser.add_argument("--parameters", type=float, default=0.3e6, help="at most (default: %(default)s)")
    parser.add_argument("--milliseconds", type=float, help="of CPU per second of audio at most, instead of parameters")
    parser.add_argument("--clips", type=int, default=400, help="of the accuracy (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/family"))
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    log, base = args.out / "family.jsonl", args.config.resolve().parent
    known = list(map(json.loads, log.read_text().splitlines())) if log.exists() else []
    rows: dict[str, Row] = {row["cell"]: row for row in known}
    config = load_config(args.config)

    def fits(model: AcousticModel) -> bool:
        if args.milliseconds is None:
            return parameters(model) <= args.parameters
        return cpu(export(model, args.out)[1], BLOCKS["10 s"], turns=2) <= args.milliseconds

    arms: dict[str, Config] = {}
    for name in args.cells:  # all sizes first: only they need a machine with nothing else to do
        if name not in rows:
            one = with_cell(config, name)
            size = size_within(one.model, fits)
            arms[name] = dataclasses.replace(one, model=dataclasses.replace(one.model, hidden=size))
            print(f"{name}: {size}", file=sys.stderr)
    for name, one in arms.items():
        rows[name] = measure(one, base, name, args.seconds, args.clips, args.out)
        with log.open("a") as file:
            file.write(json.dumps(rows[name]) + "\n")
        print(json.dumps(rows[name]), file=sys.stderr)
    for name, row in rows.items():
        files = {kind: args.out / name / f"{kind}.onnx" for kind in ("fp32", "int8")}
        row["cpu"] = {kind: {b: round(cpu(file, s), 3) for b, s in BLOCKS.items()} for kind, file in files.items()}
    log.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    (args.out / "family.md").write_text(table(rows.values()))
    plot(list(rows.values()), args.out / "family.png")
    print(table(rows.values()), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
