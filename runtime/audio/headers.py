"""Headers that say how much sound there is, and are wrong: never written by a recorder that was killed or wrote into a
pipe, written too early, or followed by another file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from speech_lstm.runtime.audio import flac
from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece

Order = Literal["big", "little"]

_UNKNOWN = b"\xff\xff\xff\xff"  # a size that readers take for "to the end of the file"
_PLACEHOLDER = 0x7FF00000  # from here on a size may be one of a file that was never finished
_WIDE_PLACEHOLDER = 1 << 62
_TRAILER = 4096  # bytes after the sound that may be anything
_RIFF = re.compile(rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE", re.DOTALL)


@dataclass(frozen=True)
class Chunk:
    """`size`: of the content, which begins at `offset`, as it is written."""

    name: bytes
    offset: int
    size: int

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + self.size + self.size % 2


def wave_chunks(data: Bytes, at: int, order: Order) -> Iterator[Chunk]:
    """What looks like a chunk of a WAV file, one after the other, from an offset on; the last one may be cut off."""
    while at + 8 <= len(data) and not _RIFF.match(data, at):
        chunk = Chunk(data[at : at + 4], at + 8, int.from_bytes(data[at + 4 : at + 8], order))
        if not chunk.name.isascii() or not chunk.name.decode("ascii").isprintable():
            return
        yield chunk
        at = chunk.end


def wave_layout(data: Bytes) -> Layout | None:
    """The pieces of WAV files, one after the other, or of an AVI file; None where there is none."""
    if data[8:12] == b"AVI ":  # of which FFmpeg notices only what is left
        share = len(data) / max(8 + int.from_bytes(data[4:8], "little"), len(data))
        return Layout((Piece(share=share),))
    pieces: list[Piece] = []
    at: int | None = 0
    while at is not None and (wave := _Wave.find(data, at)) is not None:
        piece, end = wave.piece()
        pieces.append(piece)
        following = _RIFF.search(data, end)
        at = following.start() if following and following.start() - end <= _TRAILER else None
    if not pieces:
        return None
    if len(pieces) == 1 and pieces[0].parts == ((0, len(data)),):
        pieces = [replace(pieces[0], parts=())]
    return Layout(tuple(pieces))


@dataclass(frozen=True)
class _Wave:
    """A WAV file at `at`, whose sound begins at `begin` and has `size` bytes, if that is true."""

    data: Bytes
    at: int
    begin: int
    size: int

    @classmethod
    def find(cls, data: Bytes, at: int) -> _Wave | None:
        """The file that begins there."""
        size64 = 0
        for chunk in wave_chunks(data, at + 12, _order(data, at)) if _RIFF.match(data, at) else ():
            if chunk.name == b"ds64":
                size64 = int.from_bytes(data[chunk.offset + 8 : chunk.offset + 16], "little")
            elif chunk.name == b"data":
                size = chunk.size
                if _is_wide(data, at) and size in (0, 0xFFFFFFFF):
                    size = size64 or _WIDE_PLACEHOLDER
                return cls(data, at, chunk.offset, size)
        return None

    def piece(self) -> tuple[Piece, int]:
        """What to read, and where the file ends, with the chunks after its sound."""
        stated = self.begin + self.size + self.size % 2
        end = self._after_chunks(stated)
        if end is not None:
            return Piece(((self.at, end - self.at),)), end
        following = _RIFF.search(self.data, self.begin)
        end = following.start() if following else len(self.data)
        is_wide = _is_wide(self.data, self.at)
        if stated <= end or (is_wide and self.size >= _WIDE_PLACEHOLDER):
            return Piece((self._open_header(), (self.begin, end - self.begin))), end
        is_cut = self.size < (_WIDE_PLACEHOLDER if is_wide else _PLACEHOLDER)
        share = (end - self.begin) / self.size if is_cut else 1.0
        return Piece(((self.at, end - self.at),), share=share), end

    def _after_chunks(self, at: int) -> int | None:
        """The end of the chunks from there on; None where they go on as chunks do not, so that the size is wrong."""
        if at > len(self.data) + 1:
            return None
        for chunk in wave_chunks(self.data, at, _order(self.data, self.at)):
            at = chunk.end
        if self.size == 0:  # no sound at all, if it is exact
            return at if at == len(self.data) else None
        at = min(at, len(self.data))
        is_end = len(self.data) - at <= _TRAILER or _RIFF.search(self.data, at, at + _TRAILER)
        return at if is_end else None

    def _open_header(self) -> bytes:
        """The header with a size that readers take for "all that comes"."""
        header = self.data[self.at : self.begin - 4] + _UNKNOWN
        return b"RIFF" + header[4:].replace(b"ds64", b"JUNK", 1) if _is_wide(self.data, self.at) else header


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
        return Piece((data[at : at + 8] + _UNKNOWN, (at + 12, length - 12)))
    if name == b"caff" and not 0 < size <= rest:
        header = data[at : begin - 12] + (rest + 4).to_bytes(8, "big")
        return Piece((header, (begin - 4, rest + 4)), share=rest / size if rest < size < _WIDE_PLACEHOLDER else 1.0)
    is_cut = rest < size < (_PLACEHOLDER if name in (b".snd", b"FORM") else _WIDE_PLACEHOLDER)
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


def _is_wide(data: Bytes, at: int) -> bool:
    """Whether sizes have 64 bits (EBU Tech 3306)."""
    return data[at : at + 4] in (b"RF64", b"BW64")


def _order(data: Bytes, at: int) -> Order:
    return "big" if data[at : at + 4] == b"RIFX" else "little"
