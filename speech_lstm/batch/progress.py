"""How far a batch is: one line on a terminal that is redrawn, and a summary at the end."""

from __future__ import annotations

import sys
import time
from typing import TextIO

REDRAW_SECONDS = 0.2


class Progress:
    """Files, audio, speed and time left. Draws nothing where the stream is not a terminal.

    Time left is estimated from the bytes of the files, because their length is not known before they are read.
    """

    def __init__(self, files: int, size: int, stream: TextIO | None = None) -> None:
        """size: bytes of all files."""
        self._stream = stream or sys.stderr
        self._draws = self._stream.isatty()
        self._files = files
        self._size = size
        self._done = self._read = 0
        self._audio = 0.0
        self._started = time.monotonic()
        self._drawn = 0.0
        if self._draws:
            self._draw()

    @property
    def done(self) -> int:
        """Files."""
        return self._done

    def add(self, seconds: float, size: int, files: int = 1) -> None:
        """One more file, or several: their audio in seconds and their bytes."""
        self._done += files
        self._audio += seconds
        self._read += size
        if self._draws and time.monotonic() - self._drawn > REDRAW_SECONDS:
            self._draw()

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._draws:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = 0.0

    def summary(self) -> str:
        """For the end."""
        files = "1 file" if self._done == 1 else f"{self._done} files"
        spent = max(time.monotonic() - self._started, 1e-6)
        return f"{files}, {_length(self._audio)} of audio in {spent:.2f} s: {self._audio / spent:.0f} times real time"

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        spent = self._drawn - self._started
        share = self._read / self._size if self._size else 0.0
        left = f"{_clock(spent * (1 - share) / share)} left" if share > 0 else ""
        bar = "#" * round(20 * share)
        speed = f"{self._audio / spent:.0f}x" if spent > 0 else ""
        line = f"[{bar:20}] {self._done}/{self._files} files  {_length(self._audio)}  {speed}  {left}"
        self._stream.write(f"\r{line.rstrip()}\x1b[K")
        self._stream.flush()


def _length(seconds: float) -> str:
    """Seconds, or hours for long ones."""
    return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 3600:.2f} h"


def _clock(seconds: float) -> str:
    """H:MM:SS."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
