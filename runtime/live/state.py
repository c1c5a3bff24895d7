"""Where a session is, and the wake word that it waits for."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from speech_lstm.runtime.decoding.margins import FloatArray


class State(Enum):
    """Where a session is."""

    IDLE = "idle"
    AWAKE = "awake"
    LISTENING = "listening"


class WakeSearch(Protocol):
    """A wake word detector at work on one stream."""

    def advance(self, log_probs: FloatArray) -> tuple[int, tuple[str, float, int] | None]:
        """Hear the next frames, float32 [frames, tokens], until a wake word is: how many were heard, and the wake word
        that was said, its confidence and the frames since its end, or None.
        """

    @property
    def frames_left(self) -> int:
        """After how many frames a wake word may be heard; a guess, which costs time where it is too high."""
