"""Training on the bundled recordings: it learns, survives a kill, and agrees between processes."""

from __future__ import annotations

import dataclasses
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import numpy as np
import torch

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.cli import main
from speech_lstm.config import (
    AugmentConfig,
    Config,
    ConfigError,
    ObjectiveConfig,
    OptimizerConfig,
    RunConfig,
    load_config,
)
from speech_lstm.data.dataset import Batch, TrainingBatches
from speech_lstm.export.checkpoint import describe
from speech_lstm.export.to_onnx import export_onnx
from speech_lstm.export.weights import read_network
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model
from speech_lstm.training.echo import APART, echoed
from speech_lstm.training.objective import RESTING, Objective
from speech_lstm.training.schedule import Progress, alignment_weight, rate_factor
from speech_lstm.training.trainer import Trainer

ROOT = Path(__file__).parents[1]
TINY = ROOT / "configs" / "tiny.toml"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def tiny(folder: Path, **optimizer: float) -> Path:
    """The tiny configuration with its run, and packed audio, in another folder, and a checkpoint every second."""
    text = TINY.read_text()
    text = text.replace("../runs/tiny", str(folder)).replace("tiny/manifest", f"{TINY.parent}/tiny/manifest")
    text = text.replace("checkpoint_seconds = 10.0", "checkpoint_seconds = 1.0")
    for key, value in optimizer.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    path = folder / "tiny.toml"
    path.write_text(text)
    return path


def test_tiny_config_overfits_twenty_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    assert main(["train", str(tiny(tmp_path))]) == 0
    assert time.monotonic() - began < 120
    corpus, error, *_ = capsys.readouterr().out.splitlines()[-1].split()
    assert (corpus, float(error)) == ("tiny", 0.0)


def test_killed_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    config, checkpoint = tiny(tmp_path), tmp_path / "checkpoint.pt"
    command = [sys.executable, "-m", "speech_lstm.cli", "train", str(config)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        first = 0.0
        while process.poll() is None:
            modified = checkpoint.stat().st_mtime if checkpoint.exists() else 0.0
            first = first or modified
            if modified > first:
                break
            time.sleep(0.05)
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.7)
        process.kill()
        killed = time.time()
    assert killed - checkpoint.stat().st_mtime < 10
    saved = torch.load(checkpoint, weights_only=True)
    trainer = Trainer(load_config(config), config.parent)
    assert trainer.progress == Progress(**saved["progress"])
    assert trainer.progress.step > 0
    assert all(torch.equal(trainer.model.state_dict()[name], value) for name, value in saved["model"].items())
    step, hours = trainer.progress.step, trainer.progress.hours
    assert main(["train", str(config), "--hours", str(hours + 0.02)]) == 0
    again = torch.load(checkpoint, weights_only=True)["progress"]
    assert step < again["step"] < step + 20
    assert again["hours"] == pytest.approx(hours + 0.02, abs=0.01)


def test_a_disk_that_is_full_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    config, checkpoint = tiny(tmp_path, hours=0.01), tmp_path / "checkpoint.pt"
    assert main(["train", str(config)]) == 0
    before = checkpoint.read_bytes()
    trainer = Trainer(load_config(config), config.parent)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
        with pytest.raises(SpeechLstmError, match=rf"{checkpoint}: cannot be written: .*; the one before is kept"):
            trainer.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert checkpoint.read_bytes() == before and not checkpoint.with_suffix(".partial").exists()


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tiny(tmp_path, hours=0.01)
    assert main(["train", str(config)]) == 0
    original = config.read_text()
    for old, new, complaint in (
        ("hidden = 160", "hidden = 96", "holds a model of"),
        ("matrix_rate = 5e-3", "matrix_rate = 0.0", "another kind of optimizer"),
    ):
        assert old in original
        config.write_text(original.replace(old, new))
        assert main(["train", str(config)]) == 1
        assert complaint in (message := capsys.readouterr().err) and "checkpoint.pt" in message
    config.write_text(original.replace("hidden = 160", "hidden = 160\ndropout = 0.1"))  # which is no size
    assert Trainer(load_config(config), tmp_path).progress.hours >= 0.01


