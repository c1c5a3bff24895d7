"""The pages of Ogg (RFC 3533), and when those of Opus begin (RFC 6716, 7845)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speech_lstm.runtime.audio.pieces import Bytes

_HEADER = struct.Struct("<4xBBqIII B")
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))  # the bits of each byte


@dataclass(frozen=True)
class Page:
    """`granule`: samples up to its end, -1 where no packet ends in it. `sound`: whether its checksum is right."""

    offset: int
    size: int
    flags: int
    granule: int
    serial: int
    sequence: int
    content: int
    sound: bool

    @property
    def begins(self) -> bool:
        """Whether it is the first of its stream."""
        return bool(self.flags & 2)

    @property
    def ends(self) -> bool:
        """Whether it is the last of its stream."""
        return bool(self.flags & 4)


def pages(data: Bytes) -> Iterator[Page]:
    """All pages, in order; what is between them is passed over."""
    at = data.find(b"OggS")
    while at >= 0 and at + 27 <= len(data):
        version, flags, granule, serial, sequence, stated, segments = _HEADER.unpack_from(data, at)
        content = at + 27 + segments
        size = 27 + segments + sum(data[at + 27 : content])
        if version or at + size > len(data):
            at = data.find(b"OggS", at + 1)
            continue
        sound = stated == checksum(data[at : at + 22] + bytes(4) + data[at + 26 : at + size])
        following = data[at + size : at + size + 4] in (b"OggS", b"")
        if sound or following:
            yield Page(at, size, flags, granule, serial, sequence, content, sound)
        at = at + size if sound or following else data.find(b"OggS", at + 1)


def checksum(page: bytes) -> int:
    """CRC-32 of the polynomial 0x04c11db7, highest bit first, from zero: that of `zlib` is the same the other way."""
    value = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "big").translate(_REVERSED), "little")


def opus_begins(data: Bytes, found: Sequence[Page]) -> list[float]:
    """The granule at which each page of a stream begins: that of its end less the samples of its packets."""
    begins: list[float] = []
    head = b""  # of a packet that goes on in the next page
    for page in found:
        head = head if page.flags & 1 else b""
        samples, at = 0, page.content
        starts = not head
        for size in data[page.offset + 27 : page.content]:
            head = data[at : at + 2] if starts else head
            at += size
            starts = size < 255
            samples += _opus_samples(head) if starts else 0
        head = b"" if starts else head
        before = begins[-1] if begins else 0.0
        begins.append(float(max(0, page.granule - samples)) if page.granule > 0 else before)
    return begins


def _opus_samples(head: bytes) -> int:
    """Of a packet, at 48 kHz, by its first two bytes."""
    if not head:
        return 0
    config, code = head[0] >> 3, head[0] & 3
    if config < 12:
        size = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        size = (480, 960)[config & 1]
    else:
        size = (120, 240, 480, 960)[config & 3]
    frames = (1, 2, 2, head[1] & 63 if len(head) > 1 else 0)[code]
    return size * frames
