"""Damage to bytes, such as transmission, disks, programs and attackers do to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

HEADER = 256
"""Bytes at the beginning of a file that are hit more often than others."""

_EXTREME = (0, 1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutated(content: bytes, others: Sequence[bytes], random: Generator) -> bytes:
    """One to four kinds of damage to some content; `others`: what may be spliced into it."""
    for _ in range(int(random.integers(1, 5))):
        kind = _KINDS[int(random.integers(len(_KINDS)))]
        content = kind(bytearray(content), others, random) if content else content
    return content


def _place(content: bytearray, random: Generator) -> int:
    most = min(HEADER, len(content)) if random.random() < 0.5 else len(content)
    return int(random.integers(most))


def _length(content: bytearray, random: Generator) -> int:
    return min(len(content), int(np.exp(random.uniform(0, np.log(len(content) + 1)))))


def _flip_bits(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    for _ in range(int(random.integers(1, 17))):
        content[_place(content, random)] ^= 1 << int(random.integers(8))
    return bytes(content)


def _write_number(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    """A number that headers should not have, of one to eight bytes."""
    size = int(random.choice([1, 2, 4, 8]))
    value = int(random.choice(_EXTREME)) % (1 << 8 * size)
    at = _place(content, random)
    content[at : at + size] = value.to_bytes(size, "little" if random.random() < 0.5 else "big")
    return bytes(content)


def _overwrite(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    at, size = _place(content, random), _length(content, random)
    filling = random.bytes(size) if random.random() < 0.5 else bytes([int(random.choice([0, 255]))]) * size
    content[at : at + size] = filling
    return bytes(content)


def _cut(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    return bytes(content[: int(random.integers(len(content)))])


def _delete(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    at = _place(content, random)
    del content[at : at + _length(content, random)]
    return bytes(content)


def _insert(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    at = _place(content, random)
    content[at:at] = random.bytes(_length(content, random))
    return bytes(content)


def _repeat(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    at = _place(content, random)
    content[at:at] = content[at : at + _length(content, random)]
    return bytes(content)


def _join(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    return bytes(content) + others[int(random.integers(len(others)))]


def _splice(content: bytearray, others: Sequence[bytes], random: Generator) -> bytes:
    other = others[int(random.integers(len(others)))]
    return bytes(content[: int(random.integers(len(content)))]) + other[int(random.integers(len(other))) :]


_KINDS: tuple[Callable[[bytearray, Sequence[bytes], Generator], bytes], ...] = (
    _flip_bits,
    _flip_bits,
    _write_number,
    _write_number,
    _overwrite,
    _cut,
    _delete,
    _insert,
    _repeat,
    _join,
    _splice,
)
