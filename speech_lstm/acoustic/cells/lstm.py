"""The long short-term memory of Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000."""

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell


class LstmCell(Cell):
    """One nn.LSTM layer, which exports as one LSTM node. The state is h, then c."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.state_size = 2 * size
        self.lstm = nn.LSTM(size, size, batch_first=True)
        values = dict(self.lstm.named_parameters())
        nn.init.zeros_(values["bias_hh_l0"])
        nn.init.zeros_(values["bias_ih_l0"])
        nn.init.ones_(values["bias_ih_l0"][size : 2 * size])  # forget gates start open (Jozefowicz et al. 2015)
        for gate in values["weight_hh_l0"].split(size):
            nn.init.orthogonal_(gate)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, 2 size] -> the same shapes."""
        h, c = state.split(self.size, dim=1)
        y, (h, c) = self.lstm(x, (h[None].contiguous(), c[None].contiguous()))
        return y, torch.cat([h[0], c[0]], dim=1)
