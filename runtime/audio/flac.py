"""Where a damaged FLAC file (RFC 9639) goes on: decoders stop at the first frame that they cannot read."""

from __future__ import annotations

import re

from speech_lstm.runtime.audio.pieces import Bytes, Piece

_SYNC = re.compile(rb"\xff[\xf8\xf9]")


def resume(data: Bytes, begin: int, end: int, sample: int, after: int) -> tuple[Piece, int] | None:
    """The rest of the file in data[begin:end] from the first frame on that begins at `sample` or later.

    after: offset from which to look. Returns the piece, whose `start` is relative to that of the file, and the offset
    of its frame; None where there are no more frames.
    """
    header = _header(data, begin, end)
    if header is None:
        return None
    sound, rate, fixed_block = header
    for found in _SYNC.finditer(data, max(after, sound), end):
        place = found.start()
        number = _frame_number(data[place : place + 16])
        if number is None:
            continue
        first = number if data[place + 1] & 1 else number * fixed_block
        if first >= sample:
            parts = ((begin, sound - begin), (place, end - place))
            return Piece(parts, start=first / rate, lost=True), place
    return None


def _header(data: Bytes, begin: int, end: int) -> tuple[int, int, int] | None:
    """Where the frames begin, sample rate, and the samples of all blocks but the last where these are equally long."""
    at = begin + 4
    rate = block = 0
    while at + 4 <= end:
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        if kind & 127 == 0:
            block = int.from_bytes(data[at + 4 : at + 6], "big")
            rate = int.from_bytes(data[at + 14 : at + 17], "big") >> 4
        at += 4 + size
        if kind & 128:
            return (at, rate, block) if rate and at < end else None
    return None


def _frame_number(header: bytes) -> int | None:
    """The number in what may be the header of a frame: of the frame or, with variable blocks, of its first sample."""
    if len(header) < 16 or header[2] >> 4 == 0 or header[2] & 15 == 15 or header[3] >> 4 > 10 or header[3] & 1:
        return None
    lead = header[4]
    more = 0 if lead < 128 else (8 - (lead ^ 255).bit_length()) - 1  # ones before the first zero, less one
    if more > 6 or 128 <= lead < 192:
        return None
    number = lead if not more else lead & (63 >> more)
    for byte in header[5 : 5 + more]:
        if byte >> 6 != 2:
            return None
        number = number << 6 | byte & 63
    at = 5 + more + {6: 1, 7: 2}.get(header[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    return number if at < len(header) and _crc8(header[:at]) == header[at] else None


def _crc8(data: bytes) -> int:
    """Of the polynomial 0x07."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value << 1 ^ (0x107 if value & 128 else 0)
    return value
