"""How loud sound is. Very quiet sound is lifted to where a model hears well; clipped sound is noticed.

A model hears the level: of 250 words those with a peak of -20 dBFS are recognised as well as louder ones, at -40 dBFS
three in five, at -54 dBFS none.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples

TARGET = 0.15
"""Peak to which quiet sound is lifted; what is louder stays as it is."""

MOST_GAIN = 100.0
"""40 dB."""

INAUDIBLE = 0.03
"""Peak below which what was lifted as far as it goes is still too quiet."""

QUIET = 0.05
"""Peak of a stream below which it is lifted. A word begins more quietly than it goes on, so the level must be known."""

HOLD_SECONDS = 0.5
"""How long sound waits for its level to be known."""

MEMORY_SECONDS = 10.0
"""How long a level is that of what comes next."""

NOISE_SECONDS = 3.0
"""The quietest moment of that time is the noise."""

ABOVE_NOISE = 4.0
"""Peak of sound that counts, relative to that of the noise."""

LEAST_PEAK = 3e-4
"""Of sound that counts."""

HOP = 640
"""Samples that have one gain."""

LOUD = 0.95
"""Of full scale: sound that is there too often is clipped."""

CLIPPED_SHARE = 0.03
"""Of the samples in half a second. Clipping by four times (12 dB) cuts off 6 % and costs one word in ten."""


def peak(samples: Samples) -> float:
    """Half the distance between the lowest and the highest sample, so that a constant offset does not count."""
    return float(samples.max() - samples.min()) / 2 if samples.size else 0.0


def lifted(samples: Samples) -> Samples:
    """A whole clip, float32 [n], with a peak of `TARGET` at least, as far as `MOST_GAIN` goes."""
    loudest = peak(samples)
    if loudest >= TARGET or loudest == 0:
        return samples
    return samples * np.float32(min(MOST_GAIN, TARGET / loudest))


class Leveller:
    """The same for 16 kHz sound that comes piece by piece. Sound after a long silence waits for its level to be known;
    what is not quiet goes on at once and as it is.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_hops(MEMORY_SECONDS))  # peaks of hops
        self._noise: deque[float] = deque(maxlen=_hops(NOISE_SECONDS))  # the same
        self._silence = _hops(MEMORY_SECONDS)  # hops since the last sound that counted
        self._rest: Samples = np.zeros(0, np.float32)  # less than a hop
        self._held: list[Samples] = []
        self._held_peak = 0.0

    def accept(self, samples: Samples) -> Samples:
        """float32 [n] -> float32 [m], what is ready; however the sound is cut, the same comes out."""
        if self._rest.size:
            samples = np.concatenate((self._rest, samples))
        count = len(samples) // HOP
        self._rest = samples[count * HOP :]
        hops = samples[: count * HOP].reshape(count, HOP)
        peaks = ((hops.max(axis=1) - hops.min(axis=1)) / 2).tolist() if count else []
        ready = [piece for hop, loudest in zip(hops, peaks, strict=True) for piece in self._hop(hop, loudest)]
        if len(ready) == 1:
            return ready[0]
        return np.concatenate(ready) if ready else np.zeros(0, np.float32)

    def finish(self) -> Samples:
        """The sound is over: the rest of it."""
        held = self._release() if self._held else []
        return np.concatenate([*held, self._rest * np.float32(self._gain())])

    def _hop(self, hop: Samples, loudest: float) -> list[Samples]:
        """What is ready after one more hop."""
        counts = loudest > max(LEAST_PEAK, ABOVE_NOISE * min(self._noise, default=0.0))
        is_known = self._silence < _hops(MEMORY_SECONDS)
        self._noise.append(loudest)
        self._recent.append(loudest)
        self._silence = 0 if counts and is_known else self._silence + 1
        if self._held or (counts and not is_known):
            self._held.append(hop)
            self._held_peak = max(self._held_peak, loudest)
            is_long = len(self._held) == _hops(HOLD_SECONDS)
            return self._release() if is_long or self._held_peak >= QUIET else []
        gain = self._gain()
        return [hop if gain == 1 else hop * np.float32(gain)]

    def _release(self) -> list[Samples]:
        """What was held; its level is that of what comes next, unless it is no louder than the noise."""
        held, self._held = self._held, []
        if self._held_peak > ABOVE_NOISE * min(self._noise):
            self._silence = 0
            self._recent.clear()
            self._recent.append(self._held_peak)
        self._held_peak = 0.0
        gain = self._gain()
        return held if gain == 1 else [hop * np.float32(gain) for hop in held]

    def _gain(self) -> float:
        """Of what comes now."""
        if self._silence >= _hops(MEMORY_SECONDS):
            return 1.0
        loudest = max(self._recent)
        return 1.0 if loudest >= QUIET else min(MOST_GAIN, TARGET / loudest)


def _hops(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE / HOP)


class ClipMeter:
    """Watches sound for clipping, before it is resampled."""

    def __init__(self, sample_rate: float) -> None:
        self.clipped = False
        """Whether any half second was."""
        self._window = max(1, round(sample_rate / 2))
        self._heard = self._loud = 0  # samples of the window

    def accept(self, samples: Samples) -> None:
        """float32 [n] or [n, channels]."""
        start = 0
        while start < len(samples) and not self.clipped:
            part = samples[start : start + self._window - self._heard]
            if max(part.max(), -part.min()) >= LOUD:
                loud = np.abs(part) >= LOUD
                self._loud += int(np.count_nonzero(loud if loud.ndim == 1 else loud.any(axis=1)))
            start += len(part)
            self._heard += len(part)
            if self._heard == self._window:
                self.finish()

    def finish(self) -> None:
        """The sound is over, or the window: judge it."""
        self.clipped = self.clipped or self._loud > CLIPPED_SHARE * self._heard
        self._heard = self._loud = 0


CLIPPED = "the sound is clipped: record it more quietly"
INVERTED = "one channel is the inverse of another; it was turned round"
INT16_IN_INT32 = "the samples have 32 bits and the values of 16; they were taken for these"


def too_quiet(loudest: float) -> str | None:
    """What there is to say about a recording with that peak."""
    if loudest == 0:
        return "the sound is silent: all its samples are the same"
    if loudest * MOST_GAIN < INAUDIBLE:
        return f"the sound is too quiet to be heard: its peak is {20 * math.log10(loudest):.0f} dB of full scale"
    return None
