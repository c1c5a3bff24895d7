"""CTC log-probabilities as margins, the scores of decoder and wake word detector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

LOWEST = np.float32(-1e4)
"""Floor of a score, so that sums stay finite."""


NO_TOKEN = "log_probs has NaN or a frame without any possible token"


def relative(log_probs: FloatArray, blank: FloatArray) -> FloatArray:
    """Take `blank` off the log-probabilities and then each frame's maximum off all, but go no lower than `LOWEST`.

    `log_probs`: float32 [frames, tokens] as the model gives them; `blank`: float32 [tokens], the offset of blank, which
    is token 0, and zeros. A frame with NaN or without any possible token comes out as NaN. Raises ValueError for
    another number of tokens.
    """
    if log_probs.ndim != 2 or log_probs.shape[1] != len(blank):
        raise ValueError(f"log_probs has shape {log_probs.shape}; expected [frames, {len(blank)}]")
    scores: FloatArray = np.subtract(log_probs, blank, dtype=np.float32)
    scores -= np.maximum.reduce(scores, axis=1, keepdims=True)
    np.maximum(scores, LOWEST, out=scores)
    return scores


def blank_only(num_tokens: int, offset: float) -> FloatArray:
    """What `relative` takes off."""
    blank = np.zeros(num_tokens, dtype=np.float32)
    blank[0] = offset
    return blank


class Margins(NamedTuple):
    """`scores`: float32 [frames, tokens], 0 for the best token of a frame, others below. `is_blank`: [frames], where
    the best one is blank; `is_silent`: where blank is certain as well.
    """

    scores: FloatArray
    is_blank: npt.NDArray[np.bool_]
    is_silent: npt.NDArray[np.bool_]


def margins(log_probs: FloatArray, num_tokens: int, blank_offset: float, silence: float) -> Margins:
    """Take `blank_offset` off the log-probability of blank and then each frame's maximum off all.

    `log_probs`: float32 [frames, num_tokens] as the model gives them, token 0 = blank; `silence`: probability above
    which blank is certain. Raises ValueError for another number of tokens, NaN, or a frame without a possible token.
    """
    scores = relative(log_probs, blank_only(num_tokens, blank_offset))
    if np.isnan(scores[:, 0]).any():
        raise ValueError(NO_TOKEN)
    is_blank = scores[:, 0] == 0
    return Margins(scores, is_blank, is_blank & (log_probs[:, 0] > np.log(silence)))
