"""WAV files: one sound or several, of sizes that may be wrong: never written by a recorder that was killed or wrote to
pipes, written too early, or followed by another file.

Of several chunks of sound, libsndfile hears none or the first and FFmpeg the last; here all are heard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece
from speech_lstm.runtime.audio.source import Part

Order = Literal["big", "little"]

UNKNOWN = b"\xff\xff\xff\xff"
"""A size that readers take for "to the end of the file"."""
PLACEHOLDER = 0x7FF00000
"""From here on a size may be one of a file that was never finished."""
WIDE_PLACEHOLDER = 1 << 62
"""The same for a size of 64 bits."""
TRAILER = 4096
"""Bytes after the sound that may be anything."""
_RIFF = re.compile(rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE", re.DOTALL)
KNOWN = re.compile(rb"data|fmt |LIST|fact|bext|iXML|id3 |ID3 |JUNK|junk|FLLR|PAD |PEAK|cue |smpl|inst")
"""Names of chunks."""


@dataclass(frozen=True)
class Chunk:
    """`size`: of the content, which begins at `offset`. `end`: where the next one begins."""

    name: bytes
    offset: int
    size: int
    end: int


def wave_chunks(data: Bytes, at: int, order: Order, wide: int | None = None) -> Iterator[Chunk]:
    """What looks like a chunk of a WAV file, one after the other, from an offset on; the last one may be cut off.

    wide: the size of sound whose chunk does not say it, in files with sizes of 64 bits, unless a chunk ds64 does.
    """
    while at + 8 <= len(data) and not _RIFF.match(data, at):
        name, begin, size = data[at : at + 4], at + 8, int.from_bytes(data[at + 4 : at + 8], order)
        if not name.isascii() or not name.decode("ascii").isprintable():
            return
        if name == b"ds64":
            wide = int.from_bytes(data[begin + 8 : begin + 16], "little") or WIDE_PLACEHOLDER
        elif name == b"data" and wide is not None and size in (0, 0xFFFFFFFF):
            size = wide
        at = begin + size
        if size % 2 and not (at < len(data) and KNOWN.match(data, at)):  # some writers forget to fill up
            at += 1
        yield Chunk(name, begin, size, at)


def wave_layout(data: Bytes) -> Layout | None:
    """The pieces of WAV files, one after the other, or of an AVI file; None where there is none."""
    if data[8:12] == b"AVI ":  # of which FFmpeg notices only what is left
        share = len(data) / max(8 + int.from_bytes(data[4:8], "little"), len(data))
        return Layout((Piece(share=share),))
    pieces: list[Piece] = []
    at: int | None = 0
    while at is not None and (sounds := _sounds(data, at)):
        piece, end = sounds[-1].piece()
        pieces += _before(sounds)
        if sounds[-1].size or sounds[-1].begin < end or not pieces:
            pieces.append(piece)
        following = _RIFF.search(data, end)
        at = following.start() if following and following.start() - end <= TRAILER else None
    if not pieces:
        return None
    if len(pieces) == 1 and pieces[0].parts == ((0, len(data)),):
        pieces = [replace(pieces[0], parts=())]
    return Layout(tuple(pieces))


@dataclass(frozen=True)
class _Sound:
    """Sound of the WAV file at `at`, in the chunk `chunk`, whose size may be wrong.

    `form`: the chunk with its format, b"" for a file that libsndfile understands: one with one sound.
    """

    data: Bytes
    at: int
    chunk: Chunk
    form: bytes = b""

    @property
    def begin(self) -> int:
        """Where it begins."""
        return self.chunk.offset

    @property
    def size(self) -> int:
        """Bytes of it, if that is true."""
        return self.chunk.size

    def piece(self) -> tuple[Piece, int]:
        """What to read, and where the file ends, with the chunks after its sound. It must be the last of the file."""
        end = self._after_chunks(self.chunk.end)
        if end is not None:
            return Piece(self._until(end)), end
        following = _RIFF.search(self.data, self.begin)
        end = following.start() if following else len(self.data)
        is_wide = _is_wide(self.data, self.at)
        if self.chunk.end <= end or (is_wide and self.size >= WIDE_PLACEHOLDER):
            return Piece((self.open_header(), (self.begin, end - self.begin))), end
        is_cut = self.size < (WIDE_PLACEHOLDER if is_wide else PLACEHOLDER)
        share = (end - self.begin) / self.size if is_cut else 1.0
        return Piece(self._until(end), share=share), end

    def _after_chunks(self, at: int) -> int | None:
        """The end of the chunks from there on; None where they go on as chunks do not, so that the size is wrong."""
        if at > len(self.data) + 1:
            return None
        for chunk in wave_chunks(self.data, at, _order(self.data, self.at)):
            at = chunk.end
        if self.size == 0:  # no sound at all, if it is exact
            return at if at == len(self.data) else None
        at = min(at, len(self.data))
        is_end = len(self.data) - at <= TRAILER or _RIFF.search(self.data, at, at + TRAILER)
        return at if is_end else None

    def _until(self, end: int) -> tuple[Part, ...]:
        """The sound in a file that ends there."""
        if self.form:
            return self.open_header(), (self.begin, min(self.size, end - self.begin))
        return ((self.at, end - self.at),)

    def open_header(self) -> bytes:
        """The header with a size that readers take for "all that comes"."""
        until_form = self.data[self.at : self.at + 12] + self.form + b"data"
        header = (until_form if self.form else self.data[self.at : self.begin - 4]) + UNKNOWN
        return b"RIFF" + header[4:].replace(b"ds64", b"JUNK", 1) if _is_wide(self.data, self.at) else header


def _sounds(data: Bytes, at: int) -> list[_Sound]:
    """Those of the file that begins there; none where no file does."""
    found: list[_Sound] = []
    form = b""
    is_odd = False
    wide = WIDE_PLACEHOLDER if _is_wide(data, at) else None
    for chunk in wave_chunks(data, at + 12, _order(data, at), wide) if _RIFF.match(data, at) else ():
        if chunk.name == b"fmt ":
            form = data[chunk.offset - 8 : chunk.end]
        elif chunk.name == b"data":
            found.append(_Sound(data, at, chunk, form))
        is_odd |= bool((chunk.end - at) % 2) and chunk.name != b"data"
    return [replace(found[0], form=b"")] if len(found) == 1 and not is_odd else found


def _before(sounds: Sequence[_Sound]) -> Iterator[Piece]:
    """Those before the last of a file. Their sizes are right, as each leads to the next; of sound in one format, they
    are one piece of whole frames.
    """
    for form, group in groupby((sound for sound in sounds[:-1] if sound.size), lambda sound: sound.form):
        alike = list(group)
        frame = max(1, int.from_bytes(form[20:22], _order(alike[0].data, alike[0].at)))
        yield Piece((alike[0].open_header(), *((s.begin, s.size - s.size % frame) for s in alike)))


def _is_wide(data: Bytes, at: int) -> bool:
    """Whether sizes have 64 bits (EBU Tech 3306)."""
    return data[at : at + 4] in (b"RF64", b"BW64")


def _order(data: Bytes, at: int) -> Order:
    return "big" if data[at : at + 4] == b"RIFX" else "little"
