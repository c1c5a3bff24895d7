"""The rows that a search has seen and their running sums, from which scores of any stretch of frames are read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .free_speech import FreeSpeech
from .margins import FloatArray

DoubleArray = npt.NDArray[np.float64]


class Record:
    """A row is a frame, or several of certain silence. Grows by appending; belongs to one search.

    `filler_cost`: of a row of other speech before or after the command. `leads`: of words over other words, by word and
    place, as sentences have found them: most have the same words in the same places.
    """

    def __init__(self, num_tokens: int, filler_cost: float, speech: FreeSpeech) -> None:
        self.num_rows = 0
        self._speech = speech
        self._forward = speech.begin()
        self._speech_sums = [0.0]
        self._filler = np.float32(-filler_cost)
        self._scores = np.empty((64, num_tokens), dtype=np.float32)
        self._frame_of = np.empty(64, dtype=np.int64)
        self._sums = np.zeros((65, num_tokens + 1))
        self._num_summed = 0
        self.leads: dict[tuple[object, ...], float] = {}

    @property
    def scores(self) -> FloatArray:
        """[rows, tokens]: margins."""
        return self._scores[: self.num_rows]

    @property
    def frame_of(self) -> npt.NDArray[np.int64]:
        """[rows]: the first frame of a row."""
        return self._frame_of[: self.num_rows]

    def append(self, row: FloatArray, frame: int) -> None:
        """One more row, float32 [tokens], and its first frame."""
        if self.num_rows == len(self._scores):
            self._scores = np.concatenate([self._scores, np.empty_like(self._scores)])
            self._frame_of = np.concatenate([self._frame_of, np.empty_like(self._frame_of)])
            self._sums = np.concatenate([self._sums, np.empty_like(self._sums[1:])])
        self._scores[self.num_rows] = row
        self._frame_of[self.num_rows] = frame
        self.num_rows += 1

    def forget(self, rows: int) -> None:
        """The oldest rows."""
        self._scores[: self.num_rows - rows] = self._scores[rows : self.num_rows].copy()
        self._frame_of[: self.num_rows - rows] = self._frame_of[rows : self.num_rows].copy()
        self.num_rows -= rows
        self._num_summed = 0
        self._forward, self._speech_sums = self._speech.begin(), [0.0]
        self.leads.clear()

    def speech(self, end: int) -> list[float]:
        """Score of free speech in all rows before row 0, 1, and so on to `end` at least (`free_speech`)."""
        heard = len(self._speech_sums) - 1
        if heard < end:
            logs = self._forward.log_likelihoods(np.exp(self._scores[heard:end]))
            self._speech_sums += (self._speech_sums[-1] + logs.cumsum()).tolist()
        return self._speech_sums

    @property
    def sums(self) -> DoubleArray:
        """[rows + 1, tokens + 1]: scores of a token in all rows before; the last column is that of silence or other
        speech before or after the command."""
        begin, end = self._num_summed, self.num_rows
        if begin < end:
            new = self._sums[begin + 1 : end + 1]
            new[:, :-1] = self._scores[begin:end]
            np.maximum(self._scores[begin:end, 0], self._filler, out=new[:, -1])
            np.add.accumulate(self._sums[begin : end + 1], axis=0, out=self._sums[begin : end + 1])
            self._num_summed = end
        return self._sums[: end + 1]
