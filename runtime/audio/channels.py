"""Several channels to one. A channel that is the inverse of another, as of a balanced line taken for stereo, would
take it away from their average, so it is turned round first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.audio.pcm import Samples

INVERSE = -0.9
"""Correlation with the loudest channel from which on a channel is its inverse."""

FADING = 0.9
"""What counts of the past in each block: the channels may be swapped while sound goes on."""


class Downmix:
    """The average of all channels, block by block."""

    def __init__(self, channels: int) -> None:
        self.inverted = False
        """Whether a channel was turned round."""
        self._products = np.zeros((channels, channels))  # of each channel with each
        self._last = np.ones(channels, np.float32)

    def accept(self, block: Samples) -> Samples:
        """float32 [n, channels] -> float32 [n]."""
        if block.shape[1] == 1 or not len(block):
            return np.ascontiguousarray(block[:, 0])
        signs = self._signs(block)
        if (signs > 0).all():
            return block.mean(axis=1)
        self.inverted = self.inverted or bool(signs.min() < signs.max())
        return block @ (signs / np.float32(len(signs)))

    def _signs(self, block: Samples) -> NDArray[np.float32]:
        """1 or -1 for each channel."""
        self._products = FADING * self._products + (block.T @ block).astype(np.float64)
        power = self._products.diagonal()
        loudest = int(power.argmax())
        scale = np.sqrt(power[loudest] * power)
        inverse = self._products[loudest] < INVERSE * scale
        signs = np.where(inverse & (scale > 0), np.float32(-1), np.float32(1))
        self._last = signs if signs @ self._last >= 0 else -signs  # the loudest may be another one each time
        return self._last
