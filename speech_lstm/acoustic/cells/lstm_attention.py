"""LSTM and self-attention over the last two seconds: streaming attention with a bounded left context.

Zhang et al. 2020, "Transformer Transducer", section 3.3 (limited context); distances as in Raffel et al. 2020 (T5).
"""

import math

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.lstm import LstmCell

HEADS = 4
BLOCK = 16
"""Frames whose queries are computed together."""
CONTEXT = 48
"""Frames before the present one that attention reaches, a multiple of BLOCK."""


class AttentionLstmCell(Cell):
    """y = LSTM(x); y + Attention(LayerNorm(y)), half as wide. The state is the LSTM's, and keys and values of CONTEXT frames.

    Before the beginning of a stream keys and values are zeros, on which attention may rest.
    """

    def __init__(self, size: int) -> None:
        """`size`: a multiple of eight, for four heads of half the width."""
        super().__init__(size)
        if size % (2 * HEADS):
            raise ValueError(f"the size of an LSTM with attention must be a multiple of {2 * HEADS}, not {size}")
        self.width, self.head = size // 2, size // 2 // HEADS
        self.lstm = LstmCell(size)
        self.norm = nn.LayerNorm(size)
        self.read = nn.Linear(size, 3 * self.width)  # queries, keys, values
        self.distance = nn.Parameter(torch.zeros(HEADS, 1, CONTEXT + 1))  # added to the scores
        self.out = nn.Linear(self.width, size)
        self.sizes = [self.lstm.state_size, 2 * self.width * CONTEXT]
        self.state_size = sum(self.sizes)
        apart = CONTEXT + torch.arange(BLOCK)[:, None] - torch.arange(CONTEXT + BLOCK)  # [queries, keys]
        self.register_buffer("apart", apart.clamp(0, CONTEXT), persistent=False)
        self.register_buffer("outside", torch.where(apart.clamp(0, CONTEXT) == apart, 0.0, -1e30), persistent=False)

    apart: Tensor
    outside: Tensor

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] -> the same shapes."""
        memory, cache = state.split(self.sizes, 1)
        y, memory = self.lstm(x, memory)
        heard, cache = self.attend(self.norm(y), cache)
        return y + self.out(heard), torch.cat([memory, cache], 1)

    def attend(self, x: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], cache [batch, CONTEXT 2 width] -> [batch, frames, width], cache."""
        frames = x.shape[1]
        q, pairs = self.read(x).split([self.width, 2 * self.width], 2)
        pairs = torch.cat([cache.reshape(-1, CONTEXT, 2 * self.width).to(pairs.dtype), pairs], 1)
        pad = (BLOCK - frames % BLOCK) % BLOCK
        q = self._blocks(nn.functional.pad(q, (0, 0, 0, pad)))  # [batch, blocks, heads, BLOCK, head]
        n = q.shape[1]
        padded = nn.functional.pad(pairs, (0, 0, 0, pad)).reshape(x.shape[0], -1, BLOCK, 2 * self.width)
        windows = torch.cat([padded[:, shift : n + shift] for shift in range(CONTEXT // BLOCK + 1)], 2)
        k, v = windows.chunk(2, 3)  # [batch, blocks, CONTEXT + BLOCK, width]
        k, v = (part.unflatten(3, (HEADS, self.head)).transpose(2, 3) for part in (k, v))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.head)
        weights = (scores + self.distance[:, 0, self.apart] + self.outside).softmax(-1)
        heard = torch.matmul(weights.to(v.dtype), v).transpose(2, 3).reshape(x.shape[0], -1, self.width)
        return heard[:, :frames], pairs[:, -CONTEXT:].flatten(1).to(cache.dtype)

    def _blocks(self, q: Tensor) -> Tensor:
        """[batch, frames, width] -> [batch, frames / BLOCK, heads, BLOCK, head]."""
        return q.reshape(q.shape[0], -1, BLOCK, HEADS, self.head).transpose(2, 3)
