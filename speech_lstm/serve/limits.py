"""What a client may ask of the server, and the errors that say so."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    clients: int = 64
    """Wyoming and WebSocket clients at once."""
    connections: int = 256
    """Open HTTP connections, those of WebSockets among them, and as many of Wyoming."""
    message_bytes: int = 1 << 20
    """Of a WebSocket message or the payload of a Wyoming event."""
    grammar_bytes: int = 64 << 10
    """Of a grammar that a client sends."""
    grammar_arcs: int = 50_000
    """Of its word graph."""
    grammar_seconds: float = 5.0
    """Time to compile it."""
    file_bytes: int = 32 << 20
    """Of a file for `/transcribe`."""
    file_seconds: float = 120.0
    """Of audio in it."""
    files: int = 8
    """Files that wait or are worked on."""
    speed: float = 8.0
    """Audio of a client is taken up to so many times as fast as it was spoken; more waits at the client."""
    messages: float = 50.0
    """Control messages of a client in a second, averaged over some seconds."""
    grammars: float = 5.0
    """Grammars of a client in a second, likewise."""
    start_seconds: float = 10.0
    """From the connection to the first whole request or message."""
    idle_seconds: float = 120.0
    """Nothing received, or an event or a file that does not end."""
    send_seconds: float = 10.0
    """A client that does not read."""
    stop_seconds: float = 10.0
    """To finish what is in flight when the server stops."""

    def __post_init__(self) -> None:
        """ValueError for a limit that is not above 0."""
        for item in fields(self):
            if getattr(self, item.name) <= 0:
                raise ValueError(f"{item.name} is {getattr(self, item.name)}, it must be above 0")


class Refused(Exception):
    """A client went beyond a limit or sent what cannot be understood: it is told why and closed."""

    def __init__(self, reason: str, code: str = "bad-request") -> None:
        """code, for programs: "bad-request", "bad-audio", "bad-grammar", "too-large", "too-many", "too-slow", "busy" or
        "stopping".
        """
        super().__init__(reason)
        self.code = code


class Bucket:
    """Lets `rate` units a second pass on average, and `seconds` times as many at once."""

    def __init__(self, rate: float, seconds: float = 4.0) -> None:
        self._rate, self._most = rate, rate * seconds
        self._level, self._time = self._most, time.monotonic()

    def take(self, amount: float = 1.0) -> float:
        """Take some out. Returns the seconds to wait until the level is above 0 again, 0 if it is."""
        now = time.monotonic()
        self._level = min(self._most, self._level + (now - self._time) * self._rate) - amount
        self._time = now
        return max(0.0, -self._level / self._rate)
