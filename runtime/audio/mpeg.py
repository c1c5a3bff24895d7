"""MPEG audio (ISO 11172-3, 13818-3): frames one after the other, and what stands between them: tags, junk, other files.

libmpg123 gives up after a kilobyte of junk, ends where the first of several files said that it would, and keeps the
first sample rate for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece
from speech_lstm.runtime.audio.source import Part

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version: 1, 2, 2.5
_KBITS = {  # by version 1 or not, layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_INFO = re.compile(rb"Xing|Info|VBRI")
_LEAST_GAP = 0.05  # seconds; the last frame of a file may be incomplete
_SLACK = 0.5  # seconds by which a file may be shorter than it says
_TRAILER = 4096  # bytes after the sound that may be anything
_TAGS = (b"ID3", b"TAG", b"APETAGEX")


@dataclass(frozen=True)
class Header:
    """Of a frame: bytes, samples of a channel, what a decoder keeps for all frames, and the rate in it."""

    size: int
    samples: int
    kind: tuple[int, int, int, bool]
    """Version, layer, sample rate, whether it is mono."""

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.kind[2]


@lru_cache(4096)
def _header(key: bytes) -> Header | None:
    """None for what is no header, and for free bit rates, whose length nothing says."""
    if len(key) < 4 or key[0] != 255 or key[1] & 224 != 224:
        return None
    version, layer = key[1] >> 3 & 3, 4 - (key[1] >> 1 & 3)
    bits, rate, padding = key[2] >> 4, key[2] >> 2 & 3, key[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate == 3:
        return None
    hertz = _RATES[version][rate]
    per_second = 1000 * _KBITS[version == 3, layer][bits - 1]
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    size = (12 * per_second // hertz + padding) * 4 if layer == 1 else samples // 8 * per_second // hertz + padding
    return Header(size, samples, (version, layer, hertz, key[3] >> 6 == 3))


def mpeg_layout(data: Bytes) -> Layout | None:
    """The pieces of MPEG audio; None where there is none, or whose frames cannot be found."""
    pieces: list[Piece] = []
    run = kind = None
    clock = promised = per_byte = 0.0  # seconds; of a byte
    end = 0
    for run in _runs(data):
        gap = 0.0 if run.after_tag or not pieces else (run.begin - end) * per_byte
        clock += gap
        is_cut = promised > clock + _SLACK and (run.promised > 0 or run.kind != kind)
        start = clock if gap > _LEAST_GAP else None
        pieces.append(Piece(run.parts(data), start, start is not None or is_cut))
        kind = run.kind
        if run.promised or is_cut:
            promised = clock + run.promised
        clock += run.seconds
        per_byte = run.seconds / (run.end - run.begin)
        end = run.end
    if run is None:
        return None
    last = _header(data[end : end + 4])
    is_cut = last is not None and last.kind == run.kind and end + last.size > len(data)
    if not promised and not is_cut and len(data) - end > _TRAILER and _after_tags(data, end) == end:
        promised = clock + (len(data) - end) * per_byte
    if promised > clock:
        pieces[-1] = replace(pieces[-1], seconds=run.seconds + promised - clock)
    if len(pieces) == 1 and len(pieces[0].parts) == 1:
        pieces = [replace(pieces[0], parts=())]
    return Layout(tuple(pieces), cut=is_cut)


@dataclass
class _Run:
    """Frames without a break that a decoder can read as one. `after_tag`: whether nothing but tags is before it.
    `promised`: seconds that its first frame says there are.
    """

    begin: int
    end: int
    after_tag: bool
    kind: tuple[int, int, int, bool]
    promised: float = 0.0
    seconds: float = 0.0
    frames: int = 0
    is_constant: bool = True
    """Whether all frames but the first have the same bit rate."""

    def parts(self, data: Bytes) -> tuple[Part, ...]:
        """The frames, and one before them that says how many they are, where libsndfile would guess it from the bit
        rate of the first one and hear no more.
        """
        every = (self.begin, self.end - self.begin)
        _, layer, _, is_mono = self.kind
        if layer != 3 or (self.promised >= self.seconds - _SLACK if self.promised else self.is_constant):
            return (every,)
        first = _header(data[self.begin : self.begin + 4])
        if self.promised and first is not None:  # what it says is wrong
            every = (self.begin + first.size, every[1] - first.size)
        key = bytes((255, data[self.begin + 1] | 1, data[self.begin + 2] & 12 | 0xC0, data[self.begin + 3] & 0xC0))
        header = _header(key)
        assert header is not None
        side = (17 if is_mono else 32) if self.kind[0] == 3 else 9 if is_mono else 17
        info = key + bytes(side) + b"Xing" + (1).to_bytes(4, "big") + self.frames.to_bytes(4, "big")
        return info.ljust(header.size, b"\0"), every


def _runs(data: Bytes) -> Iterator[_Run]:
    at = _after_tags(data, 0)
    after_tag = True
    before = 0  # bit rate, as it is coded
    run: _Run | None = None
    while at < len(data):
        header = _header(data[at : at + 4])
        if header is None or at + header.size > len(data) or (run is None and not _goes_on(data, at, header)):
            if run:
                yield run
            run = None
            behind = _after_tags(data, at)
            after_tag = behind > at and at > 0
            at = behind if after_tag else _next(data, at + 1)
            continue
        if run and (header.kind != run.kind or _INFO.search(data, at + 4, at + min(44, header.size))):
            yield run
            run, after_tag = None, True
        if run is None:
            run = _Run(at, at, after_tag, header.kind, _promised(data, at, header) * header.samples / header.rate)
        bits = data[at + 2] >> 4
        run.is_constant = run.is_constant and (run.frames < 2 or bits == before)
        before = bits
        run.frames += 1
        at += header.size
        run.end = at
        run.seconds += header.samples / header.rate
    if run:
        yield run


def _promised(data: Bytes, at: int, header: Header) -> int:
    """Frames of the file according to the first one, 0 where it says nothing."""
    found = _INFO.search(data, at + 4, at + min(44, header.size))
    if not found:
        return 0
    place = found.end()
    if found.group() == b"VBRI":
        return int.from_bytes(data[place + 10 : place + 14], "big")
    return int.from_bytes(data[place + 4 : place + 8], "big") if data[place + 3] & 1 else 0


def _goes_on(data: Bytes, at: int, header: Header) -> bool:
    """Whether another frame of its kind, a tag, or the end of the file follows: four bytes may be an accident."""
    end = at + header.size
    following = _header(data[end : end + 4])
    if following is not None:
        return following.kind[:3] == header.kind[:3]
    return end == len(data) or any(data[end : end + len(tag)] == tag for tag in _TAGS)


def _next(data: Bytes, at: int) -> int:
    """Where a frame begins that others follow; the end where there is none."""
    for found in _SYNC.finditer(data, at):
        header = _header(data[found.start() : found.start() + 4])
        if header is not None and _goes_on(data, found.start(), header):
            return found.start()
    return len(data)


def _after_tags(data: Bytes, at: int) -> int:
    """The end of the tags that begin there."""
    while True:
        if data[at : at + 3] == b"ID3" and len(data) >= at + 10:
            size = 0
            for byte in data[at + 6 : at + 10]:
                size = size << 7 | byte & 127
            at += 10 + size + (10 if data[at + 5] & 16 else 0)
        elif data[at : at + 3] == b"TAG":
            at += 128
        elif data[at : at + 8] == b"APETAGEX" and len(data) >= at + 32:
            is_header = data[at + 23] & 32
            at += 32 + (int.from_bytes(data[at + 12 : at + 16], "little") if is_header else 0)
        else:
            return at
