"""The denominator of MMI and the phones of the best path, against sums and searches over all paths."""

from __future__ import annotations

import itertools
import math

import pytest

pytest.importorskip("torch")

import torch

from speech_lstm.data.phone_bigram import best_phones
from speech_lstm.training.denominator import Bigram, Denominator

SEQUENCES = [(1, 2), (2, 1, 1), (3,), (1, 3, 2)]


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    """CTC: repeats merged, then blanks dropped."""
    return tuple(token for token, before in zip(path, (None, *path), strict=False) if token != before and token)


def prior(bigram: Bigram, phones: tuple[int, ...]) -> float:
    """Probability of a phone sequence that has one at least."""
    first = float(bigram.start[phones[0] - 1])
    moves = math.prod(float(bigram.move[a - 1, b - 1]) for a, b in itertools.pairwise(phones))
    return first * moves * float(bigram.end[phones[-1] - 1])


@pytest.fixture(scope="module")
def bigram() -> Bigram:
    return Bigram(SEQUENCES, phones=3)


def random_log_probs(frames: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(frames, 4, generator=generator)).log_softmax(-1)


def test_bigram_is_a_distribution(bigram: Bigram) -> None:
    assert float(bigram.start.sum()) == pytest.approx(1)
    assert torch.allclose(bigram.move.sum(1) + bigram.end, torch.ones(3))
    assert bigram.start[0] > bigram.start[1]  # two of four begin with 1


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_sum_over_all_paths(bigram: Bigram, frames: int) -> None:
    log_probs = random_log_probs(frames, seed=frames)
    total = 0.0
    for path in itertools.product(range(4), repeat=frames):
        weight = prior(bigram, phones) if (phones := collapse(path)) else 1e-3  # of silence alone
        total += weight * math.exp(sum(float(log_probs[t, token]) for t, token in enumerate(path)))
    padded = torch.cat([log_probs, random_log_probs(3, seed=9)])[None]
    assert float(Denominator(bigram)(padded, torch.tensor([frames]))) == pytest.approx(math.log(total), abs=1e-5)


def test_gradient_is_that_of_finite_differences(bigram: Bigram) -> None:
    frames = torch.tensor([6, 1, 4])
    log_probs = torch.stack([random_log_probs(6, seed) for seed in range(3)]).requires_grad_()
    denominator = Denominator(bigram)
    weights = torch.tensor([1.0, -2.0, 0.5])
    (weights * denominator(log_probs, frames)).sum().backward()
    assert log_probs.grad is not None
    step = 1e-2
    for row, frame, token in itertools.product(range(3), range(6), range(4)):
        changed = [log_probs.detach().clone() for _ in range(2)]
        for sign, values in zip((1, -1), changed, strict=True):
            values[row, frame, token] += sign * step
        up, down = ((weights * denominator(values, frames)).sum() for values in changed)
        expected = float(up - down) / (2 * step)
        assert float(log_probs.grad[row, frame, token]) == pytest.approx(expected, abs=2e-3)
    assert log_probs.grad[1, 1:].abs().max() == 0  # after the end


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_graph_finds_the_same(bigram: Bigram) -> None:
    log_probs = torch.stack([random_log_probs(6, seed) for seed in range(3)])
    frames = torch.tensor([6, 1, 4])
    denominator, found = Denominator(bigram), []
    for device in ("cpu", "cuda", "cuda"):  # made, and used again
        values = log_probs.detach().to(device).requires_grad_()
        total = denominator.to(device)(values, frames.to(device))
        total.sum().backward()
        assert values.grad is not None
        found.append((total.detach().cpu(), values.grad.cpu()))
    torch.testing.assert_close(found[1], found[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[2], found[0], atol=1e-4, rtol=1e-4)


def test_long_and_certain_input_does_not_underflow(bigram: Bigram) -> None:
    log_probs = (300 * torch.randn(1, 3000, 4, generator=torch.Generator().manual_seed(0))).log_softmax(-1)
    log_probs.requires_grad_()
    total = Denominator(bigram)(log_probs, torch.tensor([3000]))
    total.sum().backward()
    assert torch.isfinite(total).all() and log_probs.grad is not None
    assert torch.allclose(log_probs.grad.sum(-1), torch.ones(1, 3000), atol=1e-3)  # one token a frame


@pytest.mark.parametrize("seed", range(6))
def test_best_phones_are_those_of_the_best_of_all_paths(bigram: Bigram, seed: int) -> None:
    log_probs = random_log_probs(6, seed)
    scores = {
        path: math.log(prior(bigram, phones)) + sum(float(log_probs[t, token]) for t, token in enumerate(path))
        for path in itertools.product(range(4), repeat=5)
        if (phones := collapse(path))
    }
    best = max(scores, key=scores.__getitem__)
    padded = torch.stack([log_probs, random_log_probs(6, 77)])
    assert best_phones(padded.numpy(), [5, 6], bigram.counted)[0] == list(collapse(best))
