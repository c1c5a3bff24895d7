"""When a command is over: the rule by which a session ends a search."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from speech_lstm.runtime.decoding.decoder import Progress


class Verdict(Enum):
    """What to do after a frame."""

    GO_ON = auto()
    TRY = auto()
    """A sentence is complete though something goes on after it: it is a command if it is accepted."""
    DECIDE = auto()
    """Speech is over: accept or reject it."""


@dataclass(frozen=True)
class Endpoint:
    """Frames of silence or other speech: `confirm` after a sentence that no longer one can follow, `pause` after one
    which could go on, and of silence after speech that is no sentence. `total`: frames of the longest command.
    """

    confirm: int
    pause: int
    total: int

    def verdict(self, now: Progress, can_continue: bool, untried: float) -> Verdict:
        """can_continue: whether a longer sentence may follow; untried: frames since a sentence was last tried."""
        patience = self.pause if can_continue else self.confirm
        complete = now.is_final and now.final_frames >= patience
        if now.trailing_blanks >= (patience if complete else self.pause):
            return Verdict.DECIDE
        return Verdict.TRY if complete and untried >= self.confirm else Verdict.GO_ON

    def is_near(self, now: Progress, can_continue: bool, frames: int) -> bool:
        """Whether speech may be over so many frames later, if nothing more is said."""
        over = max(now.trailing_blanks, now.final_frames if now.is_final else 0)
        return over + frames >= (self.pause if can_continue else self.confirm)

    def is_too_long(self, frames: int) -> bool:
        """Whether so many frames of a command are the most."""
        return frames >= self.total
