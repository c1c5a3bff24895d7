"""What recognition gives back: results of utterances, events of streams. Times are seconds from the audio's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True)
class Word:
    """A recognised word: when it was said, and the probability that it was."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Slot:
    """A filled slot of a command: the grammar's value, the words that filled it and when they were said."""

    name: str
    value: Any
    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Alternative:
    """Another command that the audio may hold."""

    text: str
    confidence: float
    intent: str | None = None
    slot_details: tuple[Slot, ...] = ()

    @property
    def slots(self) -> Mapping[str, Any]:
        """Slot name -> value, read-only; the last one said where a name comes twice."""
        return MappingProxyType({slot.name: slot.value for slot in self.slot_details})


@dataclass(frozen=True)
class Result:
    """What an utterance holds. `text` is the closest command even when it is not accepted, "" where there is none."""

    text: str
    confidence: float
    """Probability that exactly this was said."""
    accepted: bool
    """Whether the confidence reaches the threshold."""
    intent: str | None = None
    slot_details: tuple[Slot, ...] = ()
    words: tuple[Word, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    """Other commands, best first, without this one."""
    start: float = 0.0
    """Seconds, of the first word; of all that was heard where there is no word."""
    end: float = 0.0

    @property
    def slots(self) -> Mapping[str, Any]:
        """Slot name -> value, read-only; the last one said where a name comes twice."""
        return MappingProxyType({slot.name: slot.value for slot in self.slot_details})

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers, ready for `json.dumps`."""
        return _plain(self)


NOTHING = Result("", 0.0, False)
"""The result of audio in which no command was said."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a stream; `time` is how much audio the stream had heard by then, in seconds."""

    time: float

    def to_dict(self) -> dict[str, Any]:
        """The name of the event and its fields, ready for `json.dumps`."""
        return {"event": type(self).__name__, **_plain(self)}


@dataclass(frozen=True)
class WakeWord(Event):
    """A wake word was said; the stream now listens for a command."""

    phrase: str
    confidence: float


@dataclass(frozen=True)
class SpeechStarted(Event):
    """Somebody began to speak while the stream listens for a command."""


@dataclass(frozen=True)
class Partial(Event):
    """The words of a command so far; they may still change."""

    text: str


@dataclass(frozen=True)
class Command(Event):
    """A command was recognised."""

    result: Result


@dataclass(frozen=True)
class Rejected(Event):
    """Something was said that is not a command; `result` holds the closest one."""

    result: Result


@dataclass(frozen=True)
class Timeout(Event):
    """No command came: nobody spoke ("leading"), or speech did not end ("total")."""

    reason: Literal["leading", "total"]


@dataclass(frozen=True)
class AudioWarning(Event):
    """Something is wrong with the sound itself, which is heard all the same; `message` says what, for people."""

    kind: Literal["damaged", "cut", "gap", "tracks", "quiet", "clipped", "inverted", "scale"]
    """Some of it is lost; the end seems to be missing; a pause of the container; one track of several is heard; too
    quiet; too loud for what recorded it; a channel that is the inverse of another; int32 that holds int16."""
    message: str


@dataclass(frozen=True)
class AudioDropped(Event):
    """Some audio is missing before what comes next."""

    seconds: float
    """Thrown away because the queue was full: the program fetched too slowly."""
    overflows: int
    """How often the device itself lost audio, an unknown amount each."""


@dataclass(frozen=True)
class MicrophoneSilent(Event):
    """The device gives zeros and nothing else, which no microphone hears: it is muted, or permission is missing."""

    seconds: float
    hint: str


@dataclass(frozen=True)
class MicrophoneLost(Event):
    """The device is gone; it is tried again until it is back."""

    reason: str


@dataclass(frozen=True)
class MicrophoneBack(Event):
    """The device is there again."""

    seconds: float
    """How long it was gone."""


def _plain(value: Any) -> Any:
    """Dataclasses and mappings as dictionaries, sequences as lists."""
    if isinstance(value, Result | Alternative):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)} | {"slots": dict(value.slots)}
    if isinstance(value, Word | Slot | Event):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
