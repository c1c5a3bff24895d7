"""The CMU Pronouncing Dictionary as a file that is searched without being read."""

import mmap
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .tokens import PHONES

Pronunciation = tuple[str, ...]
"""Phones of one way to say a word, such as ("L", "AY", "T")."""

DICTIONARY = Path(__file__).parents[1] / "data" / "cmudict.txt"
"""Sorted lines "word code code ...", see `encode`; lines that start with # are comments."""

_PHONE_OF = {chr(ord("A") + index): phone for index, phone in enumerate(PHONES)}
_CODE_OF = {phone: code for code, phone in _PHONE_OF.items()}


def encode(phones: Iterable[str]) -> str:
    """Phones as the dictionary file writes them: one character each, "A" for the first of `PHONES`."""
    return "".join(_CODE_OF[phone] for phone in phones)


def decode(code: str) -> Pronunciation:
    """The phones that `encode` wrote."""
    return tuple(_PHONE_OF[char] for char in code)


def dictionary_pronunciations(word: str) -> tuple[Pronunciation, ...]:
    """All pronunciations of a lower-case word in the dictionary, the usual one first; empty when it is not there."""
    if not word.replace("'", "").isalpha():
        return ()
    lines = _dictionary()
    key = word.encode() + b" "
    low, high = 0, len(lines)  # both always at the start of a line
    while low < high:
        start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
        if lines[start : start + len(key)] < key:
            low = lines.find(b"\n", start) + 1
        else:
            high = start
    if lines[low : low + len(key)] != key:
        return ()
    codes = lines[low + len(key) : lines.find(b"\n", low)].decode("ascii")
    return tuple(decode(code) for code in codes.split())


@cache
def _dictionary() -> mmap.mmap:
    """The dictionary file, mapped and not read: pages load as look-ups touch them."""
    with DICTIONARY.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
