"""Audio files and PCM arrays to what a model hears: float32, mono, 16 kHz, -1..1.

Files go through libsndfile (`soundfile`), what it does not know through FFmpeg (`media`), rates through SoX's resampler
(`soxr`); all are imported on first use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.audio.media import MediaFile
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.options import is_number

if TYPE_CHECKING:
    import soundfile

SAMPLE_RATE = 16000
"""Samples a second of everything that enters a model."""

_LOWEST_RATE, _HIGHEST_RATE = 4000, 768_000
_LARGEST_BLOCK = 4 << 20  # samples of all channels
_LOUDEST_FLOAT = 16.0  # overshoot of a lossy codec stays near 1; unscaled int16 values are far above this

Samples = NDArray[np.float32]


def pcm_to_float(samples: Any) -> Samples:
    """Checked and scaled copy (or the array itself when it is fine already) of mono PCM.

    samples: int16, int32 or floating-point array, [n] or [n, 1]; floats are -1..1. n may be 0.
    Returns float32 [n]. Raises AudioError for any other type or shape, NaN or infinity, and floats that are not scaled.
    """
    if isinstance(samples, str | PathLike):
        raise AudioError(f"got a name and not audio; read the file first: read_audio({os.fspath(samples)!r})")
    if isinstance(samples, bytes | bytearray | memoryview):
        raise AudioError("got raw bytes; pass numpy.frombuffer(data, dtype=numpy.int16), or the type it really has")
    try:
        array = np.asarray(samples)
    except ValueError:
        raise AudioError("samples are lists of different lengths; expected one channel, [n]") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise AudioError(
            f"samples have shape {list(array.shape)}; expected one channel, [n]. Average the channels or pick one"
        )
    if array.dtype == np.int16:
        return array.astype(np.float32) * np.float32(1 / 32768)
    if array.dtype == np.int32:
        return (array * (1 / 2147483648)).astype(np.float32)
    if array.dtype.kind != "f":
        raise AudioError(f"samples are {array.dtype}; expected int16, int32 or floats in -1..1")
    _check_floats(array)
    return np.ascontiguousarray(array, dtype=np.float32)


def _check_floats(array: NDArray[np.floating[Any]], first: int = 0) -> None:
    """Raise AudioError for values that are no sound; `first` is the number of the first sample in the whole signal."""
    if not array.size or (array.max() <= _LOUDEST_FLOAT and array.min() >= -_LOUDEST_FLOAT):  # and not NaN
        return
    finite = np.isfinite(array)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise AudioError(f"sample {first + bad} is {array[bad]}; every sample must be a finite number")
    raise AudioError(
        f"floating-point samples reach {float(np.abs(array).max()):.6g}; expected -1..1. "
        "Pass integers as int16, or divide by 32768 first"
    )


def check_sample_rate(rate: float) -> None:
    """Raise AudioError unless a signal of that many samples a second can be resampled for recognition."""
    if not (is_number(rate) and _LOWEST_RATE <= rate <= _HIGHEST_RATE):
        raise AudioError(f"sample rate is {rate!r} Hz; expected {_LOWEST_RATE} to {_HIGHEST_RATE} Hz")


class StreamResampler:
    """One channel at any rate to 16 kHz, piece by piece; the pieces join without clicks or drift.

    The filter looks a few milliseconds ahead, so output trails the input until `finish`.
    """

    def __init__(self, source_rate: float) -> None:
        check_sample_rate(source_rate)
        self._engine: Any = None
        if source_rate != SAMPLE_RATE:
            import soxr

            self._engine = soxr.ResampleStream(source_rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def accept(self, samples: Samples) -> Samples:
        """float32 [n] at the source rate -> float32 [m] at 16 kHz, whatever is ready; m may be 0."""
        return samples if self._engine is None else self._engine.resample_chunk(samples)

    def finish(self) -> Samples:
        """The rest that the filter still holds, float32 [m] at 16 kHz. The resampler is then used up."""
        if self._engine is None:
            return np.zeros(0, np.float32)
        return self._engine.resample_chunk(np.zeros(0, np.float32), last=True)


def resample(samples: Samples, source_rate: float) -> Samples:
    """A whole signal, float32 [n] at source_rate, to float32 [m] at 16 kHz."""
    check_sample_rate(source_rate)
    if source_rate == SAMPLE_RATE or not samples.size:
        return samples
    import soxr

    return soxr.resample(samples, source_rate, SAMPLE_RATE, quality="HQ")


def read_audio(path: str | PathLike[str], channel: int | None = None) -> Samples:
    """A whole audio file (WAV, FLAC, Ogg Vorbis, Opus, MP3 and whatever else libsndfile reads) as float32 [n], 16 kHz.

    channel: take this channel (0 is the first); by default all channels are averaged.
    Raises AudioError when the file is missing, empty, not audio, without samples, or holds NaN or infinity.
    """
    return np.concatenate(list(read_blocks(path, channel)))


def read_blocks(
    path: str | PathLike[str], channel: int | None = None, block_seconds: float = 30.0
) -> Iterator[Samples]:
    """The same as `read_audio` in pieces of at most block_seconds, and less for many channels at a high rate, so that
    hours of audio need little memory.
    """
    if not isinstance(path, str | PathLike):
        raise AudioError(f"got {type(path).__name__}; expected the name of an audio file")
    with _open(Path(path), channel) as file:
        try:
            resampler = StreamResampler(file.samplerate)
            heard = 0
            frames = max(1, min(round(block_seconds * file.samplerate), _LARGEST_BLOCK // file.channels))
            while True:
                block, damage = _decode(file, frames)
                with np.errstate(invalid="ignore"):  # an infinity is found below
                    mono = block.mean(axis=1) if channel is None else np.ascontiguousarray(block[:, channel])
                _check_floats(mono, heard)
                heard += len(mono)
                if len(mono):
                    yield resampler.accept(mono)
                if damage:
                    raise AudioError(damage)
                if not len(mono):
                    break
            if not heard:
                raise AudioError("no samples in the file: it holds only a header, or is cut off")
            yield resampler.finish()
        except AudioError as error:
            raise AudioError(f"{path}: {error}") from None


def _decode(file: soundfile.SoundFile | MediaFile, frames: int) -> tuple[NDArray[np.float32], str | None]:
    """The next float32 [frames or fewer, channels] of a file, and what is wrong where it breaks off after them."""
    import soundfile

    if not isinstance(file, soundfile.SoundFile):
        return file.read(frames)
    block = np.empty((frames, file.channels), np.float32)
    before = file.tell()
    try:
        return file.read(frames, dtype="float32", always_2d=True, out=block), None
    except soundfile.LibsndfileError as error:
        good = max(0, file.tell() - before)
        return block[:good], f"the audio data is damaged (libsndfile: {error.error_string})"


def _open(path: Path, channel: int | None) -> soundfile.SoundFile | MediaFile:
    try:
        if path.is_dir():
            raise AudioError(f"{path} is a directory; expected an audio file")
        if not path.exists():
            raise AudioError(f"{path}: no such file")
        if path.is_file() and not path.stat().st_size:
            raise AudioError(f"{path}: the file is empty (0 bytes)")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise AudioError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    try:
        import soundfile
    except OSError as error:  # the wheel without its own libsndfile, on a system that lacks one
        raise AudioError(f"soundfile found no libsndfile ({error}); on Debian: apt-get install libsndfile1") from None
    file: soundfile.SoundFile | MediaFile
    try:
        file = soundfile.SoundFile(path if sys.platform == "win32" else os.fsencode(path))  # a name need not be UTF-8
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: headerless .raw files
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        try:
            file = MediaFile(path)
        except AudioError as other:
            raise AudioError(
                f"{path}: not audio that can be read; expected WAV, FLAC, Ogg, Opus or MP3 "
                f"(libsndfile: {reason}; {other})"
            ) from None
    if channel is not None and not 0 <= channel < file.channels:
        file.close()
        raise AudioError(f"{path}: there is no channel {channel}; it has {file.channels}, counted from 0")
    return file
