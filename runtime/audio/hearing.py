"""Samples of a program to what a model hears best: 16 kHz, loud enough; and what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from speech_lstm.runtime.audio import levels
from speech_lstm.runtime.audio.pcm import (
    SAMPLE_RATE,
    Samples,
    StreamResampler,
    array_to_float,
    check_floats,
    check_sample_rate,
    holds_int16,
    is_bytes,
    is_sound,
    pcm_array,
    pcm_to_float,
    resample,
)
from speech_lstm.runtime.audio.report import Report, to_log
from speech_lstm.runtime.results import AudioWarning

QUIET_SECONDS = 10.0
"""A stream that has been too quiet to be heard for so long since it began says so."""


def clip(samples: Any, sample_rate: float = SAMPLE_RATE, report: Report | None = None) -> Samples:
    """A whole clip, float32 [n] at 16 kHz.

    samples: as for `pcm_to_float`. report: by default what is wrong is logged. AudioError as for `pcm_to_float`.
    """
    report = report or to_log()
    check_sample_rate(sample_rate)
    audio = pcm_to_float(samples)
    if not audio.size:
        return audio
    meter = levels.ClipMeter(sample_rate)
    meter.accept(audio)
    meter.finish()
    if meter.clipped:
        report(AudioWarning(0.0, "clipped", levels.CLIPPED))
    if quiet := levels.too_quiet(levels.peak(audio)):
        report(AudioWarning(0.0, "quiet", quiet))
    array = np.asarray(samples)
    if array.dtype == np.int32 and holds_int16(array):
        report(AudioWarning(0.0, "scale", levels.INT16_IN_INT32))
    return levels.lifted(resample(audio, sample_rate))


class StreamInput:
    """The same for samples that come in pieces of any length."""

    def __init__(self, sample_rate: float) -> None:
        self._resampler = StreamResampler(sample_rate)
        self._rate = sample_rate
        self._meter = levels.ClipMeter(sample_rate)
        self._half = b""  # of a sample, where bytes were cut in it
        self._is_int16_in_int32: bool | None = None  # None: nobody knows yet
        self._told: set[str] = set()
        self._samples = 0
        self._lowest, self._highest = np.inf, -np.inf

    def accept(self, samples: Any) -> Samples:
        """float32 [n], 16 kHz, n may be 0. AudioError as for `pcm_to_float`; all is then as before."""
        if is_bytes(samples):
            data = self._half + bytes(samples)
            whole = len(data) // 2 * 2
            audio = pcm_to_float(data[:whole])
            self._half = data[whole:]
        else:
            audio = self._scaled(samples)
        if audio.size:
            lowest, highest = float(np.minimum.reduce(audio)), float(np.maximum.reduce(audio))
            if not is_sound(lowest, highest):
                check_floats(audio)
            self._samples += len(audio)
            self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, highest)
            self._meter.accept(audio, max(highest, -lowest))
        return self._resampler.accept(audio)

    def finish(self) -> Samples:
        """The rest."""
        return self._resampler.finish()

    @property
    def may_warn(self) -> bool:
        """Whether `warnings` is worth a call before the sound is over."""
        return self._meter.clipped or bool(self._is_int16_in_int32) or "quiet" not in self._told

    def warnings(self, time: float, is_over: bool = False) -> list[AudioWarning]:
        """What is wrong and was not told before, at that time of the stream."""
        if is_over:
            self._meter.finish()
        found: list[AudioWarning] = []
        if self._meter.clipped:
            found.append(AudioWarning(time, "clipped", levels.CLIPPED))
        if self._is_int16_in_int32:
            found.append(AudioWarning(time, "scale", levels.INT16_IN_INT32))
        if self._samples and (is_over or self._samples >= QUIET_SECONDS * self._rate):
            if "quiet" not in self._told and (quiet := levels.too_quiet((self._highest - self._lowest) / 2)):
                found.append(AudioWarning(time, "quiet", quiet))
            else:
                self._told.add("quiet")
        new = [warning for warning in found if warning.kind not in self._told]
        self._told.update(warning.kind for warning in new)
        return new

    def _scaled(self, samples: Any) -> Samples:
        """A copy: the caller may use the array again. float32 is not checked yet."""
        array = pcm_array(samples)
        if array.dtype == np.float32:
            return array.copy()
        if array.dtype != np.int32:
            audio = array_to_float(array)
            return audio if array.dtype == np.int16 else audio.copy()
        if array.size and (array.max() > 32767 or array.min() < -32768):
            self._is_int16_in_int32 = False
        elif self._is_int16_in_int32 is None and holds_int16(array):
            self._is_int16_in_int32 = True
        return (array * (1 / (32768 if self._is_int16_in_int32 else 2147483648))).astype(np.float32)