def test_a_run_begins_with_the_averaged_weights_of_another(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    assert main(["train", str(tiny(first, hours=0.01))]) == 0
    config = tiny(second)
    config.write_text(config.read_text().replace("[run]", f'[run]\nstart = "{first / "checkpoint.pt"}"'))
    trainer = Trainer(load_config(config), second)
    average = torch.load(first / "checkpoint.pt", weights_only=True)["average"]
    assert all(torch.equal(trainer.model.state_dict()[name], value) for name, value in average.items())
    assert trainer.progress.step == 0


def test_a_run_begins_with_a_shipped_model(tmp_path: Path) -> None:
    config = tiny(tmp_path)
    shipped = ROOT / "models" / "default-fp32.onnx"
    text = (
        config.read_text().replace("hidden = 160", "hidden = 320").replace("layers = 2", "layers = 5\nconvolution = 16")
    )
    text = text.replace("[run]", f'[run]\nstart = "{shipped}"')
    config.write_text(text)
    model = Trainer(load_config(config), tmp_path).average.eval()
    model.start.copy_(read_network(shipped).start)
    audio = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (1, 16000)).astype(np.float32))
    expected, _ = Model.load(shipped, device="cpu").run(audio.numpy(), np.zeros((1, model.state_size), np.float32))
    with torch.no_grad():
        heard, _ = model(audio, model.initial_state(1))
    assert np.abs(heard.numpy() - expected).max() < 1e-4
    config.write_text(text.replace("layers = 5", "layers = 4"))
    with pytest.raises(ConfigError, match=r"run\.start: .*holds another network"):
        Trainer(load_config(config), tmp_path)


def test_a_convolution_and_a_layer_come_to_weights_and_are_not_heard_at_first(tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = AcousticModel(len(TOKENS), hidden=64, layers=1).eval()
    for parameter in before.parameters():
        parameter.data += 0.1 * torch.rand_like(parameter)  # of equal weights the exporter would write one
    export_onnx(before, describe(before), tmp_path / "before.onnx")
    config = tiny(tmp_path)
    text = config.read_text().replace("hidden = 160", "hidden = 64\nconvolution = 4")
    config.write_text(text.replace("[run]", f'[run]\nstart = "{tmp_path / "before.onnx"}"'))
    model = Trainer(load_config(config), tmp_path).average.eval()
    audio = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (1, 16000)).astype(np.float32))
    with torch.no_grad():
        (heard, _), (expected, _) = (each(audio, each.initial_state(1)) for each in (model, before))
    torch.testing.assert_close(heard, expected)


def test_the_seed_alone_decides_a_run(tmp_path: Path) -> None:
    weights = []
    for name, seed in (("first", 5), ("again", 5), ("other", 6)):
        folder = tmp_path / name
        folder.mkdir()
        config = tiny(folder, hours=0.02)
        text = config.read_text().replace("[run]", f"[run]\nseed = {seed}\nthreads = 1")
        text = text.replace("noise_probability = 0.0", "noise_probability = 0.5\nmade_noises = 4")
        text = text.replace("room_probability = 0.0", "room_probability = 0.5\nrooms = 2")
        config.write_text(text)
        trainer = Trainer(load_config(config), folder)
        trainer.run()
        assert trainer.progress.step >= 3
        weights.append(trainer.model.state_dict())
    first, again, other = weights
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


def test_no_gradient_is_left_of_the_step_before(tmp_path: Path) -> None:
    config = tiny(tmp_path, hours=0.02)
    config.write_text(config.read_text().replace("[objective]", "[objective]\nintermediate_weight = 0.3"))
    trainer = Trainer(load_config(config), tmp_path)
    left: list[list[str]] = []
    trainer.objective.register_full_backward_pre_hook(
        lambda objective, _: left.append([name for name, p in objective.named_parameters() if p.grad is not None])
    )
    trainer.run()
    assert len(left) == trainer.progress.step >= 3 and left == [[]] * len(left)
    assert all(p.grad is not None for p in trainer.objective.extra_parameters())


def test_processes_take_the_same_steps(tmp_path: Path) -> None:
    config = tiny(tmp_path, hours=0.06)
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, pathlib, torch\n"
        "from speech_lstm.config import load_config\n"
        "from speech_lstm.training.trainer import Trainer\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "trainer = Trainer(load_config(path), path.parent)\n"
        "own = next(iter(trainer.batches)).audio\n"
        "trainer.run()\n"
        "torch.save((trainer.model.state_dict(), trainer.progress.step, trainer.progress.hours, own),\n"
        "           path.parent / f'rank{trainer.rank}.pt')\n"
        "trainer.close()\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run([*command, str(config)], env=ENVIRONMENT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    (weights, step, hours, heard), (other, other_step, other_hours, other_heard) = (
        torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)
    )
    assert not torch.equal(heard, other_heard)  # each process draws batches of its own
    assert (step, hours) == (other_step, other_hours)
    assert step >= 4
    assert all(torch.equal(value, other[name]) for name, value in weights.items())


def test_unknown_key_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text('[data]\nmanifests = ["m.jsonl"]\n[optimizer]\nlearning_rat = 1e-3\n')
    assert main(["train", str(config)]) == 1
    message = capsys.readouterr().err
    assert f"{config}: optimizer.learning_rat: unknown key" in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[data]\nmanifests = ["m"]\n[nets]\n', "nets: unknown key"),
        ("[model]\nhidden = 3\n", "data: missing"),
        ('[data]\nmanifests = ["m"]\n[model]\nhidden = "big"\n', "model.hidden: should be a valid integer, got 'big'"),
        ("data = \n", "not TOML"),
    ],
)
def test_wrong_config(tmp_path: Path, text: str, complaint: str) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_config(config)


