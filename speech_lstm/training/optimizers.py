"""What moves the weights: AdamW, and Muon for the matrices of the cells where the configuration gives it a rate.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) makes the momentum of a matrix nearly orthogonal
before each step.
"""

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.optim import AdamW, Muon, Optimizer

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import OptimizerConfig


class Optimizers:
    """All optimizers of a model as one. Under `torchrun` each process orthogonalises its share of the matrices."""

    def __init__(self, model: AcousticModel, others: Iterable[nn.Parameter], config: OptimizerConfig) -> None:
        """others: parameters of training alone."""
        self._config = config
        matrices = [p for p in model.cells.parameters() if p.dim() == 2] if config.matrix_rate else []
        taken = set(map(id, matrices))
        rest = [p for p in (*model.parameters(), *others) if p.requires_grad and id(p) not in taken]
        self._adam = AdamW(rest, config.rate, (0.9, 0.98), weight_decay=config.weight_decay)
        self._muon: Optimizer | None = None
        if matrices:
            options: dict[str, Any] = {"lr": config.matrix_rate, "weight_decay": config.weight_decay}
            options["adjust_lr_fn"] = "match_rms_adamw"  # rates mean the same as AdamW's
            shared = int(os.environ.get("WORLD_SIZE", 1)) > 1
            self._muon = ZeroRedundancyOptimizer(matrices, Muon, **options) if shared else Muon(matrices, **options)

    def step(self, factor: float) -> None:
        """One step at the configured rates times `factor`."""
        pairs = [(self._adam, self._config.rate), (self._muon, self._config.matrix_rate)]
        for optimizer, rate in pairs:
            if optimizer is not None:
                for group in optimizer.param_groups:
                    group["lr"] = rate * factor
                optimizer.step()

    def state_dict(self) -> dict[str, object]:
        """For a checkpoint. Every process must call it: the shares are brought together on the first one."""
        state: dict[str, object] = {"adamw": self._adam.state_dict()}
        if isinstance(self._muon, ZeroRedundancyOptimizer):
            self._muon.consolidate_state_dict(0)
            state["muon"] = self._muon.state_dict() if torch.distributed.get_rank() == 0 else None
        elif self._muon is not None:
            state["muon"] = self._muon.state_dict()
        return state

    def load_state_dict(self, state: dict[str, object]) -> None:
        """From a checkpoint of a run with the same model and kind of optimizers."""
        self._adam.load_state_dict(state["adamw"])  # type: ignore[arg-type]
        if self._muon is not None:
            self._muon.load_state_dict(state["muon"])  # type: ignore[arg-type]
