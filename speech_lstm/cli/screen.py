"""The terminal view of `speech-lstm listen`: level, state, words so far, the last commands, CPU and latency."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from speech_lstm.runtime.live.state import State
from speech_lstm.runtime.results import (
    AudioDropped,
    AudioWarning,
    Command,
    Event,
    MicrophoneBack,
    MicrophoneLost,
    MicrophoneSilent,
    Partial,
    Rejected,
    Timeout,
    WakeWord,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from speech_lstm.runtime.live.stream import Stream

QUIETEST = -60.0
"""dB below full scale at the left end of the level meter."""

PLAIN = str.maketrans({"●": "*", "█": "#", "─": "-", "…": "...", "·": "-"})
"""For terminals that have only the letters of an old encoding."""

_STATES = {
    State.IDLE: ("asleep", "blue"),
    State.AWAKE: ("awake", "yellow"),
    State.LISTENING: ("listening", "green"),
}


@dataclass(frozen=True)
class Heard:
    """A line of the table."""

    result: Command | Rejected
    latency: float
    """Seconds from the end of the last word to the event."""


class Screen:
    """Fed with audio and events; draws itself while used as a context manager."""

    failed = False
    """Nothing is lost with what is only shown."""

    def __init__(self, source: str, wake_words: Iterable[str] | None = None, lines: int = 8) -> None:
        """source: its name. lines: how many of the last commands to show."""
        self._source = source
        self._hint = f"say {', '.join(repr(word) for word in wake_words)}" if wake_words else "say a command"
        self._heard: deque[Heard] = deque(maxlen=lines)
        self._level = QUIETEST
        self._state = State.IDLE
        self._partial = ""
        self._notice = ""
        self._cpu = 0.0
        self._measured = (time.monotonic(), time.process_time())
        console = Console(markup=False, emoji=False, highlight=False)  # names and values are not ours
        self._signs = {} if console.encoding.lower().startswith("utf") else PLAIN
        self._live = Live(self.render(), console=console, auto_refresh=False, transient=False)
        self._drawn = 0.0

    def __enter__(self) -> Screen:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.update(self.render(), refresh=True)
        self._live.stop()

    def audio(self, samples: NDArray[np.float32], stream: Stream) -> None:
        """float32 [n], 16 kHz: the level, and what the stream is doing; ten times a second to the screen."""
        self._level = max(decibels(samples), self._level - 1.5)  # falls slowly, as a needle does
        self._state = stream.state
        now, spent = time.monotonic(), time.process_time()
        if now - self._measured[0] >= 1:
            self._cpu = (spent - self._measured[1]) / (now - self._measured[0])
            self._measured = (now, spent)
        if now - self._drawn >= 0.1:
            self._drawn = now
            self._live.update(self.render(), refresh=self._live.is_started)

    def event(self, event: Event, compute: float) -> None:
        """What happened, `compute` seconds after its audio came."""
        if isinstance(event, Command | Rejected):
            self._heard.append(Heard(event, event.time - event.result.end + compute))
            self._partial = ""
        elif isinstance(event, Partial):
            self._partial = event.text
        elif isinstance(event, Timeout):
            self._partial = ""
        self._notice = notice(event) or self._notice

    def render(self) -> RenderableType:
        """The whole view."""
        name, colour = _STATES[self._state]
        waiting = "…".translate(self._signs) if self._state is State.LISTENING else self._hint
        top = Table.grid(padding=(0, 2), expand=True)
        top.add_column(width=11)
        top.add_column(width=32)
        top.add_column(ratio=1)
        top.add_row(
            Text(f"● {name}".translate(self._signs), style=f"bold {colour}"),
            meter(self._level, self._signs),
            Text(self._partial or waiting, style="italic"),
        )
        delays = sorted(heard.latency for heard in self._heard if heard.result.result.words)
        foot = f"CPU {self._cpu:.1%} of one core"
        if delays:
            foot += f"   answers {delays[len(delays) // 2] * 1000:.0f} ms after the last word (median)"
        parts: list[RenderableType] = [top, Text(), self._table(), Text(foot, style="dim")]
        if self._notice:
            parts.append(Text(self._notice, style="yellow"))
        title = Text("speech-lstm · ".translate(self._signs) + self._source)
        return Panel(Group(*parts), title=title, subtitle="Ctrl-C ends")

    def _table(self) -> Table:
        table = Table(expand=True, box=None, header_style="dim")
        for column in ("time", "heard", "intent", "slots", "confidence", "delay"):
            table.add_column(column, justify="right" if column in ("time", "confidence", "delay") else "left")
        for heard in self._heard:
            result = heard.result.result
            accepted = isinstance(heard.result, Command)
            slots = ", ".join(f"{name}={value}" for name, value in result.slots.items())
            table.add_row(
                f"{heard.result.time:.1f} s",
                result.text if accepted else f"not a command ({result.text or 'nothing close'})",
                result.intent or "",
                slots,
                f"{result.confidence:.2f}",
                f"{heard.latency * 1000:.0f} ms",
                style="" if accepted else "dim",
            )
        return table


def notice(event: Event) -> str:
    """What an event has to tell beside the table; "" if nothing."""
    if isinstance(event, WakeWord):
        return f"{event.phrase} ({event.confidence:.2f})"
    if isinstance(event, MicrophoneSilent):
        return f"the microphone gives nothing but zeros; {event.hint}"
    if isinstance(event, MicrophoneLost):
        return f"the microphone is gone ({event.reason}); waiting for it"
    if isinstance(event, MicrophoneBack):
        return f"the microphone is back after {event.seconds:.1f} s"
    if isinstance(event, AudioWarning):
        return event.message
    if isinstance(event, AudioDropped):
        return f"{event.seconds:.2f} s of audio dropped, {event.overflows} overflows of the device"
    return ""


def decibels(samples: NDArray[np.float32]) -> float:
    """Root mean square of float32 [n] in dB of full scale, at least `QUIETEST`."""
    power = float(np.mean(np.square(samples))) if samples.size else 0.0
    return max(QUIETEST, 10 * math.log10(power)) if power > 0 else QUIETEST


def meter(level: float, signs: Mapping[int, str], width: int = 20) -> Text:
    """A bar for dB of full scale, with the number. signs: what to draw it with instead of blocks and lines."""
    filled = round(width * (1 - max(QUIETEST, min(0.0, level)) / QUIETEST))
    colour = "red" if level > -3 else "green" if level > -45 else "dim"
    full, empty = "█".translate(signs), "─".translate(signs)
    return Text.assemble((full * filled, colour), (empty * (width - filled), "dim"), f" {level:4.0f} dB")
