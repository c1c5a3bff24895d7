"""What of a recording is lost, for one line at its end."""

from __future__ import annotations

import math

from speech_lstm.runtime.results import AudioWarning

_NEAR = 0.1  # seconds between two places that are one


class Damage:
    """Collects the places where sound is missing."""

    def __init__(self) -> None:
        self._places = 0
        self._first = 0.0
        self._end = -math.inf  # of the last one
        self._seconds = 0.0  # lost in all places of which that is known
        self._cut: tuple[float, float] | None = None

    def lose(self, start: float, seconds: float = 0.0) -> None:
        """Sound at that time of the recording; seconds: of it, 0 where it is little or nobody knows."""
        if not self._places or start < self._first:
            self._first = start
        if start > self._end + _NEAR:
            self._places += 1
        self._end = start + seconds
        self._seconds += seconds

    def end(self, heard: float, promised: float) -> None:
        """There are `heard` seconds of sound up to here, and the file says that there are more."""
        self._cut = heard, promised

    def warning(self) -> AudioWarning | None:
        """None when all is well."""
        parts = []
        if self._places:
            places = "" if self._places == 1 else f" in {self._places} places"
            lost = "some sound is lost" if self._seconds < 0.05 else f"about {self._seconds:.1f} s of sound are lost"
            parts.append(f"the audio data is damaged{places}: {lost}, at {self._first:.1f} s")
        if self._cut:
            parts.append("the sound ends at {:.1f} s of {:.1f} s".format(*self._cut))
        if not parts:
            return None
        time = self._first if self._places else self._cut[0] if self._cut else 0.0
        return AudioWarning(round(time, 4), "damaged", "; ".join(parts))
