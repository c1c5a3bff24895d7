"""The gated recurrent unit of Cho et al. 2014, in the form of cuDNN: the reset gate acts after the matrix product."""

from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell


class GruCell(Cell):
    """One nn.GRU layer, which exports as one GRU node. The state is h."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.state_size = size
        self.gru = nn.GRU(size, size, batch_first=True)
        for gate in dict(self.gru.named_parameters())["weight_hh_l0"].split(size):
            nn.init.orthogonal_(gate)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, size] -> the same shapes."""
        y, h = self.gru(x, state[None].contiguous())
        return y, h[0]
