"""What a file consists of: stretches that a decoder can read each on its own.

Most files are one piece. Files that were joined are several, and so are those of which a part is damaged: decoders stop
at the first end or the first damage, or pass over it and say nothing.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from speech_lstm.runtime.audio.source import AudioFile, Part

Bytes = mmap.mmap | bytes
"""The content of a file."""


@dataclass(frozen=True)
class Piece:
    """`parts`: what a decoder is given, () for the file as it is.

    `start`: seconds from the beginning of the file as far as it is known, None: right after the piece before.
    `lost`: whether something before it cannot be read. `damaged`: where something in it is damaged, seconds from the
    beginning of the file. `seconds`: how long it should be, None where nothing says so. `share`: of its sound that is
    there, by the size that its header states. `has_gaps`: whether gaps in its times are gaps in the sound.
    """

    parts: tuple[Part, ...] = ()
    start: float | None = None
    lost: bool = False
    damaged: float | None = None
    seconds: float | None = None
    share: float = 1.0
    has_gaps: bool = True


@dataclass(frozen=True)
class Gap:
    """Time of the file without sound, seconds. `damaged`: because a decoder could not read what was there."""

    start: float
    seconds: float
    damaged: bool


@dataclass(frozen=True)
class Layout:
    """`pieces` in order. `tracks`: what each of several tracks is. `cut`: whether the end of the file is missing."""

    pieces: tuple[Piece, ...] = (Piece(),)
    tracks: tuple[str, ...] = ()
    cut: bool = False


def content(file: AudioFile) -> Bytes:
    """To be closed by nobody: it goes with the last reference."""
    try:
        return mmap.mmap(file.file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # a file system without it, or a file that is empty by now
        file.file.seek(0)
        return file.file.read()


_INITIAL = b"".join(b"\\x%02x" % value for value in range(256) if value & 8)  # the first of the blocks for all channels

_SIGNATURES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        rb"fLaC\x00\x00\x00\x22",
        rb"FORM.{4}(?:AIF[FC]|8SVX|16SV)",
        rb"\.snd\x00\x00[\x00-\x0f].{5}\x00\x00\x00.\x00[\x00-\x0b]..\x00\x00",
        rb"caff\x00\x01\x00\x00desc",
        rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb",  # W64
        rb"#!AMR(?:-WB)?\n",
        rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09",
        rb"TTA[12][\x01-\x03]\x00",
        rb"wvpk.{4}[\x02-\x10]\x04.{6}\x00\x00\x00\x00.{5}[" + _INITIAL + rb"]",  # WavPack's first block
        rb"\x1a\x45\xdf\xa3.{0,48}?\x42\x82.{1,9}?(?:webm|matroska)",
        rb"MAC [\x80-\x9f]\x0f",
        rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9",  # ASF
    )
)
"""How files begin whose decoders stop at the end of the first of several."""


def joined(data: Bytes) -> Iterator[tuple[int, int]]:
    """Offset and length of each of several files in one; nothing for other files."""
    signature = next((pattern for pattern in _SIGNATURES if pattern.match(data)), None)
    starts = [found.start() for found in signature.finditer(data)] if signature else list(_movies(data))
    yield from ((start, end - start) for start, end in pairwise([*starts, len(data)]))


_MOVIE = re.compile(rb"\x00\x00\x00[\x10-\x60]ftyp[3a-zM][ -z]{3}\x00\x00")


def _movies(data: Bytes) -> Iterator[int]:
    """Where MPEG-4 files begin: each has one box "ftyp" on the top level, before its index."""
    if data[4:8] != b"ftyp":
        return
    at, last, had_index = 0, 0, True
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8 or at + size > len(data) or not kind.isascii():  # cut off before, and another may follow
            found = _MOVIE.search(data, last + 8)
            if found is None:
                return
            at, had_index = found.start(), True
            continue
        if kind == b"ftyp" and had_index:
            yield at
            had_index = False
        had_index = had_index or kind == b"moov"
        at, last = at + size, at
