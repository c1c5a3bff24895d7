"""Headers that say how much sound there is, and are wrong: never written by a recorder that was killed or wrote into a
pipe, or written too early. WAV files are in `riff`.
"""

from __future__ import annotations

from speech_lstm.runtime.audio import flac
from speech_lstm.runtime.audio.pieces import Bytes, Piece
from speech_lstm.runtime.audio.riff import PLACEHOLDER, UNKNOWN, WIDE_PLACEHOLDER, Order


def mended(data: Bytes, at: int, length: int) -> Piece:
    """An AU, CAF, AIFF, W64 or FLAC file with a size that readers can use; any other file as it is."""
    if data[at : at + 4] == b"fLaC" and flac.is_longer(data, at, at + length):
        unknown = bytes((data[at + 21] & 0xF0, 0, 0, 0, 0))
        return Piece(((at, 21), unknown, (at + 26, length - 26)))
    begin, size = _sound(data, at, at + length)
    rest = at + length - begin
    if size is None or rest <= 0:
        return Piece(((at, length),))
    name = data[at : at + 4]
    if name == b".snd" and size == 0:
        return Piece((data[at : at + 8] + UNKNOWN, (at + 12, length - 12)))
    if name == b"caff" and not 0 < size <= rest:
        header = data[at : begin - 12] + (rest + 4).to_bytes(8, "big")
        return Piece((header, (begin - 4, rest + 4)), share=rest / size if rest < size < WIDE_PLACEHOLDER else 1.0)
    is_cut = rest < size < (PLACEHOLDER if name in (b".snd", b"FORM") else WIDE_PLACEHOLDER)
    return Piece(((at, length),), share=rest / size if is_cut else 1.0)


def _sound(data: Bytes, at: int, end: int) -> tuple[int, int | None]:
    """Where the sound of one of these begins, and its size as it is written; None where it is not found."""
    kind = data[at : at + 4]
    if kind == b".snd":
        return at + int.from_bytes(data[at + 4 : at + 8], "big"), int.from_bytes(data[at + 8 : at + 12], "big")
    if kind == b"FORM":
        return _chunk(data, at + 12, end, b"SSND", 4, 4, "big", 8)
    if kind == b"caff":
        return _chunk(data, at + 8, end, b"data", 4, 8, "big", 4)
    if kind == b"riff":
        return _chunk(data, at + 40, end, b"data", 16, 8, "little", -24)
    return at, None


def _chunk(
    data: Bytes, at: int, end: int, name: bytes, names: int, sizes: int, order: Order, skipped: int
) -> tuple[int, int | None]:
    """Where the content of a chunk begins, and its size.

    names, sizes: bytes of a chunk's name and size. skipped: bytes before the sound that the size counts, or, below 0,
    bytes of the name and the size, which it counts too (W64, where chunks begin at multiples of 8).
    """
    while at + names + sizes <= end:
        size = int.from_bytes(data[at + names : at + names + sizes], order)
        begin = at + names + sizes
        if data[at : at + len(name)] == name:
            return begin + max(0, skipped), max(0, size - abs(skipped))
        at = at + max(24, size + -size % 8) if skipped < 0 else begin + size + (size % 2 if names == sizes else 0)
    return at, None
