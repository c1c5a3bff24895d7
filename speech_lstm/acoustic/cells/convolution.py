"""Convolutions that look into the past only, with what they still need of it as their state."""

import torch
from torch import Tensor, nn


class CausalConvolution(nn.Module):
    """A filter over time for each channel. The state is the last inputs, [batch, (taps - 1) size]."""

    def __init__(self, size: int, taps: int = 4) -> None:
        super().__init__()
        self.size, self.taps = size, taps
        self.state_size = (taps - 1) * size
        self.filter = nn.Conv1d(size, size, taps, groups=size)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size] -> the same shape, state."""
        x = torch.cat([state.reshape(-1, self.taps - 1, self.size).to(x.dtype), x], 1)
        y = self.filter(x.transpose(1, 2)).transpose(1, 2)
        return y, x[:, -(self.taps - 1) :].flatten(1).to(state.dtype)
