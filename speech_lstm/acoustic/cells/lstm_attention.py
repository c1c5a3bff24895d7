"""LSTM and self-attention over the last two seconds: streaming attention with a bounded left context.

Zhang et al. 2020, "Transformer Transducer", section 3.3 (limited context); distances as in Raffel et al. 2020 (T5).
"""

import math

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.lstm import LstmCell
from speech_lstm.acoustic.cells.recurrence import Step, in_steps, repeat

HEADS = 4
BLOCK = 16
"""Frames whose queries are computed together."""
CONTEXT = 48
"""Frames before the present one that attention reaches, a multiple of BLOCK."""


class AttentionStep(Step):
    """Attention of one frame. The state is keys and values of CONTEXT frames, oldest first.

    Before the beginning of a stream they are zeros, on which attention may rest.
    """

    apart: Tensor
    outside: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.head = width, width // HEADS
        self.inputs, self.outputs, self.state_size = 3 * width, width, CONTEXT * 2 * width
        self.distance = nn.Parameter(torch.zeros(HEADS, 1, CONTEXT + 1))  # added to the scores, oldest first
        apart = torch.arange(CONTEXT + BLOCK) - torch.arange(BLOCK)[:, None]  # [queries, keys]
        self.register_buffer("apart", apart.clamp(0, CONTEXT), persistent=False)
        self.register_buffer("outside", torch.where(apart.clamp(0, CONTEXT) == apart, 0.0, -1e30), persistent=False)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, 3 width]: query, key and value; state [batch, state_size] -> [batch, width], state."""
        state = torch.cat([state, x[:, self.width :]], 1)
        k, v = state.unflatten(1, (CONTEXT + 1, 2, HEADS, self.head)).permute(
            2, 0, 3, 1, 4
        )  # [batch, heads, keys, head]
        q = x[:, : self.width].unflatten(1, (HEADS, 1, self.head))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.head) + self.distance
        return torch.matmul(scores.softmax(-1), v).flatten(1), state[:, 2 * self.width :]

    def together(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """All frames of x [batch, frames, 3 width], BLOCK queries at a time over the keys that any of them reaches."""
        frames = x.shape[1]
        past = state.unflatten(1, (CONTEXT, 2 * self.width)).to(x.dtype)
        pairs = torch.cat([past, x[:, :, self.width :]], 1)
        pad = (0, 0, 0, -frames % BLOCK)
        q = nn.functional.pad(x[:, :, : self.width], pad).unflatten(1, (-1, BLOCK)).unflatten(3, (HEADS, self.head))
        blocks = nn.functional.pad(pairs, pad).unflatten(1, (-1, BLOCK))
        count = q.shape[1]
        reach = torch.cat([blocks[:, shift : count + shift] for shift in range(CONTEXT // BLOCK + 1)], 2)
        k, v = reach.unflatten(3, (2, HEADS, self.head)).permute(3, 0, 1, 4, 2, 5)  # [batch, blocks, heads, keys, head]
        scores = torch.matmul(q.transpose(2, 3), k.transpose(-1, -2)) / math.sqrt(self.head)
        weights = (scores + self.distance[:, 0, self.apart] + self.outside).softmax(-1)
        heard = torch.matmul(weights.to(v.dtype), v).transpose(2, 3).flatten(3).flatten(1, 2)[:, :frames]
        return heard, pairs[:, -CONTEXT:].flatten(1).to(state.dtype)


class AttentionLstmCell(Cell):
    """y = LSTM(x); y + Attention(LayerNorm(y)), half as wide. The state is the LSTM's, then the attention's."""

    def __init__(self, size: int) -> None:
        """`size`: a multiple of eight, for four heads of half the width."""
        super().__init__(size)
        if size % (2 * HEADS):
            raise ValueError(f"the size of an LSTM with attention must be a multiple of {2 * HEADS}, not {size}")
        self.lstm = LstmCell(size)
        self.norm = nn.LayerNorm(size)
        self.read = nn.Linear(size, 3 * size // 2)  # queries, keys, values
        self.step = AttentionStep(size // 2)
        self.out = nn.Linear(size // 2, size)
        self.sizes = [self.lstm.state_size, self.step.state_size]
        self.state_size = sum(self.sizes)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] -> the same shapes."""
        memory, cache = state.split(self.sizes, 1)
        y, memory = self.lstm(x, memory)
        read = self.read(self.norm(y))
        heard, cache = repeat(self.step, read, cache) if in_steps(x) else self.step.together(read, cache)
        return y + self.out(heard), torch.cat([memory, cache], 1)
