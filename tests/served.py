"""A `speech-lstm serve` process of its own for tests, and what they say to it."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import speech_lstm as sl

DATA = Path(__file__).parent / "data"
GRAMMAR = """
language: en
intents:
  Go:
    data:
      - sentences: ["{direction}", "go"]
  Answer:
    data:
      - sentences: ["{answer}"]
lists:
  direction:
    values: [backward, forward, left, right, up, down]
  answer:
    values: ["yes", {in: "no", out: nope}]
"""


@dataclass
class Served:
    """A running server. `wyoming`, `http`: ports."""

    process: subprocess.Popen[str]
    wyoming: int
    http: int

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", status)[0])

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code, and what it printed on stderr since it began to listen."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


def start(grammar: Path, *options: str) -> Served:
    """Start one on free ports and wait until it listens."""
    command: tuple[str, ...] = (
        sys.executable,
        "-m",
        "speech_lstm.cli",
        "serve",
        "--device",
        "cpu",
        "--grammar",
        str(grammar),
    )
    command += ("--wyoming", "tcp://127.0.0.1:0") if "--wyoming" not in options else ()
    command += ("--http", "127.0.0.1:0") if "--http" not in options else ()
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    ports: list[int] = []
    lines: list[str] = []
    while len(ports) < 2 and (line := process.stderr.readline()):  # a warning of a wake word may come first
        lines.append(line)
        ports += map(int, re.findall(r":(\d+)/?$", line.strip()))
    assert len(ports) == 2, lines
    return Served(process, *ports)


@contextlib.contextmanager
def running(grammar: Path, *options: str) -> Iterator[Served]:
    """One that is stopped in the end, and must then have nothing to complain about."""
    served = start(grammar, *options)
    try:
        yield served
    finally:
        code, errors = served.stop()
    assert (code, errors) == (0, "speech-lstm: stopping\n")


def clip(word: str, silence: float = 0.8) -> bytes:
    """A bundled recording with silence around it, int16 at 16 kHz."""
    pause = np.zeros(round(silence * 16000), np.float32)
    audio = np.concatenate([pause, sl.read_audio(next((DATA / "words").glob(f"{word}_*.opus"))), pause])
    return (32767 * audio).clip(-32768, 32767).astype("<i2").tobytes()


def wait_for(condition: object, seconds: float = 10.0) -> None:
    """Until a function returns true."""
    assert callable(condition)
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)
