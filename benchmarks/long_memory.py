"""Long memory of each cell: the adding problem and delayed recall, by the distance that has to be bridged.

Adding (Hochreiter & Schmidhuber 1997, section 5.4): of a sequence of random numbers two are marked, and their sum is
asked at the end. Recall: which of eight symbols was shown at the beginning is asked after a pause of noise. A layer of
each cell is trained for the same time; the gradient norm is that of the loss by the first input, relative to the last.

    python -m benchmarks.long_memory --seconds 60 --out runs/long_memory
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells import CELLS

SYMBOLS = 8
Task = Callable[[int, int, torch.Generator], tuple[Tensor, Tensor]]


def adding(batch: int, lag: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Inputs [batch, lag, 2]: a number and a mark; the sums of the two marked numbers [batch, 1]. One mark is early."""
    x = torch.zeros(batch, lag, 2)
    x[:, :, 0] = torch.rand(batch, lag, generator=random)
    rows = torch.arange(batch)
    early = torch.randint(0, max(1, lag // 10), (batch,), generator=random)
    late = torch.randint(lag // 2, lag, (batch,), generator=random)
    x[rows, early, 1] = x[rows, late, 1] = 1.0
    return x, (x[:, :, 0] * x[:, :, 1]).sum(1, keepdim=True)


def recall(batch: int, lag: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Inputs [batch, 1 + lag, 8]: a symbol, then noise; the symbols [batch]."""
    symbols = torch.randint(0, SYMBOLS, (batch,), generator=random)
    x = 0.1 * torch.randn(batch, 1 + lag, SYMBOLS, generator=random)
    x[:, 0] = nn.functional.one_hot(symbols, SYMBOLS).float()
    return x, symbols


TASKS: dict[str, tuple[Task, int, int]] = {"adding": (adding, 2, 1), "recall": (recall, SYMBOLS, SYMBOLS)}
"""The task, numbers in a frame of its input, numbers in its answer."""


class Learner(nn.Module):
    """One layer of a cell between two linear ones; the answer comes from the last frame."""

    def __init__(self, cell: str, inputs: int, size: int, outputs: int) -> None:
        super().__init__()
        self.before, self.cell, self.after = nn.Linear(inputs, size), CELLS[cell](size), nn.Linear(size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, frames, inputs] -> [batch, outputs]."""
        y, _ = self.cell(self.before(x), torch.zeros(len(x), self.cell.state_size))
        return self.after(y[:, -1])


def measure(cell: str, task: str, lag: int, size: int, seconds: float, seed: int) -> dict[str, float | int | str]:
    """Train for that long, and test on 256 new sequences."""
    make, inputs, outputs = TASKS[task]
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    learner = Learner(cell, inputs, size, outputs)

    def loss_of(x: Tensor, wanted: Tensor) -> Tensor:
        found = learner(x)
        return nn.functional.mse_loss(found, wanted) if task == "adding" else nn.functional.cross_entropy(found, wanted)

    x, wanted = make(16, lag, random)
    x.requires_grad_()
    loss_of(x, wanted).backward()
    assert x.grad is not None
    norms = x.grad.norm(dim=2).mean(0)  # of each frame
    optimizer = torch.optim.Adam(learner.parameters(), 3e-3)
    began, steps = time.process_time(), 0
    while time.process_time() - began < seconds:
        loss = loss_of(*make(32, lag, random))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        steps += 1
    with torch.no_grad():
        x, wanted = make(256, lag, torch.Generator().manual_seed(seed + 1))
        found = learner(x)
        error = (found - wanted).square().mean() if task == "adding" else (found.argmax(1) != wanted).float().mean()
    gradient = float(norms[0] / norms[-1].clamp(min=1e-30))
    return {
        "cell": cell, "task": task, "lag": lag, "seed": seed, "steps": steps, "error": float(error),
        "gradient": gradient,
    }  # fmt: skip


def plot(rows: list[dict[str, float | int | str]], target: Path) -> None:
    """Error and gradient norm against the lag, a line for each cell."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")
    tasks = list(dict.fromkeys(str(row["task"]) for row in rows))
    axes = figure.subplots(2, len(tasks), sharex=True, squeeze=False)
    for column, task in enumerate(tasks):
        for line, name in enumerate(("error", "gradient")):
            axis = axes[line][column]
            for cell in dict.fromkeys(row["cell"] for row in rows):
                points = sorted((row["lag"], row[name]) for row in rows if (row["cell"], row["task"]) == (cell, task))
                axis.plot(*zip(*points, strict=True), marker="o", label=cell) if points else None
            axis.set(title=f"{task}: {name}", xscale="log", xlabel="frames")
            if name == "gradient":
                axis.set_yscale("log")
    axes[0][0].legend(fontsize=7)
    figure.savefig(target, dpi=100)


def main() -> None:
    """Measure all, a line of JSON each; a table and a plot at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", choices=sorted(CELLS), default=sorted(CELLS))
    parser.add_argument("--tasks", nargs="+", choices=sorted(TASKS), default=sorted(TASKS))
    parser.add_argument("--lags", nargs="+", type=int, default=[50, 100, 200, 500, 1000])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of training for each (default: 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/long_memory"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print("| task | lag | cell | steps | error | gradient, first to last |\n|---|---:|---|---:|---:|---:|")
    with (args.out / "long_memory.jsonl").open("w") as file:
        for task in args.tasks:
            for lag in args.lags:
                for cell in args.cells:
                    row = measure(cell, task, lag, args.size, args.seconds, args.seed)
                    rows.append(row)
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    print(f"| {task} | {lag} | {cell} | {row['steps']} | {row['error']:.4f} | {row['gradient']:.1e} |")
    plot(rows, args.out / "long_memory.png")


if __name__ == "__main__":
    main()
