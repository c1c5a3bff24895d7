"""Sound from a pipe while it comes: WAV, or samples without a header. Anything else is read to its end first."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator

from speech_lstm.runtime.audio.channels import Downmix
from speech_lstm.runtime.audio.files import read_blocks
from speech_lstm.runtime.audio.levels import INT16_IN_INT32, INVERTED
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples, StreamResampler, check_floats
from speech_lstm.runtime.audio.riff import KNOWN, PLACEHOLDER, TRAILER, Order
from speech_lstm.runtime.audio.sndfile import SoundFile
from speech_lstm.runtime.audio.source import RawFormat, Source, Stream, stream_of
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

Heard = Generator[Samples | AudioWarning, None, float]
"""What comes, and how many seconds it was."""
Found = tuple[RawFormat | None, int | None, bytes]
"""Of a sound its format, how many bytes it has if that is known, and those that are read by now."""

_WAVE = (b"RIFF", b"RIFX", b"RF64")
_LONGEST_CHUNK = 1 << 20  # bytes of a header
_SLACK = 0.5  # seconds by which sound may be shorter than it says
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
        if raw:
            heard = yield from _now(_Rejoined(name, b"", stream), raw, channel, block_seconds)
        else:
            heard = yield from _waves(stream, name, channel, block_seconds)
        if not heard:
            raise AudioError(f"{name}: no samples came")


def _waves(stream: Stream, name: str, channel: int | None, block_seconds: float) -> Heard:
    """WAV files, one after the other, each with one chunk of sound or several; anything else by `_later`."""
    heard = 0.0
    found: Found | None = _header(stream, _some(stream, 12))
    while found is not None:
        form, size, head = found
        if form is None:
            return heard + (yield from _later(_Rejoined(name, head, stream), channel, block_seconds))
        sound = _Rejoined(name, head, stream, size)
        seconds = yield from _now(sound, form, channel, block_seconds)
        heard += seconds
        there = sound.skip()
        if size is None or there < size:
            missing = seconds * ((size or there) / max(there, 1) - 1)
            if missing > _SLACK:
                yield AudioWarning(heard, "damaged", f"the sound ends at {heard:.1f} s of {heard + missing:.1f} s")
            break
        found = _following(stream, form, size % 2 == 1)
    return heard


def _now(sound: _Rejoined, form: RawFormat, channel: int | None, block_seconds: float) -> Heard:
    """What comes, block by block."""
    heard = 0
    told = scaled = False
    try:
        if channel is not None and channel >= form.channels:
            raise AudioError(f"there is no channel {channel}; it has {form.channels}, counted from 0")
        resampler, downmix = StreamResampler(form.sample_rate), Downmix(form.channels)
        with SoundFile(sound, raw=form) as file:
            while len(block := file.read(max(1, round(block_seconds * form.sample_rate)))):
                mono = downmix.accept(block if channel is None else block[:, [channel]])
                check_floats(mono, heard)
                heard += len(mono)
                if downmix.inverted and not told:
                    told = True
                    yield AudioWarning(heard / form.sample_rate, "inverted", INVERTED)
                if file.is_int16_in_int32 and not scaled:
                    scaled = True
                    yield AudioWarning(heard / form.sample_rate, "scale", INT16_IN_INT32)
                if (samples := resampler.accept(mono)).size:
                    yield samples
        yield resampler.finish()
    except AudioError as error:
        raise AudioError(f"{sound.name}: {error}") from None
    return heard / form.sample_rate


def _later(stream: _Rejoined, channel: int | None, block_seconds: float) -> Heard:
    """All of what has other headers, once it is over."""
    warnings: list[AudioWarning] = []
    step, heard = max(1, round(block_seconds * SAMPLE_RATE)), 0
    for block in read_blocks(stream, channel, report=warnings.append):
        yield from (block[start : start + step] for start in range(0, len(block), step))
        heard += len(block)
    yield from warnings
    return heard / SAMPLE_RATE


def _some(stream: Stream, size: int) -> bytes:
    """So many bytes, fewer only at the end."""
    found = b""
    while len(found) < size and (more := stream.read(size - len(found))):
        found += more
    return found


def _header(stream: Stream, head: bytes) -> Found:
    """The first sound of a WAV file of which 12 bytes are read, "head" being all that is read by now; without a format,
    anything else.
    """
    order: Order = "big" if head[:4] == b"RIFX" else "little"
    form = None
    while head[:4] in _WAVE and head[8:12] == b"WAVE":
        chunk = _some(stream, 8)
        head += chunk
        size = int.from_bytes(chunk[4:8], order)
        if len(chunk) < 8 or (chunk[:4] == b"data" and form is None):
            break
        if chunk[:4] == b"data":
            return form, _known(size), b""
        if size > _LONGEST_CHUNK:
            break
        content = _some(stream, size + size % 2)
        head += content
        if chunk[:4] == b"fmt " and (form := _format(content, order)) is None:
            break
    return None, None, head


def _following(stream: Stream, form: RawFormat, is_odd: bool) -> Found | None:
    """The next sound after one in that format, past what is none; None at the end. is_odd: whether a byte fills up."""
    order: Order = "big" if form.endian == "BIG" else "little"
    while True:
        filling = _some(stream, 1) if is_odd else b""
        head = filling.strip(b"\0") + _some(stream, 8)
        if head[:4] in _WAVE and (wave := head + _some(stream, 12 - len(head)))[8:] == b"WAVE":
            return _header(stream, wave)
        spare, head = head[8:], head[:8]
        name, size = head[:4], int.from_bytes(head[4:], order)
        if name == b"data":
            return form, _known(size), spare
        if not KNOWN.match(name) and (size > _LONGEST_CHUNK or not name.isascii() or not name.isalnum()):
            rest = head + spare + _some(stream, TRAILER)
            return (form, None, rest) if len(rest) > TRAILER else None
        content = spare + _some(stream, min(size, _LONGEST_CHUNK) - len(spare))
        left = size - len(content)
        while left > 0 and (skipped := len(stream.read(min(left, _LONGEST_CHUNK)))):
            left -= skipped
        form = (_format(content, order) or form) if name == b"fmt " else form
        is_odd = size % 2 == 1


def _known(size: int) -> int | None:
    return size if 0 < size < PLACEHOLDER else None


def _format(content: bytes, order: Order) -> RawFormat | None:
    """What a chunk "fmt " says; None for what is not made of samples."""
    tag, channels, rate, bits = (
        int.from_bytes(content[first:last], order) for first, last in ((0, 2), (2, 4), (4, 8), (14, 16))
    )
    if tag == 0xFFFE:  # the tag proper is in the extension
        tag = int.from_bytes(content[24:26], order)
    encoding = _ENCODINGS.get((tag, bits))
    try:
        return RawFormat(rate, channels, encoding, order.upper()) if encoding else None
    except AudioError:
        return None


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

    def skip(self) -> int:
        """Over what is left. How many bytes there were in all."""
        while self.read(1 << 16):
            pass
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
