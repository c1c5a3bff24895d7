"""A training run of an acoustic model: resumable, on one process or several under `torchrun`."""

import copy
import dataclasses
import gc
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import Config, ConfigError, ModelConfig
from speech_lstm.data.augment import Augmenter, simulate_rooms
from speech_lstm.data.corpus import PackedAudio, read_manifest
from speech_lstm.data.dataset import Example, TrainingBatches
from speech_lstm.data.noise import make_noises
from speech_lstm.export.checkpoint import read_checkpoint
from speech_lstm.export.weights import grown, read_weights
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.training.denominator import Bigram, Denominator
from speech_lstm.training.echo import echoed
from speech_lstm.training.examples import make_all, tokens_of
from speech_lstm.training.objective import Objective
from speech_lstm.training.optimizers import Optimizers
from speech_lstm.training.phone_error import phone_error_rate
from speech_lstm.training.schedule import Progress, alignment_weight, rate_factor


class Trainer:
    """A training run: data, model, optimizer and their checkpoint under `config.run.folder`."""

    def __init__(self, config: Config, base: Path) -> None:
        """`base` is the folder that the paths in `config` are relative to."""
        self.config, self.base = config, base
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if self.world > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        torch.set_num_threads(config.run.threads)
        torch.set_flush_denormal(True)  # posteriors and their gradients are full of them, and they are slow
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
        if cuda and config.run.bfloat16:
            torch.set_float32_matmul_precision("high")  # TF32
        self.folder = base / config.run.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tokens = tokens_of(config, base)
        torch.manual_seed(config.run.seed)
        try:
            self.model = AcousticModel(len(self.tokens), **dataclasses.asdict(config.model)).to(self.device)
        except ValueError as error:
            raise ConfigError(f"model.cell {config.model.cell}: {error}") from None
        self.progress = self._progress()
        self._load_data()
        self.average = copy.deepcopy(self.model)
        goal, run = config.objective, config.run
        denominator = Denominator(self.bigram).to(self.device) if goal.mmi_weight > 0 else None
        self.objective = Objective(
            self.model, denominator, goal, config.augment, run.bfloat16, run.seed + 1000 * self.rank
        ).to(self.device)
        self.optimizers = Optimizers(self.model, self.objective.extra_parameters(), config.optimizer)
        self.checkpoint = self.folder / "checkpoint.pt"
        if self.checkpoint.exists():
            self._resume()
        elif config.run.start:
            self._begin_with(base / config.run.start)

    def _load_data(self) -> None:
        data, optimizer = self.config.data, self.config.optimizer
        self.audio = PackedAudio(self.base / data.packed)
        manifests = [(self.base / name).resolve() for name in data.manifests]  # as `align` names the audio
        utterances = [u for manifest in manifests for u in read_manifest(manifest)]
        kept = ("train", "dev")
        utterances = [u for u in utterances if u.split in kept and u.text and u.duration <= data.max_seconds]
        recordings = read_manifest(self.base / data.noise_manifest, "train") if data.noise_manifest else []
        noises = [u.path for u in recordings]
        utterances += [u for u in recordings if u.duration <= data.max_seconds]  # where nothing is said
        if self.rank == 0:
            self.audio.pack([u.path for u in utterances] + noises)
        if self.world > 1:
            torch.distributed.barrier()
            self.audio = PackedAudio(self.base / data.packed)
        utterances = [u for u in utterances if u.path in self.audio]
        self.examples, self.dev, repeats, said = make_all(self.config, self.base, self.tokens, utterances)
        augment, seed = self.config.augment, self.config.run.seed
        rooms = simulate_rooms(augment.rooms, seed) if augment.room_probability > 0 else []
        sounds = [self.audio[path] for path in noises if path in self.audio]
        made = make_noises(augment.made_noises, 10.0, seed) if augment.noise_probability > 0 else []
        spoken = list(dict.fromkeys(e.utterance.path for e in self.examples if e.tokens))
        self.batches = TrainingBatches(
            self.examples, repeats, self.audio,
            Augmenter(augment, [*sounds, *made], rooms, lambda r: self.audio[spoken[int(r.integers(len(spoken)))]]),
            optimizer.streams, optimizer.stream_seconds, [seed, self.rank, self.progress.step],
            self.config.model.frame_ms, self.config.model.lookahead_frames,
        )  # fmt: skip
        self.bigram = Bigram(said, len(self.tokens) - 1, self.config.objective.bigram_smoothing)
        if not self.checkpoint_exists():
            self._normalise_features()

    def checkpoint_exists(self) -> bool:
        """Whether the run has begun before."""
        return (self.folder / "checkpoint.pt").exists()

    def _progress(self) -> Progress:
        """Of the run so far."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return Progress()
        saved = self._read(path)
        if missing := {"progress", "model", "optimizers"} - saved.keys():
            raise ConfigError(f"{path}: lacks {', '.join(sorted(missing))}; begin a new run with run.start")
        return Progress(**saved["progress"])

    @torch.no_grad()
    def _normalise_features(self) -> None:
        """Set the front end's mean and deviation from two hundred training clips, the same ones on every process."""
        frontend, random = self.model.frontend, np.random.default_rng(self.config.run.seed)
        chosen = random.choice(len(self.examples), min(200, len(self.examples)), replace=False)
        clips = [self.examples[i].samples(self.audio).astype(np.float32) / 32768.0 for i in chosen]
        whole = [torch.from_numpy(clip[None, : len(clip) // 160 * 160]) for clip in clips if len(clip) > 800]
        energies = torch.cat([frontend.energies(audio.to(self.device))[0] for audio in whole])
        frontend.mean.copy_(energies.mean(0))
        frontend.deviation.copy_(energies.std(0))

    def _read(self, path: Path, free: Sequence[str] = ("dropout",)) -> dict[str, Any]:
        """A checkpoint of a model of the same sizes but for those that are `free`; SpeechLstmError if it is not."""
        saved, wanted = read_checkpoint(path, self.device), dataclasses.asdict(self.config.model)
        defaults = {field.name: field.default for field in dataclasses.fields(ModelConfig)}  # earlier runs lack some
        sizes = {**defaults, **saved["config"]["model"]}
        if any(sizes[name] != value for name, value in wanted.items() if name not in free):
            raise ConfigError(f"{path}: holds a model of {sizes}, and the configuration asks for {wanted}")
        if tuple(saved["tokens"]) != self.tokens:
            raise ConfigError(f"{path}: holds a model of other tokens: {' '.join(saved['tokens'])}")
        return saved

    def _begin_with(self, path: Path) -> None:
        """The weights of a checkpoint or of an exported model; a convolution and layers may come to them."""
        try:
            is_exported = path.suffix == ".onnx"
            free = ("dropout", "convolution", "layers")
            saved = {"average": read_weights(path, self.model)} if is_exported else self._read(path, free)
            weights = grown(saved["average"], self.model)
            self.model.load_state_dict(weights)
            self.average.load_state_dict(weights)
            self.objective.load_extra(saved.get("objective", {}))
        except (SpeechLstmError, RuntimeError) as error:
            raise ConfigError(f"run.start: {str(error).splitlines()[0]}") from None

    def _resume(self) -> None:
        saved = self._read(self.checkpoint)
        state = saved.get("optimizers", {})
        if "adamw" not in state or bool(self.config.optimizer.matrix_rate) != ("muon" in state):
            raise ConfigError(f"{self.checkpoint}: made with another kind of optimizer; begin a new run with run.start")
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizers.load_state_dict(state)
        self.objective.load_extra(saved.get("objective", {}))

    def save(self) -> None:
        """Write the checkpoint atomically: a kill at any moment leaves the last whole one. All processes call it."""
        optimizers = self.optimizers.state_dict()
        if self.rank != 0:
            return
        partial = self.checkpoint.with_suffix(".partial")
        content = {
            "config": dataclasses.asdict(self.config), "tokens": list(self.tokens),
            "model": self.model.state_dict(), "average": self.average.state_dict(),
            "optimizers": optimizers, "objective": self.objective.extra(),
            "progress": dataclasses.asdict(self.progress),
        }  # fmt: skip
        try:
            torch.save(content, partial)
            partial.replace(self.checkpoint)
        except (OSError, RuntimeError) as error:  # torch's own where a disk is full
            partial.unlink(missing_ok=True)
            reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
            raise SpeechLstmError(f"{self.checkpoint}: cannot be written: {reason}; the one before is kept") from error

    def evaluate(self, limit: int) -> dict[str, float]:
        """Error of the averaged weights by corpus, of phones or words, on at most `limit` dev clips of each."""
        by_corpus: dict[str, list[Example]] = {}
        for example in self.dev:
            by_corpus.setdefault(example.utterance.corpus, []).append(example)
        self.average.eval()
        chosen = {name: part[:: max(1, len(part) // limit)] for name, part in sorted(by_corpus.items())}
        return {name: phone_error_rate(self.average, part, self.audio, self.bigram) for name, part in chosen.items()}

    def run(self) -> dict[str, float]:
        """Train until the configured hours of audio are seen; returns the last dev error by corpus."""
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from torch.utils.tensorboard import SummaryWriter

        c, run = self.config.optimizer, self.config.run
        goal = self.config.objective
        objective: nn.Module = self.objective
        if self.world > 1:
            objective = nn.parallel.DistributedDataParallel(objective, broadcast_buffers=False)
        board = SummaryWriter(str(self.folder / "tensorboard")) if self.rank == 0 else None
        cuda = self.device.type == "cuda"
        loader = DataLoader(self.batches, batch_size=None, num_workers=run.workers, pin_memory=cuda)
        batches = echoed((batch.to(self.device) for batch in loader), run.echo)
        saved = evaluated = told = time.monotonic()
        error: dict[str, float] = {}
        smooth = 0.0
        hours = TextColumn("{task.completed:.1f}/{task.total:.0f} h")
        columns = (TextColumn("{task.description}"), BarColumn(), hours, TimeRemainingColumn())
        with Bar(*columns, disable=self.rank != 0) as bar:
            done: Any = self.progress.hours  # rich declares whole numbers, and takes any
            task = bar.add_task("training", total=c.hours, completed=done)
            while self.progress.hours < c.hours:
                began = time.monotonic()
                strength = min(1.0, self.progress.hours / max(1e-9, c.augment_ramp_hours))
                weight = alignment_weight(goal, self.progress.hours)
                self.batches.strength.fill_(strength)
                batch = next(batches)
                factor = rate_factor(c, self.progress)
                loss = objective(batch, weight, strength)
                objective.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), c.clip_norm)
                self.optimizers.step(factor)
                now = time.monotonic()
                seconds, save = self._sum(batch.seconds, self.rank == 0 and now - saved > run.checkpoint_seconds)
                self._update(seconds, now - began)
                if save:
                    self.save()
                    saved = now
                value = loss.item()
                smooth = value if not smooth else 0.98 * smooth + 0.02 * value
                rate = c.rate * factor
                bar.update(task, completed=self.progress.hours, description=f"loss {smooth:.3f}, rate {rate:.1e}")
                if self.rank != 0:
                    continue
                assert board is not None
                board.add_scalar("loss", value, self.progress.step)
                board.add_scalar("rate", rate, self.progress.step)
                if now - told > 30:
                    told = now
                    self._log(loss=round(smooth, 4), rate=rate)
                if now - evaluated > run.evaluate_seconds:
                    error = self._report(board)
                    evaluated = time.monotonic()
        self.save()
        if self.rank == 0:
            error = self._report(board)
            if board is not None:
                board.close()
        if self.world > 1:
            torch.distributed.barrier()
        return error

    def close(self) -> None:
        """Leave the other processes. Nothing can be trained or saved afterwards."""
        if self.world > 1:
            del self.optimizers  # they hold the process group, whose threads must end before the interpreter does
            gc.collect()
            torch.distributed.destroy_process_group()

    def _sum(self, seconds: float, save: bool) -> tuple[float, bool]:
        """Over all processes, so that they agree on the progress, save together and end after the same step."""
        if self.world == 1:
            return seconds, save
        total = torch.tensor([seconds, float(save)], dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(total)
        return float(total[0]), bool(total[1])

    def _report(self, board: object) -> dict[str, float]:
        error = self.evaluate(self.config.run.evaluate_clips)
        for name, value in error.items():
            board.add_scalar(f"dev phone error/{name}", value, self.progress.step)  # type: ignore[attr-defined]
        self._log(**{name: round(value, 4) for name, value in error.items()})
        return error

    def _log(self, **values: float) -> None:
        row = {**dataclasses.asdict(self.progress), **values}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")

    @torch.no_grad()
    def _update(self, seconds: float, wall: float) -> None:
        self.progress.step += 1
        self.progress.hours += seconds / 3600
        self.progress.seconds += wall
        decay = min(self.config.optimizer.average, (1 + self.progress.step) / (10 + self.progress.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
