"""The long short-term memory of Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell


class LstmCell(Cell):
    """One nn.LSTM layer, which exports as one LSTM node. The state is h, then c.

    i, f, o = sigmoid(W x + R h + b), g = tanh(W x + R h + b); c = f c + i g; h = o tanh(c)
    """

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

    def gates(self, x: Tensor, state: Tensor) -> dict[str, Tensor]:
        """What happens inside: "input", "forget", "output" gate and "cell", each [batch, frames, size]."""
        y, _ = self(x, state)
        before = torch.cat([state[:, None, : self.size], y[:, :-1]], 1)
        weight_x, weight_h, bias_x, bias_h = (value for _, value in self.lstm.named_parameters())
        sums = nn.functional.linear(x, weight_x, bias_x) + nn.functional.linear(before, weight_h, bias_h)
        i, f, g, o = sums.chunk(4, dim=2)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        cells, c = [], state[:, self.size :]
        for frame in range(x.shape[1]):
            c = f[:, frame] * c + i[:, frame] * g[:, frame]
            cells.append(c)
        return {"input": i, "forget": f, "output": o, "cell": torch.stack(cells, 1)}


def run_lstm(x: Tensor, state: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The kernel of nn.LSTM with weights that are computed from others.

    x [batch, frames, inputs]; state [batch, 2 cells]; weights: [4 cells, inputs], [4 cells, cells], [4 cells] of the
    gates i, f, g, o -> h [batch, frames, cells], state.
    """
    weight_x, weight_h, bias = weights
    h, c = (part[None].contiguous() for part in state.chunk(2, dim=1))
    y, h, c = torch.lstm(
        x, (h, c), [weight_x, weight_h, bias, torch.zeros_like(bias)], True, 1, 0.0, False, False, True
    )
    return y, torch.cat([h[0], c[0]], dim=1)
