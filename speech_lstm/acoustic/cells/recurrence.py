"""Recurrences that neither PyTorch nor ONNX has an operator for: a step, repeated."""

from typing import Any

import torch
from torch import Tensor, nn

DOMAIN = "speech_lstm"
PLACEHOLDER = "Recurrence"
"""The ONNX node that stands for a recurrence until the export puts the step into it."""


class Step(nn.Module):
    """A module whose forward is one step: x [batch, inputs], state [batch, state_size] -> y [batch, outputs], state."""

    inputs: int
    outputs: int
    state_size: int
    path = ""
    """Its name in the model that is exported."""


def in_steps(x: Tensor) -> bool:
    """Whether x [batch, frames, n] is better heard step by step where there is a way to hear all frames at once.

    So it is in an exported file: for one frame the many small operators of the other way cost more, and it needs fixed
    lengths.
    """
    return torch.onnx.is_in_onnx_export() or x.shape[1] == 1


def repeat(step: Step, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """x [batch, frames, inputs], state [batch, n] -> y [batch, frames, outputs] and the state after the last frame."""
    if torch.onnx.is_in_onnx_export():
        y, state = _Recurrence.apply(x, state, step)
        return y, state
    ys = []
    with torch.autocast(x.device.type, enabled=False):  # these are sums over hundreds of frames
        for frame in x.to(state.dtype).unbind(1):
            y, state = step(frame, state)
            ys.append(y)
    return torch.stack(ys, 1), state


class _Recurrence(torch.autograd.Function):
    """Traced as one node; there only the shapes count."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, state: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        return x.new_zeros(x.shape[0], x.shape[1], step.outputs), state.clone()

    @staticmethod
    def symbolic(g: Any, x: Any, state: Any, step: Step) -> Any:
        y, after = g.op(f"{DOMAIN}::{PLACEHOLDER}", x, state, path_s=step.path, outputs=2)
        y.setType(x.type().with_sizes([None, None, step.outputs]))
        after.setType(state.type())
        return y, after
