"""A file as blocks of sound: which decoder, which channel and track, where silence belongs, what is wrong.

Files go through libsndfile (`sndfile`), what it does not know through FFmpeg (`media`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from speech_lstm.runtime.audio import flac, levels
from speech_lstm.runtime.audio.channels import Downmix
from speech_lstm.runtime.audio.damage import Damage
from speech_lstm.runtime.audio.layout import buried, layout_of
from speech_lstm.runtime.audio.media import GAP_SECONDS, MOST_GAP_SECONDS, MediaFile
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples, StreamResampler, check_floats, tamed
from speech_lstm.runtime.audio.pieces import Bytes, Layout, Piece, content
from speech_lstm.runtime.audio.sndfile import SoundFile
from speech_lstm.runtime.audio.source import AudioFile, RawFormat
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.options import is_number
from speech_lstm.runtime.results import AudioWarning

_LARGEST_BLOCK = 4 << 20  # samples of all channels
_SLACK = 0.5  # seconds by which a file may be shorter than it says
_MOST_RESUMED = 1000  # stretches of a FLAC file
_TOLERANCE = 16  # samples, of the place in a FLAC file

Reader = SoundFile | MediaFile


class _NotAudio(AudioError):
    """No decoder knows it."""


@dataclass(frozen=True)
class ReadOptions:
    """What of a file is heard.

    `channel`: from 0; None: the average of all. `track`: of a container, or of an Ogg file, from 0; None: the one that
    players take. `raw`: for files without a header. `block_seconds`: of what is read at once.
    """

    channel: int | None = None
    track: int | None = None
    raw: RawFormat | None = None
    block_seconds: float = 30.0

    def __post_init__(self) -> None:
        """AudioError for a channel or track that is no number."""
        for name, value in (("channel", self.channel), ("track", self.track)):
            if value is not None and not is_number(value, Integral):
                raise AudioError(f"{name} is {value!r}; expected a whole number, 0 for the first, or None")


class Recording:
    """A file that is being read."""

    def __init__(self, file: AudioFile, options: ReadOptions) -> None:
        self._file = file
        self._options = options
        self._data: Bytes = b"" if options.raw else content(file)
        self._heard = 0  # samples at 16 kHz so far
        self._read = 0  # the same at the rates of the file
        self._silence_left = MOST_GAP_SECONDS * SAMPLE_RATE
        self._damage = Damage()
        self._gaps: list[tuple[float, float]] = []
        self._layout = Layout()
        self._tracks: tuple[str, ...] = ()
        self._track = 0
        self._clipped = self._inverted = self._int16_in_int32 = False
        self._lowest, self._highest = math.inf, -math.inf

    @property
    def seconds(self) -> float:
        """Heard so far."""
        return self._heard / SAMPLE_RATE

    def blocks(self) -> Iterator[Samples]:
        """float32 [n], 16 kHz. AudioError where nothing can be heard, or samples are no numbers."""
        if not self._options.raw:
            self._layout = layout_of(self._data, self._file.name, self._options.track)
        problem = None
        pieces = deque(self._layout.pieces)
        while pieces:
            piece = pieces.popleft()
            before = self.seconds
            yield from self._silence_until(piece.start)
            if piece.lost:
                self._damage.lose(before, self.seconds - before)
            elif before and self.seconds > before:
                self._gaps.append((before, self.seconds - before))
            if piece.damaged is not None:
                self._damage.lose(piece.damaged)
            try:
                reader = self._open(piece)
            except _NotAudio as error:
                layout = None if problem else buried(self._data, self._options.track)
                if layout is not None:
                    self._layout = layout
                    pieces = deque(layout.pieces)
                else:
                    self._damage.lose(self.seconds)
                problem = problem or error
                continue
            with reader:
                yield from self._piece(piece, reader)
        if not self._read:
            raise problem or AudioError("no samples in the file: it holds only a header, or is cut off")

    def warnings(self) -> Iterator[AudioWarning]:
        """What is wrong with what was heard, each thing once."""
        if damage := self._damage.warning():
            yield damage
        elif self._layout.cut:
            yield AudioWarning(self.seconds, "cut", "the file seems to be cut off: its end is missing")
        for start, seconds in self._gaps[:1]:
            more = f", and {len(self._gaps) - 1} more gaps" if len(self._gaps) > 1 else ""
            yield AudioWarning(start, "gap", f"no sound for {seconds:.1f} s at {start:.1f} s{more}; silence is heard")
        if len(self._tracks) > 1 and self._options.track is None:
            yield AudioWarning(0.0, "tracks", f"{_listed(self._tracks)}; track {self._track} is heard")
        loudest = (self._highest - self._lowest) / 2
        if quiet := levels.too_quiet(loudest):
            yield AudioWarning(0.0, "quiet", quiet)
        if self._clipped:
            yield AudioWarning(0.0, "clipped", levels.CLIPPED)
        if self._inverted:
            yield AudioWarning(0.0, "inverted", levels.INVERTED)
        if self._int16_in_int32:
            yield AudioWarning(0.0, "scale", levels.INT16_IN_INT32)

    def _open(self, piece: Piece) -> Reader:
        """The decoder. AudioError where there is none, or no such channel or track."""
        raw = self._options.raw
        reader: Reader = SoundFile(self._file, raw=raw) if raw else self._decoder(piece)
        track, channel = self._options.track, self._options.channel
        self._tracks = self._layout.tracks or reader.tracks
        self._track = reader.track
        try:
            if track is not None and not 0 <= track < len(self._tracks):
                raise AudioError(f"there is no track {track}, counted from 0; {_listed(self._tracks)}")
            if channel is not None and not 0 <= channel < reader.channels:
                raise AudioError(f"there is no channel {channel}; it has {reader.channels}, counted from 0")
        except AudioError:
            reader.close()
            raise
        return reader

    def _decoder(self, piece: Piece) -> Reader:
        try:
            return SoundFile(self._file, piece.parts)
        except AudioError as error:
            try:
                return MediaFile(self._file, piece.parts, self._options.track, piece.has_gaps)
            except AudioError as other:
                raise _NotAudio(
                    f"not audio that can be read; expected WAV, FLAC, Ogg, Opus or MP3 ({error}; {other})"
                ) from None

    def _piece(self, piece: Piece, reader: Reader) -> Iterator[Samples]:
        """All of a piece, and silence for what cannot be read in it."""
        begin = self.seconds
        yield from self._sound(reader)
        for gap in reader.gaps:
            if gap.damaged:
                self._damage.lose(begin + gap.start, gap.seconds)
            else:
                self._gaps.append((begin + gap.start, gap.seconds))
        promised = (self.seconds - begin) / piece.share if 0 < piece.share < 1 else piece.seconds or reader.seconds
        is_whole = promised is not None and self.seconds - begin >= promised - 1 / SAMPLE_RATE
        if reader.problem and isinstance(reader, SoundFile) and not is_whole:
            yield from self._rest_of_flac(piece, begin, reader.samplerate)
        if promised is not None and self.seconds - begin < promised - _SLACK:
            self._damage.end(self.seconds, begin + promised)

    def _rest_of_flac(self, piece: Piece, begin: float, rate: int) -> Iterator[Samples]:
        """What comes after damage, as far as it can be found; nothing of other formats."""
        first, length = piece.parts[0] if piece.parts else (0, len(self._data))
        if isinstance(first, int) and self._data[first : first + 4] == b"fLaC":
            after = first
            for _ in range(_MOST_RESUMED):
                lost_at = self.seconds
                sample = round((lost_at - begin) * rate) - _TOLERANCE
                found = flac.resume(self._data, first, first + length, sample, after)
                if found is None:
                    break
                rest, place = found
                after = place + 1
                yield from self._silence_until(begin + (rest.start or 0.0))
                self._damage.lose(lost_at, self.seconds - lost_at)
                with SoundFile(self._file, rest.parts) as reader:
                    yield from self._sound(reader)
                if not reader.problem:
                    return
        self._damage.lose(self.seconds)

    def _sound(self, reader: Reader) -> Iterator[Samples]:
        """The sound of a reader, 16 kHz."""
        rate, channel = reader.samplerate, self._options.channel
        resampler, downmix, meter = StreamResampler(rate), Downmix(reader.channels), levels.ClipMeter(rate)
        frames = max(1, min(round(self._options.block_seconds * rate), _LARGEST_BLOCK // reader.channels))
        while len(block := reader.read(frames)):
            block = block if reader.is_exact else tamed(block)
            chosen = block if channel is None else block[:, [min(channel, reader.channels - 1)]]
            with np.errstate(invalid="ignore", over="ignore"):  # values that are no sound are found below
                mono = chosen.mean(axis=1) if len(chosen[0]) == 1 else downmix.accept(chosen)
            check_floats(mono, self._read)
            meter.accept(chosen)
            self._lowest, self._highest = min(self._lowest, mono.min()), max(self._highest, mono.max())
            self._read += len(mono)
            yield self._kept(resampler.accept(mono))
        meter.finish()
        self._clipped |= meter.clipped
        self._inverted |= downmix.inverted
        self._int16_in_int32 |= reader.is_int16_in_int32
        yield self._kept(resampler.finish())

    def _kept(self, samples: Samples) -> Samples:
        """Counted."""
        self._heard += len(samples)
        return samples

    def _silence_until(self, seconds: float | None) -> Iterator[Samples]:
        """Where the next piece does not follow at once."""
        left = 0 if seconds is None else round(seconds * SAMPLE_RATE) - self._heard
        if not GAP_SECONDS * SAMPLE_RATE <= left <= self._silence_left:
            return
        self._silence_left -= left
        while left > 0:
            some = min(left, max(1, round(self._options.block_seconds * SAMPLE_RATE)))
            left -= some
            yield self._kept(np.zeros(some, np.float32))


def _listed(tracks: tuple[str, ...]) -> str:
    if len(tracks) == 1:
        return "there is one audio track"
    return f"there are {len(tracks)} audio tracks ({'; '.join(f'{n}: {name}' for n, name in enumerate(tracks))})"
