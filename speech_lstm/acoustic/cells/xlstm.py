"""xLSTM blocks of Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", figures 10 and 11: both in turn."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm, silu

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.convolution import CausalConvolution
from speech_lstm.acoustic.cells.mlstm import HEADS, MatrixMemory, gate_layer
from speech_lstm.acoustic.cells.recurrence import repeat
from speech_lstm.acoustic.cells.slstm import SlstmStep, open_forget_gates


class HeadLinear(nn.Module):
    """A matrix for each head's part: [batch, frames, heads * inputs] -> [batch, frames, heads * outputs]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.weight = nn.Parameter(torch.randn(HEADS, inputs, outputs) / math.sqrt(inputs))

    def forward(self, x: Tensor) -> Tensor:
        parts = x.unflatten(2, (HEADS, 1, self.inputs))
        return torch.matmul(parts, self.weight).flatten(2)


class MlstmBlock(Cell):
    """mLSTM twice as wide: queries and keys see the last four frames, values the present one; with a gate."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        wide = 2 * size
        self.up = nn.Linear(size, 2 * wide)
        self.convolution = CausalConvolution(wide)
        self.query, self.key, self.value = (HeadLinear(wide // HEADS, wide // HEADS) for _ in range(3))
        self.gate = gate_layer(wide)
        self.memory = MatrixMemory(wide)
        self.skip = nn.Parameter(torch.ones(wide))
        self.down = nn.Linear(wide, size)
        self.sizes = [self.convolution.state_size, self.memory.state_size]
        self.state_size = sum(self.sizes)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] -> the same shapes."""
        past, memory = state.split(self.sizes, 1)
        inner, beside = self.up(x).chunk(2, 2)
        recent, past = self.convolution(inner, past)
        recent = silu(recent)
        h, memory = self.memory(self.query(recent), self.key(recent), self.value(inner), self.gate(recent), memory)
        return self.down((h + self.skip * recent) * silu(beside)), torch.cat([past, memory], 1)


class SlstmBlock(Cell):
    """sLSTM whose input and forget gates see the last four frames, and a gated feed-forward layer behind it."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.convolution = CausalConvolution(size)
        self.cell_and_output, self.input_and_forget = nn.Linear(size, 2 * size), nn.Linear(size, 2 * size)
        self.step = SlstmStep(size)
        self.scale = nn.Parameter(torch.ones(size))
        inner = -(-4 * size // 3) // 8 * 8
        self.up, self.down = nn.Linear(size, 2 * inner), nn.Linear(inner, size)
        self.norm = nn.LayerNorm(size)
        open_forget_gates(self.input_and_forget.bias.data.view(HEADS, 2, -1)[:, 1])
        self.sizes = [self.convolution.state_size, 4 * size]
        self.state_size = sum(self.sizes)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] -> the same shapes."""
        past, memory = state.split(self.sizes, 1)
        recent, past = self.convolution(x, past)
        z, o = self._heads(self.cell_and_output(x))
        i, f = self._heads(self.input_and_forget(silu(recent)))
        h, memory = repeat(self.step, torch.stack([z, i, f, o], 3).flatten(2), memory)
        h = layer_norm(h.unflatten(2, (HEADS, -1)), (self.size // HEADS,)).flatten(2) * self.scale
        inner, beside = self.up(self.norm(x + h)).chunk(2, 2)
        return h + self.down(inner * gelu(beside)), torch.cat([past, memory], 1)

    @staticmethod
    def _heads(gates: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, frames, 2 size] -> two gates, [batch, frames, heads, size / heads]."""
        first, second = gates.unflatten(2, (HEADS, 2, -1)).unbind(3)
        return first, second


class XlstmCell(Cell):
    """An mLSTM block and an sLSTM block, each beside a residual path. The state is theirs."""

    def __init__(self, size: int) -> None:
        """`size`: a multiple of the four heads."""
        super().__init__(size)
        self.first, self.norm, self.second = MlstmBlock(size), nn.LayerNorm(size), SlstmBlock(size)
        self.sizes = [self.first.state_size, self.second.state_size]
        self.state_size = sum(self.sizes)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] -> the same shapes."""
        one, two = state.split(self.sizes, 1)
        y, one = self.first(x, one)
        z, two = self.second(self.norm(x + y), two)
        return y + z, torch.cat([one, two], 1)
