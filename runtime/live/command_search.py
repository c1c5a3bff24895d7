"""The search for one command of a stream: what was heard since speech began, and what is said in it so far."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from speech_lstm.runtime.decoding.decoder import Decoder, Progress
from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.live.interpreter import Decision, Interpreter


class Heard(NamedTuple):
    """A grammar as a session uses it: after a wake word or a button a command is likelier than where all that is said
    may be one, so there are two thresholds.
    """

    decoder: Decoder
    asked: Interpreter
    unasked: Interpreter


class CommandSearch:
    """Hears frames and answers about those heard so far. `origin`: frame of the stream at which it began; `is_asked`:
    whether there was a wake word or a button; `now`: its progress.
    """

    def __init__(self, grammar: Heard, is_asked: bool, origin: int, before: FloatArray) -> None:
        """before: float32 [frames, tokens], those that were heard before it was clear that somebody speaks."""
        self.origin, self.is_asked = origin, is_asked
        self._grammar = grammar
        self._decoder = decoder = grammar.decoder
        self._state = decoder.start()
        self._heard = [before]
        decoder.advance(self._state, before)
        self.now = self._state.now
        self._told = ("", self.now.num_frames)  # words, and when they were asked for
        self._tried = -math.inf

    def follow(self, log_probs: FloatArray) -> Iterator[Progress]:
        """Hear the next frames, float32 [frames, tokens], or the first of them; it goes on while it is iterated."""
        progress = self._decoder.follow(self._state, log_probs)
        self._heard.append(log_probs[: len(progress)])
        for self.now in progress:
            yield self.now

    @property
    def _interpreter(self) -> Interpreter:
        return self._grammar.asked if self.is_asked else self._grammar.unasked

    @property
    def can_continue(self) -> bool:
        """Whether more phones may follow on the best path."""
        return self._decoder.can_continue(self.now)

    def new_words(self, wait: int) -> str:
        """The words that are over on the best path, if they are others than last time and that is `wait` frames ago."""
        before, frame = self._told
        if self.now.num_frames - frame < wait:
            return ""
        found = self._decoder.partial(self._state, self.now)
        words = found.text if found else ""
        self._told = words, self.now.num_frames
        return words if words != before else ""

    @property
    def untried(self) -> float:
        """Frames since `might_be_accepted` was asked for."""
        return self.now.num_frames - self._tried

    def might_be_accepted(self) -> bool:
        """Whether the best sentence would be accepted if it had no rival; this costs much less than to decide."""
        self._tried = self.now.num_frames
        best = self._decoder.best(self._state, self.now)
        return best is not None and self._interpreter.accepts(best, self.now.num_frames)

    def decide(self, alternatives: int, time: float) -> Decision:
        """The result, with that many alternatives at most; time: seconds of the stream, no time is after it."""
        sentences = self._decoder.sentences(self._state, self.now)
        return self._interpreter.decide(sentences, self.now.num_frames, alternatives, self.origin, time)

    def since(self, frame: int) -> FloatArray:
        """The frames that were heard, from one of the search on."""
        return np.concatenate(self._heard)[frame : self.now.num_frames]
