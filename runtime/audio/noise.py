"""Does anything rise over the noise? Asked of each block of a stream that waits, so that silence may be heard late.

Speech that is not louder than the noise by `RISE` is heard late, too, by the blocks that wait; nothing is lost.
"""

from __future__ import annotations

import math

import numpy as np

from speech_lstm.runtime.audio.pcm import Samples

RISE = 2.5
"""Power over that of the noise from which on there is a sound: 4 dB."""

MEMORY = 24
"""Blocks whose least power is the noise, and as many before them: two to four seconds of blocks of 80 ms. Minimum
statistics, of Martin 2001, "Noise power spectral density estimation based on optimal smoothing and minimum statistics".
"""

LEAST = 3e-9
"""Power that is noise in any case: speech with a peak of -50 dBFS has ten times that."""


class Noise:
    """The quietest of what a stream heard of late.

    Measured are differences between samples: hum and a constant offset are not in them, the sounds of speech are.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._least, self._least_before = math.inf, math.inf
        self._blocks = 0

    def is_under(self, block: Samples) -> bool:
        """Whether a block, float32 [n], is a sound louder than the noise before it; the block is then part of that."""
        steps = block[1:] - block[:-1]
        power = max(float(np.dot(steps, steps)) / len(block), LEAST)
        is_sound = power > RISE * min(self._least, self._least_before)
        self._blocks += 1
        if self._blocks > MEMORY:
            self._least, self._least_before = math.inf, self._least
            self._blocks = 1
        self._least = min(self._least, power)
        return is_sound
