"""Batches used more than once, for machines that learn from them faster than they make them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

APART = 8
"""New batches between two uses of one, by when the network has changed."""

T = TypeVar("T")


def echoed(batches: Iterable[T], times: int) -> Iterator[T]:
    """Each batch `times` times, other ones in between (Choi et al. 2019, "Faster Neural Network Training with Data
    Echoing"). Features are augmented anew each time, waveforms are not. Before the first ones come back, only new
    batches are given, and those at the end of finite `batches` come back less often.
    """
    kept: list[T] = []
    most = 1 + APART * (times - 1)
    for batch in batches:
        kept = [batch, *islice(kept, most - 1)]
        yield from kept[::APART]
