"""PCM arrays to what a model hears: float32, mono, 16 kHz, -1..1.

Rates go through SoX's resampler (`soxr`), imported on first use.
"""

from __future__ import annotations

import os
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.options import is_number

SAMPLE_RATE = 16000
"""Samples a second of everything that enters a model."""

_LOWEST_RATE, _HIGHEST_RATE = 4000, 768_000
_LOUDEST_DECODED = 4.0
LOUDEST_FLOAT = 16.0  # overshoot of a lossy codec stays near 1; unscaled int16 values are far above this

Samples = NDArray[np.float32]


def pcm_to_float(samples: Any) -> Samples:
    """Checked and scaled copy (or the array itself when it is fine already) of mono PCM.

    samples: int16, int32 or floating-point array, [n] or [n, 1], or bytes of little-endian int16; floats are -1..1, and
    int32 that `holds_int16` is scaled as that. n may be 0.
    Returns float32 [n]. Raises AudioError for any other type or shape, NaN or infinity, and floats that are not scaled.
    """
    return array_to_float(pcm_array(samples))


def array_to_float(array: NDArray[Any]) -> Samples:
    """The same of what `pcm_array` gave."""
    if array.dtype == np.int16:
        return array.astype(np.float32) * np.float32(1 / 32768)
    if array.dtype == np.int32:
        full_scale = 32768 if holds_int16(array) else 2147483648
        return (array * (1 / full_scale)).astype(np.float32)
    check_floats(array)
    return np.ascontiguousarray(array, dtype=np.float32)


def pcm_array(samples: Any) -> NDArray[Any]:
    """The same as an array [n] of int16, int32 or floats, whatever their values; AudioError for anything else."""
    if type(samples) is np.ndarray and samples.ndim == 1 and samples.dtype in (np.int16, np.float32):
        return samples  # what most callers have, live
    if isinstance(samples, str | PathLike):
        raise AudioError(f"got a name and not audio; read the file first: read_audio({os.fspath(samples)!r})")
    if is_bytes(samples):
        data = bytes(samples)
        if data.startswith((b"OggS\0", b"fLaC\0")) or (data[:4], data[8:12]) == (b"RIFF", b"WAVE"):
            raise AudioError("got the bytes of a file and not samples; read it first: read_audio(io.BytesIO(data))")
        if len(data) % 2:
            raise AudioError(f"got {len(data)} bytes, an odd number; expected int16, two bytes a sample")
        return np.frombuffer(data, np.dtype("<i2")).astype(np.int16, copy=False)
    try:
        array = np.asarray(samples)
    except ValueError:
        raise AudioError("samples are lists of different lengths; expected one channel, [n]") from None
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 0 and not hasattr(samples, "shape"):
        raise AudioError(f"samples are {type(samples).__name__}; expected an array [n], or bytes of int16")
    if array.ndim != 1:
        raise AudioError(
            f"samples have shape {list(array.shape)}; expected one channel, [n]. Average the channels or pick one"
        )
    if array.dtype not in (np.int16, np.int32) and array.dtype.kind != "f":
        raise AudioError(f"samples are {array.dtype}; expected int16, int32 or floats in -1..1")
    return array


def is_bytes(samples: Any) -> bool:
    """Whether these are bytes of int16, and not a view of an array, which knows its type."""
    return isinstance(samples, bytes | bytearray) or (isinstance(samples, memoryview) and samples.itemsize == 1)


def holds_int16(array: NDArray[np.int32]) -> bool:
    """Whether the values are those of int16. What is quiet in 24 bits is told from them by its empty lowest byte."""
    return bool(array.any() and array.max() <= 32767 and array.min() >= -32768 and np.bitwise_and(array, 255).any())


def is_sound(lowest: float, highest: float) -> bool:
    """Whether floats from one to the other may be sound; False for NaN."""
    return bool(highest <= LOUDEST_FLOAT and lowest >= -LOUDEST_FLOAT)


def check_floats(array: NDArray[np.floating[Any]], first: int = 0) -> None:
    """Raise AudioError for values that are no sound; `first` is the number of the first sample in the whole signal."""
    if not array.size or is_sound(array.min(), array.max()):
        return
    finite = np.isfinite(array)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise AudioError(f"sample {first + bad} is {array[bad]}; every sample must be a finite number")
    raise AudioError(
        f"floating-point samples reach {float(np.abs(array).max()):.6g}; expected -1..1. "
        "Pass integers as int16, or divide by 32768 first"
    )


def tamed(samples: Samples) -> Samples:
    """What a decoder made of damaged packets without what no sound has."""
    if np.abs(samples).max(initial=0.0) <= _LOUDEST_DECODED:  # not so for NaN
        return samples
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1)


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
