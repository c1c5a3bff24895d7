"""Ogg files (RFC 3533): pages whose checksum is wrong or that are missing, chains of streams one after the other, and
several streams at once. libsndfile hears the first stream of a chain and passes over lost pages without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from speech_lstm.runtime.audio.pages import Page, checksum, opus_begins, pages
from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece
from speech_lstm.runtime.audio.source import Part

GAP_SECONDS = 0.1
"""Less is no gap: encoders round."""

LATE_SECONDS = 30.0
"""Sound that begins later was recorded from the middle of a stream on, and begins with the file."""

_CODECS = {b"\x01vorbis": "Vorbis", b"OpusHead": "Opus", b"\x7fFLAC": "FLAC", b"Speex   ": "Speex"}
_OPUS_RATE = 48000


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
        pieces = [replace(pieces[0], parts=())]
    return Layout(tuple(pieces), tracks if len(tracks) > 1 else (), cut)


class _Stream:
    """One stream of a link, all its pages."""

    def __init__(self, data: Bytes, found: Sequence[Page], codec: str) -> None:
        self.pages = found
        self._data = data
        self._rate = _rate(data, found[0])
        first = next((number for number, page in enumerate(found) if page.granule > 0), len(found))
        self._headers = found[: max(1, first)]
        # Vorbis decoders get over a bad packet; others lose less by losing the page.
        self._body = [page for page in found[len(self._headers) :] if page.sound or codec == "Vorbis"]
        self._begins = opus_begins(data, self._body) if codec == "Opus" else self._guessed()
        self._origin = self._begins[0] if self._begins and self._begins[0] > LATE_SECONDS * self._rate else 0.0
        self.seconds = max(0.0, max((page.granule for page in self._body), default=0) - self._origin) / self._rate

    def pieces(self, base: float) -> list[Piece]:
        """The stretches between lost pages and gaps, of a stream that begins `base` seconds after the file does."""
        found: list[Piece] = []
        first = 0
        for number in range(1, len(self._body) + 1):
            if number == len(self._body) or self._breaks(number):
                found.append(self._piece(first, number, base))
                first = number
        return found

    def _breaks(self, number: int) -> bool:
        """Whether something is missing before a page."""
        before, page = self._body[number - 1], self._body[number]
        gap = self._begins[number] - before.granule if before.granule > 0 else 0
        return page.sequence != before.sequence + 1 or not before.sound or gap > GAP_SECONDS * self._rate

    def _piece(self, first: int, end: int, base: float) -> Piece:
        """Some of the pages."""
        parts: list[Part] = []
        for page in [*self._headers, *self._body[first:end]]:
            if not page.sound:
                parts += _withchecksum(self._data, page)
            elif parts and isinstance(parts[-1], tuple) and sum(parts[-1]) == page.offset:
                parts[-1] = (parts[-1][0], parts[-1][1] + page.size)
            else:
                parts.append((page.offset, page.size))
        bad = next((number for number in range(first, end) if not self._body[number].sound), None)
        start = base + self._seconds(first)
        before = self._body[first - 1] if first else self._headers[-1]
        lost = not before.sound or self._body[first].sequence != before.sequence + 1
        damaged = None if bad is None else base + self._seconds(bad)
        return Piece(tuple(parts), start if first or start > base else None, lost, damaged, has_gaps=False)

    def _seconds(self, number: int) -> float:
        """At which a page begins."""
        return max(0.0, self._begins[number] - self._origin) / self._rate

    def _guessed(self) -> list[float]:
        """Granules at which pages begin: lost pages before one count as long as it is."""
        begins: list[float] = []
        reached = None  # by the last page whose granule can be believed
        for number, page in enumerate(self._body):
            if reached is None:
                following = self._body[number + 1].granule if number + 1 < len(self._body) else 0
                begin = float(max(0, 2 * page.granule - following)) if page.granule > 10 * self._rate else 0.0
                reached = begin
            else:
                steps = page.sequence - self._body[number - 1].sequence
                share = (steps - 1) / steps if steps > 1 else 0.0
                begin = reached + max(0.0, page.granule - reached) * share
            begins.append(begin)
            following = self._body[number + 1].granule if number + 1 < len(self._body) else page.granule
            if page.granule > 0 and (page.sound or reached <= page.granule <= following):
                reached = float(page.granule)
        return begins


def _withchecksum(data: Bytes, page: Page) -> list[Part]:
    """A page as if its content were right."""
    end = page.offset + page.size
    value = checksum(data[page.offset : page.offset + 22] + bytes(4) + data[page.offset + 26 : end])
    return [(page.offset, 22), value.to_bytes(4, "little"), (page.offset + 26, page.size - 26)]


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
