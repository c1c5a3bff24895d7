"""A convolution that looks into the past only, with what it still needs of it as its state."""

import torch
from torch import Tensor, nn


class CausalConvolution(nn.Module):
    """A filter over time for each channel. The state is the last inputs, [batch, (taps - 1) size]."""

    def __init__(self, size: int, taps: int = 4) -> None:
        super().__init__()
        self.size, self.taps = size, taps
        self.state_size = (taps - 1) * size
        self.weight = nn.Parameter(torch.empty(taps, size).uniform_(-1, 1) / taps**0.5)  # as nn.Conv1d begins
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size] -> the same shape, state."""
        frames = x.shape[1]
        past = state.reshape(-1, self.taps - 1, self.size).to(x.dtype)
        x = torch.cat([past, x], 1)
        y = self.bias
        for tap, weight in enumerate(self.weight):
            y = y + weight * x[:, tap : tap + frames]
        return y, x[:, -(self.taps - 1) :].flatten(1).to(state.dtype)
