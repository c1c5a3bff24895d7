"""Of which pieces a file consists, by what it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath

from speech_lstm.runtime.audio.headers import mended
from speech_lstm.runtime.audio.mpeg import mpeg_layout
from speech_lstm.runtime.audio.ogg import ogg_layout
from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece, joined
from speech_lstm.runtime.audio.riff import wave_layout

_JUNK = 1 << 20
"""Bytes before the sound that are passed over."""

_BURIED = re.compile(
    rb"fLaC\x00\x00\x00\x22|OggS\x00\x02|(?:RIFF|RF64).{4}WAVE|FORM.{4}AIF[FC]|caff\x00\x01\x00\x00desc", re.DOTALL
)
_MPEG_SUFFIXES = (".mp3", ".mp2", ".mp1", ".mpga")


def layout_of(data: Bytes, name: str, track: int | None = None) -> Layout:
    """name: of the file. track: of an Ogg file, None for the first."""
    if data[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return wave_layout(data) or Layout()
    if data[:4] == b"OggS":
        return ogg_layout(data, track) or Layout()
    if data[:3] == b"ID3" or (data[0] == 255 and data[1:2] >= b"\xe0"):
        return mpeg_layout(data) or Layout()
    if files := list(joined(data)):
        pieces = [mended(data, at, length) for at, length in files]
        if len(pieces) == 1 and pieces[0].parts == ((0, len(data)),):
            pieces = [replace(pieces[0], parts=())]
        return Layout(tuple(pieces))
    if PurePath(name).suffix.lower() in _MPEG_SUFFIXES:
        return mpeg_layout(data) or Layout()
    return Layout()


def buried(data: Bytes, track: int | None = None) -> Layout | None:
    """The same for a file with something else before the sound, of which no decoder knows anything."""
    found = _BURIED.search(data, 1, _JUNK)
    if found is None:
        return None
    shift = found.start()
    layout = layout_of(data[shift:], "", track)

    def moved(piece: Piece) -> Piece:
        parts = piece.parts or ((0, len(data) - shift),)
        return replace(piece, parts=tuple(p if isinstance(p, bytes) else (p[0] + shift, p[1]) for p in parts))

    return replace(layout, pieces=tuple(map(moved, layout.pieces)))
