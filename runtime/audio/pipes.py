"""Sound from a pipe while it comes: WAV, or samples without a header. Anything else is read to its end first."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Literal

from speech_lstm.runtime.audio.channels import Downmix
from speech_lstm.runtime.audio.files import read_blocks
from speech_lstm.runtime.audio.levels import INT16_IN_INT32, INVERTED
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples, StreamResampler, check_floats
from speech_lstm.runtime.audio.sndfile import SoundFile
from speech_lstm.runtime.audio.source import RawFormat, Source, Stream, stream_of
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

_LONGEST_CHUNK = 1 << 20  # bytes of a header
_PLACEHOLDER = 0x7FF00000  # a size from here on, or 0, means that nobody knew
_ENCODINGS = {
    (1, 8): "PCM_U8", (1, 16): "PCM_16", (1, 24): "PCM_24", (1, 32): "PCM_32", (3, 32): "FLOAT", (3, 64): "DOUBLE",
    (6, 8): "ALAW", (7, 8): "ULAW",
}  # fmt: skip
"""By format tag and bits of a sample."""


def live_blocks(
    source: Source, raw: RawFormat | None = None, channel: int | None = None, block_seconds: float = 0.02
) -> Iterator[Samples | AudioWarning]:
    """float32 [n] at 16 kHz, as soon as it is there, and what is wrong with it.

    raw: of samples without a header. channel: None for the average of all. AudioError where there is nothing to hear.
    """
    with stream_of(source) as (stream, name, _):
        try:
            form, end, head = (raw, None, b"") if raw else _header(stream, stream.read(12) or b"")
        except AudioError as error:
            raise AudioError(f"{name}: {error}") from None
        if form is None:
            yield from _later(_Rejoined(name, head, stream), channel, block_seconds)
            return
        try:
            if channel is not None and channel >= form.channels:
                raise AudioError(f"there is no channel {channel}; it has {form.channels}, counted from 0")
            with SoundFile(_Rejoined(name, b"", stream, end), raw=form) as file:
                yield from _now(file, channel, block_seconds)
        except AudioError as error:
            raise AudioError(f"{name}: {error}") from None


def _now(file: SoundFile, channel: int | None, block_seconds: float) -> Iterator[Samples | AudioWarning]:
    """What comes, block by block."""
    resampler, downmix = StreamResampler(file.samplerate), Downmix(file.channels)
    heard = 0
    told = scaled = False
    while len(block := file.read(max(1, round(block_seconds * file.samplerate)))):
        mono = downmix.accept(block if channel is None else block[:, [channel]])
        check_floats(mono, heard)
        heard += len(mono)
        if downmix.inverted and not told:
            told = True
            yield AudioWarning(heard / file.samplerate, "inverted", INVERTED)
        if file.is_int16_in_int32 and not scaled:
            scaled = True
            yield AudioWarning(heard / file.samplerate, "scale", INT16_IN_INT32)
        if (samples := resampler.accept(mono)).size:
            yield samples
    if not heard:
        raise AudioError("no samples came")
    yield resampler.finish()


def _later(stream: _Rejoined, channel: int | None, block_seconds: float) -> Iterator[Samples | AudioWarning]:
    """All of what has other headers, once it is over."""
    warnings: list[AudioWarning] = []
    step = max(1, round(block_seconds * SAMPLE_RATE))
    for block in read_blocks(stream, channel, report=warnings.append):
        yield from (block[start : start + step] for start in range(0, len(block), step))
    yield from warnings


def _header(stream: Stream, head: bytes) -> tuple[RawFormat | None, int | None, bytes]:
    """The samples of a WAV file of which the first 12 bytes are read, their bytes if that is known, and all that is
    read by now; no format for anything else.
    """
    order: Literal["big", "little"] = "big" if head[:4] == b"RIFX" else "little"
    form = None
    while head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        chunk = stream.read(8)
        head += chunk
        size = int.from_bytes(chunk[4:8], order)
        if len(chunk) < 8 or (chunk[:4] == b"data" and form is None):
            break
        if chunk[:4] == b"data":
            return form, size if 0 < size < _PLACEHOLDER else None, head
        if size > _LONGEST_CHUNK:
            break
        content = stream.read(size + size % 2)
        head += content
        if chunk[:4] == b"fmt " and len(content) >= 16:
            tag, channels, rate, bits = (
                int.from_bytes(content[first:last], order) for first, last in ((0, 2), (2, 4), (4, 8), (14, 16))
            )
            if tag == 0xFFFE:  # the tag proper is in the extension
                tag = int.from_bytes(content[24:26], order)
            encoding = _ENCODINGS.get((tag, bits))
            if encoding is None:
                break
            form = RawFormat(rate, channels, encoding, order.upper())
    return None, None, head


class _Rejoined(io.RawIOBase):
    """What was read of a stream and what comes, up to so many bytes; of a length that nobody knows."""

    def __init__(self, name: str, head: bytes, stream: Stream, end: int | None = None) -> None:
        self.name = name
        self._head = head
        self._stream = stream
        self._end = 1 << 62 if end is None else end
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """As far as libsndfile asks for the length and goes back to where it is."""
        return True

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To where it will be read on, or to the end to find that out."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As many bytes as there is room for, fewer at the end."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < min(len(view), self._end - self._at + done):
            data, self._head = self._head[: len(view) - done], self._head[len(view) - done :]
            data = data or self._stream.read(min(len(view) - done, self._end - self._at))
            if not data:
                break
            view[done : done + len(data)] = data
            done += len(data)
            self._at += len(data)
        return done
