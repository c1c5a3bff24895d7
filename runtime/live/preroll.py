"""The last frames of a stream while nobody is listened to: a command begins before it is clear that somebody speaks."""

from __future__ import annotations

from collections import deque

import numpy as np

from speech_lstm.runtime.decoding.margins import FloatArray


class Preroll:
    """A few frames, and whether a phone was heard in each. `speech`: frames with a phone that make speech."""

    def __init__(self, most: int, speech: int) -> None:
        self._frames: deque[FloatArray] = deque(maxlen=most)
        self._phones: deque[bool] = deque(maxlen=most)
        self._speech = speech

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frame: FloatArray, phone: bool) -> None:
        """One more, float32 [tokens]; the oldest goes when there are too many."""
        self._frames.append(frame)
        self._phones.append(phone)

    def keep(self, newest: int) -> None:
        """Drop all but the newest ones."""
        while len(self._frames) > newest:
            self._frames.popleft()
            self._phones.popleft()

    @property
    def phones(self) -> list[bool]:
        """In which frames one was heard, the oldest first."""
        return list(self._phones)

    @property
    def log_probs(self) -> FloatArray:
        """float32 [frames, tokens]."""
        return np.stack(self._frames)

    def has_speech(self, newest: int) -> bool:
        """Whether enough of the newest frames have a phone."""
        if sum(self._phones) < self._speech:
            return False
        return sum(self.phones[max(0, len(self) - newest) :]) >= self._speech
