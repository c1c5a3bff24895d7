"""The simple recurrent network of Elman 1990: no gates, the memory is the last output."""

from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell


class RnnCell(Cell):
    """One nn.RNN layer with tanh, which exports as one RNN node. The state is h.

    h = tanh(W x + R h + b)
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.state_size = size
        self.rnn = nn.RNN(size, size, batch_first=True)
        nn.init.orthogonal_(dict(self.rnn.named_parameters())["weight_hh_l0"])  # Saxe et al. 2014

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, size] -> the same shapes."""
        y, h = self.rnn(x, state[None].contiguous())
        return y, h[0]
