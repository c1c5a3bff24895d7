"""How likely each frame is after all before it, when anybody may say anything: what is heard is measured against that.

Anything is the CTC topology looped through a bigram of phones, as in training (`speech_lstm.training.denominator`): a
phone, then perhaps blank, then the next phone as the bigram has it. The forward algorithm (Rabiner 1989, "A Tutorial
on Hidden Markov Models", III.A) gives p(frame | frames before), scaled so that it never under- or overflows. A token's
probability divided by it says how much more that token explains than speech in general does; products of such ratios
along a phrase are the likelihood ratio of the phrase, and times its prior the probability that it was just said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.lexicon.tokens import TOKENS

from .margins import NO_TOKEN, FloatArray

BUNDLED = Path(__file__).parents[1] / "data" / "phone_bigram.npz"

LEAST = 1e-30
"""Of a probability."""

TINY = 1e-250
"""A probability above which float64 is exact."""

STRIDE = 16
"""Frames that are heard before probabilities are scaled."""

DoubleArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FreeSpeech:
    """A bigram of n phones, numbered from 0; the model's token 0 is blank, so its tokens are one more.

    `start`: float32 [n], which phone speech begins with. `move`: float32 [n, n], row: after which phone; the end of an
    utterance and the beginning of the next one are in it. `often`: float32 [n], how often each phone is said.
    """

    start: FloatArray
    move: FloatArray
    often: FloatArray

    @classmethod
    def of(cls, start: FloatArray, move: FloatArray, end: FloatArray) -> FreeSpeech:
        """Utterance after utterance. end: float32 [n], probability that an utterance ends after a phone."""
        endless = (move + end[:, None] * start).astype(np.float32)
        often = start
        for _ in range(50):
            often = often @ endless
        return cls(start.astype(np.float32), endless, often)

    @classmethod
    def even(cls, phones: int) -> FreeSpeech:
        """Any phone after any other, all as likely."""
        share = np.full(phones, 1 / phones, dtype=np.float32)
        return cls(share, np.tile(share, (phones, 1)), share)

    @classmethod
    def load(cls, path: Path = BUNDLED) -> FreeSpeech:
        """Read a file with the arrays start, move and end. ModelError where that fails."""
        try:
            with np.load(path) as arrays:
                return cls.of(*(arrays[name].astype(np.float32) for name in ("start", "move", "end")))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{path}: cannot read the bigram of phones: {error}") from error

    def probability(self, phones: list[int]) -> float:
        """Of a sequence of phones, at least one, anywhere in speech."""
        return float(self.often[phones[0]]) * self.continuation(phones)

    def continuation(self, phones: list[int]) -> float:
        """Of the phones after the first one, once that is said."""
        return float(np.prod(self.move[phones[:-1], phones[1:]], dtype=np.float64))

    @cached_property
    def steps(self) -> DoubleArray:
        """How a frame moves the states of `FreeSpeechForward`, but for what is heard in it: [2n + 1, 2n + 1]."""
        n = len(self.start)
        steps = np.zeros((2 * n + 1, 2 * n + 1))
        steps[:n, :n] = self.move
        np.fill_diagonal(steps[:n, :n], 1.0)  # a phone after itself needs a blank: this is the same one going on
        steps[n : 2 * n, :n] = self.move
        steps[2 * n, :n] = self.start
        steps[:n, n : 2 * n] = np.eye(n)
        np.fill_diagonal(steps[n:, n:], 1.0)
        return steps

    @cached_property
    def tokens(self) -> npt.NDArray[np.intp]:
        """[2n + 1]: of those states."""
        n = len(self.start)
        return np.concatenate([np.arange(1, n + 1), np.zeros(n + 1, np.intp)])

    def begin(self) -> FreeSpeechForward:
        """Nothing has been heard."""
        return FreeSpeechForward(self)


class FreeSpeechForward:
    """The forward algorithm at work on one stream. Memory and time per frame are constant."""

    def __init__(self, model: FreeSpeech) -> None:
        n = self._n = len(model.start)
        self._steps, self._tokens = model.steps, model.tokens
        self._state = np.zeros(2 * n + 1)  # phones, blanks after them, the blank before all
        self._state[2 * n] = 1.0

    def advance(self, probs: FloatArray) -> float:
        """p(frame | frames before). probs: float32 [1 + n], as the model gives them, blank first.

        Raises ValueError for a frame with NaN or without any possible token.
        """
        state = self._state @ self._steps
        state *= probs.take(self._tokens)
        total = float(state.sum())
        if not total > TINY:
            if not probs.max() > 0.0:
                raise ValueError(NO_TOKEN)
            total = LEAST
            state += LEAST / len(state)
        state /= total
        self._state = state
        return total

    def log_likelihoods(self, probs: FloatArray) -> DoubleArray:
        """log p(frame | frames before) of successive frames, in less time. probs: float32 [frames, 1 + n]."""
        logs = np.empty(len(probs))
        for begin in range(0, len(probs), STRIDE):
            frames = probs[begin : begin + STRIDE]
            states = frames.take(self._tokens, axis=1).astype(np.float64)
            before = self._state
            for state in states:
                state *= before @ self._steps
                before = state
            totals = states.sum(axis=1)
            if totals.min() > TINY:
                self._state = before / totals[-1]
                totals[1:] /= totals[:-1].copy()
            else:
                totals[:] = [self.advance(frame) for frame in frames]
            logs[begin : begin + STRIDE] = np.log(totals)
        return logs

    def rest(self) -> None:
        """A frame of certain blank, which is as likely as can be."""
        n, state = self._n, self._state
        state[n : 2 * n] += state[:n]
        state[:n] = 0.0


@cache
def bundled() -> FreeSpeech:
    """English, with the tokens of the models that come with the package."""
    return FreeSpeech.load()


def free_speech_of(tokens: tuple[str, ...]) -> FreeSpeech:
    """English for the tokens of the shipped models, anything for others. tokens: the model's, blank first."""
    return bundled() if tokens == TOKENS else FreeSpeech.even(len(tokens) - 1)


def likelihoods(log_probs: FloatArray, model: FreeSpeech, silent: npt.NDArray[np.bool_]) -> FloatArray:
    """log p(frame | frames before) of successive frames: float32 [frames].

    log_probs: float32 [frames, 1 + n]; silent: [frames], where blank is certain.
    """
    forward = model.begin()
    found = np.zeros(len(log_probs), dtype=np.float32)
    for number, (probs, rests) in enumerate(zip(np.exp(log_probs), silent.tolist(), strict=True)):
        if rests:
            forward.rest()
        else:
            found[number] = np.log(forward.advance(probs))
    return found
