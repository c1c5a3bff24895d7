"""An LSTM whose forget gate is what its input gate leaves: Greff et al. 2017, "LSTM: A Search Space Odyssey" (CIFG)."""

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.lstm import run_lstm


class CoupledLstmCell(Cell):
    """f = 1 - i, so that three matrices in place of four are learned. The state is h, then c.

    1 - sigmoid(a) = sigmoid(-a): an LSTM whose forget gate has the input gate's weights with the other sign. So it
    trains and exports as one, in int8 too; the file holds the four matrices.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.state_size = 2 * size
        self.weight_x = nn.Parameter(torch.empty(3 * size, size))  # of i, g, o
        self.weight_h = nn.Parameter(torch.empty(3 * size, size))
        self.bias = nn.Parameter(torch.zeros(3 * size))
        for gate in (*self.weight_x.data.split(size), *self.weight_h.data.split(size)):
            nn.init.orthogonal_(gate)
        nn.init.constant_(self.bias.data[:size], -1.0)  # the memory is kept at first

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, 2 size] -> the same shapes."""
        weights = [
            torch.cat([values[: self.size], -values[: self.size], values[self.size :]])
            for values in (self.weight_x, self.weight_h, self.bias)
        ]
        return run_lstm(x, state, weights)
