"""The seam between the acoustic model and the networks in it."""

from torch import Tensor, nn


class Cell(nn.Module):
    """One recurrent layer over vectors of one size, with everything it remembers in one flat state.

    A sequence heard whole and the same sequence heard in parts, the state carried over, give the same outputs.
    """

    state_size: int
    """Numbers that a stream's state has."""

    def __init__(self, size: int) -> None:
        """`size`: of the input and output vectors."""
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] (zeros begin a stream) -> the same shapes."""
        raise NotImplementedError
