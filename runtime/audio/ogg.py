"""Ogg files (RFC 3533): pages whose checksum is wrong or that are missing, chains of streams one after the other, and
several streams at once. libsndfile hears the first stream of a chain and passes over lost pages without a word.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece
from speech_lstm.runtime.audio.source import Part

_CODECS = {b"\x01vorbis": "Vorbis", b"OpusHead": "Opus", b"\x7fFLAC": "FLAC", b"Speex   ": "Speex"}
_OPUS_RATE = 48000
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
        version, flags, granule, serial, sequence, checksum, segments = _HEADER.unpack_from(data, at)
        content = at + 27 + segments
        size = 27 + segments + sum(data[at + 27 : content])
        if version or at + size > len(data):
            at = data.find(b"OggS", at + 1)
            continue
        sound = checksum == _checksum(data[at : at + 22] + bytes(4) + data[at + 26 : at + size])
        following = data[at + size : at + size + 4] in (b"OggS", b"")
        if sound or following:
            yield Page(at, size, flags, granule, serial, sequence, content, sound)
        at = at + size if sound or following else data.find(b"OggS", at + 1)


def ogg_layout(data: Bytes, track: int | None = None) -> Layout | None:
    """The pieces of the stream that is asked for, in each link of the chain; None for what is no Ogg sound."""
    links: list[list[Page]] = []
    began = False
    for page in pages(data):
        if page.begins and page.sound and not began:
            links.append([])
        began = page.begins and page.sound
        if links:
            links[-1].append(page)
    pieces: list[Piece] = []
    tracks: tuple[str, ...] = ()
    cut = False
    base = 0.0  # seconds before the link, as far as they are known
    for link in links:
        codecs = {page.serial: codec for page in link if page.begins and (codec := _codec(data, page))}
        if not codecs:
            continue
        tracks = tracks or tuple(codecs.values())
        was_cut = bool(pieces) and cut
        serial = list(codecs)[min(track or 0, len(codecs) - 1)]
        stream = _Stream(data, [page for page in link if page.serial == serial], codecs[serial])
        found = stream.pieces(base)
        pieces += [replace(piece, lost=piece.lost or was_cut) for piece in found[:1]] + found[1:]
        base += stream.seconds
        cut = not (stream.pages[-1].ends and stream.pages[-1].sound)
    if not pieces:
        return None
    if pieces[0].parts == ((0, len(data)),):
        pieces = [Piece()]
    return Layout(tuple(pieces), tracks if len(tracks) > 1 else (), cut)


class _Stream:
    """One stream of a link, all its pages."""

    def __init__(self, data: Bytes, found: Sequence[Page], codec: str) -> None:
        self.pages = found
        self._data = data
        self._rate = _rate(data, found[0])
        first = next((number for number, page in enumerate(found) if page.granule > 0), len(found))
        self._headers = found[:first]
        # Vorbis decoders get over a bad packet; others lose less by losing the page.
        self._body = [page for page in found[first:] if page.sound or codec == "Vorbis"]
        granules = [page.granule for page in self._body if page.granule > 0]
        self._origin = 0  # of a stream that was recorded from its middle on
        if len(granules) > 1 and granules[0] > 10 * self._rate:
            self._origin = max(0, 2 * granules[0] - granules[1])
        self.seconds = max(0, max(granules, default=0) - self._origin) / self._rate

    def pieces(self, base: float) -> list[Piece]:
        """The stretches between lost pages, of a stream that begins `base` seconds after the file does."""
        found: list[Piece] = []
        stretch: list[Page] = []
        before = self._headers[-1]
        for page in self._body:
            if page.sequence != before.sequence + 1 and stretch:
                found.append(self._piece(stretch, base, bool(found)))
                stretch = []
            stretch.append(page)
            before = page
        if stretch:
            found.append(self._piece(stretch, base, bool(found)))
        return found

    def _piece(self, stretch: Sequence[Page], base: float, lost: bool) -> Piece:
        parts: list[Part] = []
        for page in [*self._headers, *stretch]:
            if not page.sound:
                parts += _with_checksum(self._data, page)
            elif parts and isinstance(parts[-1], tuple) and sum(parts[-1]) == page.offset:
                parts[-1] = (parts[-1][0], parts[-1][1] + page.size)
            else:
                parts.append((page.offset, page.size))
        bad = next((page for page in stretch if not page.sound), None)
        start = base + self._begin(stretch[0]) if lost else None
        damaged = None if bad is None else base + self._begin(bad)
        return Piece(tuple(parts), start, lost, damaged, has_gaps=False)

    def _begin(self, page: Page) -> float:
        """Seconds at which a page begins. Lost pages before it count as long as the page is."""
        number = self._body.index(page)
        if number == 0:
            return 0.0
        before = self._body[number - 1]
        known = float(max(0, before.granule - self._origin))
        steps = page.sequence - before.sequence
        if steps > 1 and page.granule > before.granule:
            known += (page.granule - before.granule) * (steps - 1) / steps
        return known / self._rate


def _with_checksum(data: Bytes, page: Page) -> list[Part]:
    """A page as if its content were right."""
    end = page.offset + page.size
    checksum = _checksum(data[page.offset : page.offset + 22] + bytes(4) + data[page.offset + 26 : end])
    return [(page.offset, 22), checksum.to_bytes(4, "little"), (page.offset + 26, page.size - 26)]


def _codec(data: Bytes, page: Page) -> str | None:
    """What sound the stream has that the page begins."""
    return next(
        (name for mark, name in _CODECS.items() if data[page.content : page.content + 8].startswith(mark)), None
    )


def _rate(data: Bytes, page: Page) -> int:
    """Granules a second."""
    head = data[page.content : page.content + 64]
    if head.startswith(b"\x01vorbis"):
        rate = int.from_bytes(head[12:16], "little")
    elif head.startswith(b"Speex"):
        rate = int.from_bytes(head[36:40], "little")
    elif head.startswith(b"\x7fFLAC"):
        rate = int.from_bytes(head[27:30], "big") >> 4
    else:
        rate = _OPUS_RATE
    return rate or _OPUS_RATE


def _checksum(page: bytes) -> int:
    """CRC-32 of the polynomial 0x04c11db7, highest bit first, from zero: that of `zlib` is the same the other way."""
    value = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "big").translate(_REVERSED), "little")
