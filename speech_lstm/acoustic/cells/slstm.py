"""sLSTM of Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", section 2.2: an LSTM with exponential gates."""

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.recurrence import Step, repeat

HEADS = 4
NO_MEMORY = -1e30
"""The stabiliser of a memory in which nothing is."""


class SlstmStep(Step):
    """The recurrence, given what the input brings to the four gates. The state is h, c, n, m of `size` each.

    With z, i, f, o = W x + R h + b, where R has a block for each head:
    m' = max(i, m + log sigmoid(f)); c = exp(log sigmoid(f) + m - m') c + exp(i - m') tanh(z), n the same with 1 for
    tanh(z); h = sigmoid(o) c / n. The stabiliser m keeps the exponentials at 1 or less; n is at least 1 from the
    first frame on.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.inputs, self.outputs, self.state_size = 4 * size, size, 4 * size
        self.head = size // HEADS
        self.recurrent = nn.Parameter(torch.zeros(HEADS, self.head, 4 * self.head))  # as the authors begin

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, heads * 4 * head]: z, i, f, o of a head together; state [batch, 4 size] -> h, state."""
        (h, c, n, m), *_ = self.explain(x, state)
        return h, torch.cat([h, c, n, m], 1)

    def explain(self, x: Tensor, state: Tensor) -> tuple[tuple[Tensor, ...], Tensor, Tensor, Tensor]:
        """The four parts of the next state, and what multiplies tanh(z), c and c / n."""
        h, c, n, m = state.chunk(4, 1)
        mixed = torch.matmul(h.reshape(-1, HEADS, 1, self.head), self.recurrent)  # [batch, heads, 1, 4 head]
        gates = x.reshape(-1, HEADS, 4, self.head) + mixed.reshape(-1, HEADS, 4, self.head)
        z, i, f, o = (gate.reshape(-1, self.outputs) for gate in gates.unbind(2))
        kept = torch.where(n > 0, m, NO_MEMORY) - nn.functional.softplus(-f)  # a Log of a Sigmoid would give -inf
        m = torch.maximum(i, kept)
        take, keep, give = (i - m).exp(), (kept - m).exp(), o.sigmoid()
        c, n = keep * c + take * z.tanh(), keep * n + take
        return (give * c / n, c, n, m), take, keep, give


def open_forget_gates(bias: Tensor) -> None:
    """Biases of the forget gates [heads, head], in place: memories of three frames to four hundred."""
    bias.copy_(torch.linspace(1.0, 6.0, bias.shape[1]).expand_as(bias))


class SlstmCell(Cell):
    """sLSTM over vectors. The state is h, c, n, m."""

    def __init__(self, size: int) -> None:
        """`size`: a multiple of the four heads."""
        super().__init__(size)
        if size % HEADS:
            raise ValueError(f"the size of an sLSTM must be a multiple of {HEADS}, not {size}")
        self.state_size = 4 * size
        self.input = nn.Linear(size, 4 * size)
        self.step = SlstmStep(size)
        nn.init.zeros_(self.input.bias)
        open_forget_gates(self.input.bias.data.view(HEADS, 4, -1)[:, 2])

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, 4 size] -> the same shapes."""
        return repeat(self.step, self.input(x), state)

    def gates(self, x: Tensor, state: Tensor) -> dict[str, Tensor]:
        """What happens inside: "input", "forget", "output" gate and "cell", each [batch, frames, size].

        The gates are those that the stabiliser leaves, from 0 to 1, and the cell is what they read, c / n.
        """
        found: dict[str, list[Tensor]] = {name: [] for name in ("input", "forget", "output", "cell")}
        for frame in self.input(x).unbind(1):
            (h, c, n, m), take, keep, give = self.step.explain(frame, state)
            for name, value in zip(found, (take, keep, give, c / n), strict=True):
                found[name].append(value)
            state = torch.cat([h, c, n, m], 1)
        return {name: torch.stack(values, 1) for name, values in found.items()}
