"""mLSTM of Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", section 2.3: a matrix as memory."""

import math

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells.cell import Cell
from speech_lstm.acoustic.cells.recurrence import Step, in_steps, repeat

HEADS = 4
BLOCK = 16
"""Frames that are computed together; in a longer sequence blocks follow one another."""
NOTHING = -1e30
"""Logarithm of the weight of what does not count."""
MOST = 80.0
"""Above it a float32 exponential would overflow."""

Memory = tuple[Tensor, Tensor, Tensor]
"""C [..., d, d], n [..., d] and the stabiliser m [...] of each head."""


class MlstmStep(Step):
    """One frame of all heads. The state is C, n and m.

    m' = max(i, m + log sigmoid(f)); C = exp(log sigmoid(f) + m - m') C + exp(i - m') k v^T, n so with k for k v^T;
    h = C^T q / max(|n q|, exp(-m')), where k is divided by the root of d before.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.head = size // HEADS
        self.inputs, self.outputs = 3 * size + 2 * HEADS, size
        self.sizes = [size * self.head, size, HEADS]
        self.state_size = sum(self.sizes)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, inputs]: q, k, v, i, f; state [batch, state_size] -> h [batch, size], state."""
        q, k, v, i, f = self.split(x)
        c, n, m = self.memory(state)
        kept = m - nn.functional.softplus(-f)  # a Log of a Sigmoid would give -inf
        m = torch.maximum(i, kept)
        take, keep = (i - m).exp()[..., None], (kept - m).exp()[..., None]
        c = keep[..., None] * c + (take * k)[..., :, None] * v[..., None, :]
        n = keep * n + take * k
        read = torch.matmul(q[..., None, :], c)[..., 0, :]
        h = read / _floor((n * q).sum(-1), m)[..., None]
        return h.flatten(1), torch.cat([c.flatten(1), n.flatten(1), m], 1)

    def split(self, x: Tensor) -> list[Tensor]:
        """[..., inputs] -> q, k, v [..., heads, head], i, f [..., heads], where k has been divided."""
        width = HEADS * self.head
        q, k, v, i, f = x.split([width, width, width, HEADS, HEADS], -1)
        q, k, v = (part.unflatten(-1, (HEADS, self.head)) for part in (q, k, v))
        return [q, k / math.sqrt(self.head), v, i, f]

    def memory(self, state: Tensor) -> Memory:
        """[batch, state_size] -> C, n, m."""
        c, n, m = state.split(self.sizes, 1)
        return c.unflatten(1, (HEADS, self.head, self.head)), n.unflatten(1, (HEADS, self.head)), m