@pytest.mark.parametrize("name", ["default", "gpu", "longer", "commands_35", "family"])
def test_shipped_recipe_is_a_valid_config(name: str) -> None:
    config = load_config(ROOT / "configs" / f"{name}.toml")
    assert isinstance(config, Config) and isinstance(config.run, RunConfig)
    assert all(not Path(manifest).is_absolute() for manifest in config.data.manifests)


@pytest.mark.filterwarnings("ignore:CUDA is not available")
@pytest.mark.parametrize(("cell", "is_left"), [("lstm", True), ("lstm_coupled", True), ("mlstm", False)])
def test_kernels_of_cudnn_are_left_out_of_reduced_precision(cell: str, is_left: bool) -> None:
    model = AcousticModel(len(TOKENS), cell, hidden=32, layers=1)
    objective = Objective(model, None, ObjectiveConfig(), AugmentConfig(), bfloat16=True, seed=0)
    assert isinstance(objective.precision(torch.device("cpu")), torch.autocast)
    assert isinstance(objective.precision(torch.device("cuda")), nullcontext) == is_left


def test_some_streams_begin_after_minutes_of_quiet() -> None:
    torch.manual_seed(0)
    model = AcousticModel(len(TOKENS), hidden=32, layers=1)
    objective = Objective(model, None, ObjectiveConfig(carry=0.5, rest=0.5), AugmentConfig(), bfloat16=False, seed=0)
    audio = torch.randn(4, 16000)
    objective._rest(audio)
    assert not objective.resting  # nothing was heard yet that could be followed by quiet
    objective.pool = [torch.ones(model.memory_size)]
    for _ in range(300):
        objective._rest(audio)
    assert len(objective.resting) == RESTING
    begun = objective._begin(200, audio.device)
    carried = (begun == 1).all(dim=1)
    assert 60 < carried.sum() < 140  # the others are among the resting ones
    resting = torch.stack(objective.resting)
    assert all((row == resting).all(dim=1).any() for row in begun[~carried])
    quiet, _ = model.features(torch.zeros(1, 160_000))
    settled = model.encode(quiet, torch.ones(1, model.memory_size))[1]
    away = (resting - settled).norm(dim=1) / (torch.ones(model.memory_size) - settled).norm()
    assert away.median() < 0.5  # near to where silence leads


def test_carried_and_rested_streams_are_at_most_all() -> None:
    with pytest.raises(ValueError, match=r"carry 0.9 and rest 0.2 are more than 1"):
        ObjectiveConfig(carry=0.9, rest=0.2)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_each_batch_is_used_as_often_as_asked(times: int) -> None:
    given = list(islice(echoed(count(), times), 600))
    firsts = [given.index(number) for number in range(100)]
    assert firsts == sorted(firsts)
    for number in range(100):
        uses = [place for place, other in enumerate(given) if other == number]
        assert len(uses) == times
        assert all(later - earlier >= APART for earlier, later in pairwise(uses))


def test_a_run_with_echo_learns_from_fewer_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[TrainingBatches] = []
    make = TrainingBatches._batch

    def counted(batches: TrainingBatches, *rest: Any) -> Batch:
        made.append(batches)
        return make(batches, *rest)

    monkeypatch.setattr(TrainingBatches, "_batch", counted)
    config = tiny(tmp_path, hours=0.15)
    config.write_text(config.read_text().replace("[run]", "[run]\necho = 2"))
    trainer = Trainer(load_config(config), tmp_path)
    trainer.run()
    assert trainer.progress.step > 2 * APART
    assert len(made) == (trainer.progress.step + APART + 1) // 2


def test_labels_of_frames_fade_or_stay() -> None:
    fading = ObjectiveConfig(alignment_weight=0.8, alignment_hours=10.0)
    assert [alignment_weight(fading, hours) for hours in (0.0, 5.0, 20.0)] == [0.8, pytest.approx(0.4), 0.0]
    assert alignment_weight(dataclasses.replace(fading, alignment_hours=0.0), 1e5) == 0.8


def test_rate_warms_up_holds_and_decays() -> None:
    optimizer = OptimizerConfig(hours=100.0, rate=1e-3, warmup_steps=10, decay_part=0.4)
    rates = [rate_factor(optimizer, Progress(step=step)) for step in range(12)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[11] == 1
    assert rate_factor(optimizer, Progress(1000, 59.0)) == 1
    assert rate_factor(optimizer, Progress(1000, 80.0)) == pytest.approx(0.5)
    assert rate_factor(optimizer, Progress(1000, 100.0)) == pytest.approx(1 / 50)
    assert rate_factor(dataclasses.replace(optimizer, warmup_steps=0), Progress()) == 1
