"""For what one thread at a time may do."""

from __future__ import annotations

import threading

from .errors import SpeechLstmError


class Alone:
    """A lock that no thread waits for."""

    def __init__(self, what: str, doing: str, each: str) -> None:
        """what: is fed or read, which `doing` says, by the thread that has it. each: what every thread needs."""
        self._lock = threading.Lock()
        self._message = f"another thread is {doing} this {what} at this moment; {each}"

    def __enter__(self) -> None:
        """SpeechLstmError where another thread has the lock."""
        if not self._lock.acquire(blocking=False):
            raise SpeechLstmError(self._message)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
