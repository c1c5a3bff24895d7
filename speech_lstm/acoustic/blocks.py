"""What may stand around the cells: a convolution before the first, a feed-forward layer behind each."""

import torch
from torch import Tensor, nn

from speech_lstm.config import BANDS

STRIDE = 4
"""Mels from one place of a filter to the next."""


class SpectralConvolution(nn.Module):
    """Filters over time and mels (Abdel-Hamid et al. 2014, "Convolutional Neural Networks for Speech Recognition").

    Each sees the features of a frame and of the one before, `BANDS` mels at a time. The state is the frame before.
    """

    def __init__(self, stack: int, mels: int, filters: int, size: int) -> None:
        """stack: feature vectors in a frame; mels: in each, at least `BANDS`; size: of the output vectors."""
        super().__init__()
        self.stack, self.mels = stack, mels
        self.state_size = stack * mels
        self.filters = nn.Conv2d(1, filters, (2 * stack, BANDS), (stack, STRIDE))
        self.project = nn.Linear(filters * ((mels - BANDS) // STRIDE + 1), size)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, stack * mels], state [batch, stack * mels] -> [batch, frames, size], state."""
        frames = torch.cat([state[:, None].to(x.dtype), x], 1)
        vectors = frames.reshape(x.shape[0], 1, -1, self.mels)  # [batch, 1, (1 + frames) * stack, mels]
        found = self.filters(vectors).relu()  # [batch, filters, frames, places]
        found = found.transpose(1, 2).reshape(x.shape[0], -1, self.project.in_features)
        return self.project(found), x[:, -1].to(state.dtype)


class FeedForward(nn.Module):
    """x + W relu(V LayerNorm(x)), each vector by itself; `expansion` times as wide inside (Vaswani et al. 2017)."""

    def __init__(self, size: int, expansion: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.up, self.down = nn.Linear(size, expansion * size), nn.Linear(expansion * size, size)

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, frames, size] -> the same shape."""
        y: Tensor = x + self.down(self.up(self.norm(x)).relu())
        return y
