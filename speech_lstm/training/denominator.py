"""The denominator of lattice-free maximum mutual information: all phone sequences, weighted by a phone bigram.

Povey et al. 2016, "Purely sequence-trained neural networks for ASR based on lattice-free MMI", over the CTC topology
as in Hadian et al. 2018. The loss of an utterance is log Z, from here, minus the CTC log-probability of its phones.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from speech_lstm.data.phone_bigram import TINY, PhoneBigram


class Bigram(nn.Module):
    """A `PhoneBigram` counted in token sequences, with its arrays as tensors that follow the module to a device."""

    start: Tensor
    move: Tensor
    end: Tensor

    def __init__(self, sequences: Iterable[Sequence[int]], phones: int, smoothing: float = 0.5) -> None:
        """As `PhoneBigram.counted`."""
        super().__init__()
        self.counted = PhoneBigram.counted(sequences, phones, smoothing)
        for name, values in vars(self.counted).items():
            self.register_buffer(name, torch.from_numpy(values.copy()))


class Denominator(nn.Module):
    """log Z of utterances: the summed probability of all paths of all phone sequences.

    States: n phones, n times "blank after that phone", one blank before the first phone. A phone that follows itself
    needs a blank between. Sums run in the probability domain, scaled in each frame; the gradient, the probability of
    each token in each frame, is found by the same sums from the end (Baum 1972).
    """

    arcs: Tensor
    first: Tensor
    final: Tensor

    def __init__(self, bigram: Bigram) -> None:
        super().__init__()
        n = len(bigram.start)
        phone, blank = torch.arange(n), n + torch.arange(n)
        arcs = torch.zeros(2 * n + 1, 2 * n + 1)
        arcs[:n, :n] = bigram.move
        arcs[phone, phone] = 1.0
        arcs[phone, blank] = 1.0
        arcs[blank, blank] = 1.0
        arcs[n : 2 * n, :n] = bigram.move
        arcs[2 * n, 2 * n] = 1.0
        arcs[2 * n, :n] = bigram.start
        self.register_buffer("arcs", arcs)
        self.register_buffer("first", torch.cat([bigram.start, torch.zeros(n), torch.ones(1)]))
        self.register_buffer("final", torch.cat([bigram.end, bigram.end, torch.full((1,), 1e-3)]))

    def forward(self, log_probs: Tensor, frames: Tensor) -> Tensor:
        """float32 log_probs [batch, time, 1 + n] and their frames [batch], at least 1 each -> log Z [batch]."""
        total: Tensor = _LogZ.apply(log_probs, frames, self.arcs, self.first, self.final)
        return total


class _LogZ(torch.autograd.Function):
    """The sums of `_forward_backward`, of which those from the end are needed for the gradient alone."""

    @staticmethod
    def forward(ctx: Any, log_probs: Tensor, frames: Tensor, arcs: Tensor, first: Tensor, final: Tensor) -> Tensor:
        run = _in_a_graph if log_probs.is_cuda else _forward_backward
        total, occupancy = run(log_probs, frames, arcs, first, final)
        ctx.save_for_backward(occupancy)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (occupancy,) = ctx.saved_tensors
        return occupancy * gradients[0][:, None, None], None, None, None, None


@torch.no_grad()
def _forward_backward(
    log_probs: Tensor, frames: Tensor, arcs: Tensor, first: Tensor, final: Tensor
) -> tuple[Tensor, Tensor]:
    """log Z [batch], and the probability of each token in each frame [batch, time, 1 + n], 0 after the end."""
    batch, time, tokens = log_probs.shape
    n = tokens - 1
    probs = log_probs.transpose(0, 1).exp()  # [time, batch, tokens]
    emit = torch.cat([probs[:, :, 1:], probs[:, :, :1].expand(-1, -1, tokens)], 2)
    alphas, scales = torch.empty_like(emit), emit.new_empty(time, batch)
    alpha = first * emit[0]
    for t in range(time):
        if t:
            alpha = (alpha @ arcs) * emit[t]
        scales[t] = scale = alpha.sum(1) + TINY
        alphas[t] = alpha = alpha / scale[:, None]
    last = frames - 1
    ends = alphas[last, torch.arange(batch, device=last.device)]  # [batch, states]
    total = scales.log().cumsum(0).gather(0, last[None])[0] + ((ends * final).sum(1) + TINY).log()

    back = arcs.T.contiguous()
    betas = torch.empty_like(alphas)
    beta = final.expand(batch, -1)
    steps = torch.arange(time, device=frames.device)
    is_last = (steps[:, None] >= last)[:, :, None]
    for t in range(time - 1, -1, -1):
        if t < time - 1:
            beta = (beta * emit[t + 1]) @ back
            beta = torch.where(is_last[t], final, beta / (beta.sum(1, keepdim=True) + TINY))
        betas[t] = beta
    share = alphas * betas
    share = share / (share.sum(2, keepdim=True) + TINY)
    blank = share[:, :, n:].sum(2, keepdim=True)
    occupancy = torch.cat([blank, share[:, :, :n]], 2).transpose(0, 1)
    return total, occupancy * (steps < frames[:, None])[:, :, None]


GROUP = 64
"""Graphs are made for batches of so many, twice as many, and so on."""

_graphs: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, list[Tensor], tuple[Tensor, Tensor]]] = {}


@torch.no_grad()
def _in_a_graph(log_probs: Tensor, frames: Tensor, arcs: Tensor, first: Tensor, final: Tensor) -> tuple[Tensor, Tensor]:
    """`_forward_backward` as a CUDA graph for each shape: one launch in place of a dozen a frame."""
    batch, time, tokens = log_probs.shape
    spare = -batch % GROUP
    inputs = [
        torch.cat([log_probs.detach(), log_probs.new_zeros(spare, time, tokens)]),
        torch.cat([frames, frames.new_ones(spare)]),
        arcs, first, final,
    ]  # fmt: skip
    key = (log_probs.device.index, *inputs[0].shape)
    if key not in _graphs:
        held = [values.clone() for values in inputs]
        precision = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")  # errors add up over the frames
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # what a library prepares when it is first called cannot be captured
            _forward_backward(*held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # the loader's thread pins memory meanwhile
            found = _forward_backward(*held)
        torch.set_float32_matmul_precision(precision)
        _graphs[key] = (graph, held, found)
    graph, held, (total, occupancy) = _graphs[key]
    for to, values in zip(held, inputs, strict=True):
        to.copy_(values)
    graph.replay()
    return total[:batch].clone(), occupancy[:batch].clone()
