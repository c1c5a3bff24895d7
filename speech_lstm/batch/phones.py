"""Greedy phone strings: the best token of every frame, repeats and blanks taken out (Graves et al. 2006)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.decoding.decoder import DecoderOptions
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.results import Result, Word

PAUSE_SECONDS = 0.6
"""Blanks between two phones that begin another result."""

MOST_SECONDS = 30.0
"""Of a result."""


class PhoneSearch:
    """Frames in, stretches of phones between pauses out; belongs to one file.

    A result's words are phones. Their confidence is the geometric mean of the model's probabilities in their frames,
    that of the result the geometric mean over its phones; it is always accepted.
    """

    def __init__(self, metadata: ModelMetadata) -> None:
        self._tokens = metadata.tokens
        self._seconds = metadata.frame_seconds
        self._blank_offset = DecoderOptions.tuned(metadata).blank_offset
        self._pause = round(PAUSE_SECONDS / metadata.frame_seconds)
        self._most = round(MOST_SECONDS / metadata.frame_seconds)
        self._frames = 0
        self._phones: list[tuple[int, int, int, float]] = []  # token, first frame, last frame, sum of log-probabilities
        self._last = 0  # token of the frame before

    def advance(self, log_probs: NDArray[np.float32]) -> list[Result]:
        """float32 [frames, tokens]. Returns the stretches that a pause has ended."""
        scores = log_probs.copy()
        scores[:, 0] -= self._blank_offset
        best = scores.argmax(axis=1)
        found = []
        for token, score in zip(best.tolist(), log_probs[np.arange(len(best)), best].tolist(), strict=True):
            if token and token == self._last:
                _, first, _, total = self._phones[-1]
                self._phones[-1] = (token, first, self._frames, total + score)
            elif token:
                if self._phones and (
                    self._frames - self._phones[-1][2] > self._pause or self._frames - self._phones[0][1] >= self._most
                ):
                    found.append(self._result(float("inf")))
                self._phones.append((token, self._frames, self._frames, score))
            self._last = token
            self._frames += 1
        return found

    def finish(self, seconds: float) -> list[Result]:
        """The rest; seconds: of audio that there are, no time is after it."""
        return [self._result(seconds)] if self._phones else []

    def _result(self, latest: float) -> Result:
        phones, self._phones = self._phones, []
        words = tuple(
            Word(
                text=self._tokens[token],
                start=round(min(first * self._seconds, max(0.0, latest - self._seconds)), 4),
                end=round(min((last + 1) * self._seconds, latest), 4),
                confidence=float(np.exp(total / (last - first + 1))),
            )
            for token, first, last, total in phones
        )
        mean = np.mean([total / (last - first + 1) for _, first, last, total in phones])
        return Result(
            text=" ".join(word.text for word in words),
            confidence=float(np.exp(mean)),
            accepted=True,
            words=words,
            start=words[0].start,
            end=words[-1].end,
        )
