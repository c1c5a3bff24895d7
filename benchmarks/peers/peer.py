"""What a peer is: one small class, all with the same interface, which imports what it needs when it is made.

A peer is made for one job, a dictionary as `benchmarks.peers.jobs` writes it, and raises `Unfit` for one that it cannot
do. For commands `hear` gets a clip and says what was asked for; for wake words `listen` gets the next piece of a stream
and says which phrases it heard in it, how surely and when. Audio is int16 [samples] of 16 kHz.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 16000
Audio = npt.NDArray[np.int16]
Job = dict[str, Any]


class Unfit(Exception):
    """A peer cannot do a job, for the reason given."""


@dataclass(frozen=True)
class Heard:
    """What a peer made of a clip. `intent` and `slots` of those that know them, `text` of the others."""

    accepted: bool
    text: str | None = None
    intent: str | None = None
    slots: dict[str, Any] | None = None


@dataclass(frozen=True)
class Found:
    """A wake word. `score`: the higher the surer, on a scale of the peer's own; `second`: in the piece."""

    phrase: str
    score: float
    second: float


class Peer:
    """The interface. `kinds`: of jobs. `usual`: the score from which on a wake word counts, as the peer comes."""

    name = ""
    packages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("commands", "wake words")
    usual = 0.5

    def __init__(self, job: Job) -> None:
        self.job = job

    def files(self) -> list[Path]:
        """What the peer needs on disk for the job, its program left out."""
        raise NotImplementedError

    def hear(self, audio: Audio) -> Heard:
        """A clip with one command at most."""
        raise NotImplementedError

    def listen(self, audio: Audio) -> list[Found]:
        """The next piece of a stream."""
        raise NotImplementedError

    def more(self, audio: Audio) -> list[Found]:
        """Wake words at other settings in the same piece, for the curve: not timed."""
        return []

    def phrases_of(self, known: dict[str, str]) -> list[str]:
        """The job's wake words that it has."""
        if not (found := [phrase for phrase in self.job["phrases"] if phrase in known]):
            raise Unfit(f"has none of the wake words {', '.join(self.job['phrases'])}")
        return found


def blocks(audio: Audio, length: int) -> Iterator[Audio]:
    """The same audio in pieces; the last one may be shorter."""
    return (audio[start : start + length] for start in range(0, len(audio), length))
