"""Where a damaged FLAC file (RFC 9639) goes on: decoders stop at the first frame that they cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from speech_lstm.runtime.audio.pieces import Bytes, Piece

_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_LONGEST_FRAME = 1 << 20  # bytes
_LAST_BYTES = 1 << 17  # in which a frame begins
_MOST_SAMPLES = (1 << 36) - 1


def _crc16_of(value: int) -> int:
    """Of one byte, by the polynomial 0x8005."""
    value <<= 8
    for _ in range(8):
        value = value << 1 ^ (0x18005 if value & 0x8000 else 0)
    return value


_CRC16 = tuple(map(_crc16_of, range(256)))


def resume(data: Bytes, begin: int, end: int, sample: int, after: int) -> tuple[Piece, int] | None:
    """The rest of the file in data[begin:end] from the first whole frame on that begins at `sample` or later.

    after: offset from which to look. Returns the piece, whose `start` is relative to that of the file, and the offset
    of its frame; None where there are no more frames.
    """
    header = _header(data, begin, end)
    if header is None:
        return None
    sound, rate, fixed_block = header
    candidate: tuple[int, int] | None = None  # offset and first sample of a frame
    for place in _places(data, max(after, sound), end):
        if candidate is not None and _is_whole(data, candidate[0], place):
            break
        candidate = None
        number = _frame_number(data[place : place + 16]) if place < end else None
        if number is not None:
            first = number if data[place + 1] & 1 else number * fixed_block
            candidate = (place, first) if first >= sample else None
    if candidate is None:
        return None
    place, first = candidate
    return Piece(((begin, sound - begin), (place, end - place)), start=first / rate, lost=True), place


def is_longer(data: Bytes, begin: int, end: int) -> bool:
    """Whether its last frame begins where it should be over, by what its header says, and where decoders stop."""
    header = _header(data, begin, end)
    total = int.from_bytes(data[begin + 21 : begin + 26], "big") & _MOST_SAMPLES
    if header is None or not total:
        return False
    sound, _, fixed_block = header
    for found in reversed(list(_SYNC.finditer(data, max(sound, end - _LAST_BYTES), end))):
        number = _frame_number(data[found.start() : found.start() + 16])
        if number is not None:
            return (number if data[found.start() + 1] & 1 else number * fixed_block) >= total
    return False


def _places(data: Bytes, after: int, end: int) -> Iterator[int]:
    """Where frames may begin, and the end."""
    for found in _SYNC.finditer(data, after, end):
        if _frame_number(data[found.start() : found.start() + 16]) is not None:
            yield found.start()
    yield end


def _is_whole(data: Bytes, begin: int, end: int) -> bool:
    """Whether a frame has the checksum that it ends with."""
    if end - begin > _LONGEST_FRAME:
        return False
    value = 0
    for byte in data[begin : end - 2]:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value == int.from_bytes(data[end - 2 : end], "big")


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
