"""CTC log-probabilities as margins, the scores of decoder and wake word detector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

LOWEST = np.float32(-1e4)
"""Floor of a score, so that sums stay finite."""


class Margins(NamedTuple):
    """`scores`: float32 [frames, tokens], 0 for the best token of a frame, others below. `is_blank`: [frames], where
    the best one is blank; `is_silent`: where blank is certain as well.
    """

    scores: FloatArray
    is_blank: npt.NDArray[np.bool_]
    is_silent: npt.NDArray[np.bool_]

    def part(self, begin: int, end: int | None = None) -> Margins:
        """Those frames."""
        return Margins(self.scores[begin:end], self.is_blank[begin:end], self.is_silent[begin:end])


def joined(parts: Sequence[Margins]) -> Margins:
    """Successive frames as one, at least one part."""
    if len(parts) == 1:
        return parts[0]
    scores, is_blank, is_silent = zip(*parts, strict=True)
    return Margins(np.concatenate(scores), np.concatenate(is_blank), np.concatenate(is_silent))


def margins(log_probs: FloatArray, num_tokens: int, blank_offset: float, silence: float) -> Margins:
    """Take `blank_offset` off the log-probability of blank and then each frame's maximum off all.

    `log_probs`: float32 [frames, num_tokens] as the model gives them, token 0 = blank; `silence`: probability above
    which blank is certain. Raises ValueError for another number of tokens, NaN, or a frame without a possible token.
    """
    if log_probs.ndim != 2 or log_probs.shape[1] != num_tokens:
        raise ValueError(f"log_probs has shape {log_probs.shape}; expected [frames, {num_tokens}]")
    scores = log_probs.astype(np.float32)
    blank = scores[:, 0]
    certain = blank > np.log(silence)
    blank -= blank_offset
    highest = np.maximum.reduce(scores, axis=1, keepdims=True)
    if not math.isfinite(np.add.reduce(highest, axis=None)):
        raise ValueError("log_probs has NaN or a frame without any possible token")
    scores -= highest
    is_blank = blank == 0
    np.maximum(scores, LOWEST, out=scores)
    return Margins(scores, is_blank, certain & is_blank)
