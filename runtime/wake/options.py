"""When a wake word is heard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WakeWordOptions:
    """Options of the detector; times in seconds.

    `false_alarms`: an hour of speech at sensitivity 0.5, for each phrase.
    `range`: how many times fewer at sensitivity 0, and more at 1; logarithmic between.
    `fold_threshold`: probability of blank above which a frame is silent.
    `confirm_seconds`: a detection is reported when no better one has followed for so long.
    `refractory_seconds`: nothing is heard so soon after a detection.
    `pause_seconds`, `longest_seconds`: longest pause inside a phrase, and longest phrase.
    """

    false_alarms: float = 0.5
    range: float = 10.0
    fold_threshold: float = 0.95
    confirm_seconds: float = 0.12
    refractory_seconds: float = 1.0
    pause_seconds: float = 0.4
    longest_seconds: float = 4.0

    def __post_init__(self) -> None:
        """Raise ValueError for options outside their range."""
        if self.range < 1:
            raise ValueError(f"range is {self.range}; expected 1 or more")
        for name in ("false_alarms", "confirm_seconds", "refractory_seconds", "pause_seconds", "longest_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def wanted(self, sensitivity: float) -> float:
        """False alarms an hour of speech for a sensitivity from 0 to 1."""
        return float(self.false_alarms * self.range ** (2 * sensitivity - 1))