def chunkwise(q: Tensor, k: Tensor, v: Tensor, i: Tensor, f: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """The steps of a sequence without going through its frames: q, k, v [batch, heads, frames, d], i, f without d.

    Inside a block each frame looks back at every one, weighted as the gates have it (the paper's parallel form,
    appendix A.3); the memories between the blocks, which are sums of what each block adds, all come from one product.
    """
    frames, d = q.shape[2], q.shape[3]
    pad = (BLOCK - frames % BLOCK) % BLOCK  # such frames change nothing
    q, k, v = (_blocks(nn.functional.pad(x, (0, 0, 0, pad))) for x in (q, k, v))  # [batch, h, n, B, d]
    i = _blocks(nn.functional.pad(i, (0, pad), value=NOTHING)[..., None])[..., 0]  # [batch, h, n, B]
    log_f = _blocks(nn.functional.pad(-nn.functional.softplus(-f), (0, pad))[..., None])[..., 0]

    among = _sums_between(log_f)  # [batch, h, n, B, B]: decay from a frame to a later one
    since = log_f.cumsum(-1)  # from the block's beginning
    added = i + among[..., -1, :]  # log weights in the memory after the block
    most = added.amax(-1)
    weighted = (added - most[..., None]).exp()[..., None] * k
    c, n, m = memory
    updates = torch.cat([c[:, :, None], torch.matmul(weighted.transpose(-1, -2), v)], 2)  # [batch, h, 1 + n, d, d]
    sums = torch.cat([n[:, :, None], weighted.sum(-2)], 2)
    log_weights = torch.cat([m[:, :, None], most], 2)[..., None, :] + _sums_between(
        nn.functional.pad(since[..., -1], (1, 0))
    )
    marks = log_weights.amax(-1)  # m before each block, and after the last
    weights = (log_weights - marks[..., None]).exp()  # [batch, h, 1 + n, 1 + n]
    matrices = torch.matmul(weights, updates.flatten(3)).unflatten(3, (d, d))
    sums = torch.matmul(weights, sums)

    inside = among + i[..., None, :]
    earlier = since + marks[:, :, :-1, None]
    m = torch.maximum(inside.amax(-1), earlier)
    scores = (inside - m[..., None]).exp() * torch.matmul(q, k.transpose(-1, -2))
    carried = (earlier - m).exp()[..., None] * q
    read = torch.matmul(scores, v) + torch.matmul(carried, matrices[:, :, :-1])
    norm = scores.sum(-1) + torch.matmul(carried, sums[:, :, :-1, :, None])[..., 0]
    h = (read / _floor(norm, m)[..., None]).flatten(2, 3)[:, :, :frames]
    return h, (matrices[:, :, -1], sums[:, :, -1], marks[:, :, -1])


def _floor(norm: Tensor, m: Tensor) -> Tensor:
    return torch.maximum(norm.abs(), (-m).clamp(max=MOST).exp())


def _blocks(x: Tensor) -> Tensor:
    """[batch, heads, frames, d] -> [batch, heads, frames / BLOCK, BLOCK, d]."""
    return x.reshape(x.shape[0], HEADS, -1, BLOCK, x.shape[-1])


def _sums_between(x: Tensor) -> Tensor:
    """[..., n] -> [..., n, n]: x after the column up to the row, and NOTHING above the diagonal.

    Without differences of long sums, which would lose what float32 has.
    """
    ones = torch.ones(x.shape[-1], x.shape[-1], device=x.device)
    terms = x[..., :, None] * ones.tril(-1)
    return terms.cumsum(-2) + NOTHING * ones.triu(1)


class MatrixMemory(nn.Module):
    """mLSTM for queries, keys and values that are there already, normalised head by head. The state is C, n and m."""

    def __init__(self, size: int) -> None:
        """`size`: a multiple of the four heads."""
        super().__init__()
        if size % HEADS:
            raise ValueError(f"the size of an mLSTM must be a multiple of {HEADS}, not {size}")
        self.step = MlstmStep(size)
        self.state_size = self.step.state_size
        self.scale = nn.Parameter(torch.ones(size))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, gates: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """q, k, v [batch, frames, size], gates i and f [batch, frames, 2 heads], state -> h as q, state."""
        x = torch.cat([q, k, v, gates], 2)
        if in_steps(x):
            h, state = repeat(self.step, x, state)
        else:
            with torch.autocast(x.device.type, enabled=False):
                q, k, v, i, f = (part.transpose(1, 2) for part in self.step.split(x.to(state.dtype)))
                h, memory = chunkwise(q, k, v, i, f, self.step.memory(state))
            h, state = h.transpose(1, 2).flatten(2), torch.cat([part.flatten(1) for part in memory], 1)
        h = nn.functional.layer_norm(h.unflatten(2, (HEADS, -1)), (self.step.head,)).flatten(2)
        return h * self.scale, state


def gate_layer(inputs: int) -> nn.Linear:
    """The layer of the input and forget gates: they do not depend on the input at first, as the authors begin."""
    layer = nn.Linear(inputs, 2 * HEADS)
    nn.init.zeros_(layer.weight)
    nn.init.normal_(layer.bias.data[:HEADS], std=0.1)
    layer.bias.data[HEADS:] = torch.linspace(3.0, 6.0, HEADS)
    return layer


class MlstmCell(Cell):
    """mLSTM over vectors. The state is C, n and m of each head: size^2 / 4 numbers and a few more."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.memory = MatrixMemory(size)
        self.state_size = self.memory.state_size
        self.read = nn.Linear(size, 3 * size)  # q, k, v
        self.gate = gate_layer(size)
        self.out = nn.Linear(size, size)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """x [batch, frames, size], state [batch, state_size] -> the same shapes."""
        h, state = self.memory(*self.read(x).chunk(3, 2), self.gate(x), state)
        return self.out(x).sigmoid() * h, state
