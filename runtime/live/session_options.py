"""When a session starts and stops to listen."""

from __future__ import annotations

from dataclasses import dataclass, fields

from speech_lstm.runtime.errors import OptionError
from speech_lstm.runtime.options import check_types


@dataclass(frozen=True)
class SessionOptions:
    """Everything in seconds but the last three."""

    confirm_seconds: float = 0.16
    """Silence or other speech after a sentence that no longer one can follow."""
    pause_seconds: float = 0.6
    """The same after a sentence which could go on; silence that ends speech which is no sentence."""
    leading_seconds: float = 5.0
    """Silence after the wake word until the session gives up."""
    total_seconds: float = 10.0
    """Longest command."""
    wake_tail_seconds: float = 0.32
    """How long the last sound of the wake word may go on: until the first frame without a phone no command begins."""
    release_seconds: float = 0.3
    """How much longer to listen when the button is released, because a model hears a little late."""
    preroll_seconds: float = 0.4
    """Audio before the detected start of speech that belongs to the command."""
    partial_seconds: float = 0.24
    """Least time between `Partial` events."""
    speech_frames: int = 2
    """Frames with a phone, within preroll_seconds, that make speech."""
    partials: bool = True
    """Whether to report the words so far."""
    push_to_talk: bool = False
    """Listen only between `Stream.press` and `Stream.release`."""

    def __post_init__(self) -> None:
        """OptionError for a time or count that is not above 0."""
        check_types(self)
        for item in fields(self):
            if not isinstance(value := getattr(self, item.name), bool) and value <= 0:
                raise OptionError(f"{item.name} is {value}, it must be above 0")
