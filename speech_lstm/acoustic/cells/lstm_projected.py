"""The LSTM with a recurrent projection of Sak et al. 2014, "LSTM recurrent neural network architectures for LVCSR"."""

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.lstm import run_lstm

CELLS_PER_OUTPUT = 2


class ProjectedLstmCell(Cell):
    """Twice as many memory cells as outputs; the gates see the outputs r = P h. The state is h, then c.

    R r = (R P) h: an LSTM with the product as its recurrent matrix and P behind it. ONNX has no LSTM with a projection,
    and so it has: the file holds the product, in int8 too.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        memory = CELLS_PER_OUTPUT * size
        self.state_size = 2 * memory
        self.weight_x = nn.Parameter(torch.empty(4 * memory, size))  # of i, f, g, o
        self.weight_r = nn.Parameter(torch.empty(4 * memory, size))
        self.bias = nn.Parameter(torch.zeros(4 * memory))
        self.projection = nn.Parameter(torch.empty(size, memory))
        for matrix in (*self.weight_x.data.split(memory), *self.weight_r.data.split(memory), self.projection.data):
            nn.init.orthogonal_(matrix)
        nn.init.ones_(self.bias.data[memory : 2 * memory])  # forget gates start open

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, 4 size] -> the same shapes."""
        recurrent = torch.matmul(self.weight_r, self.projection).to(self.bias.dtype)  # autocast reduces it
        h, state = run_lstm(x, state, [self.weight_x, recurrent, self.bias])
        return nn.functional.linear(h, self.projection), state
