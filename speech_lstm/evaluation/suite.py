"""What a suite of tests is made of: one TOML file, one frozen dataclass a table. Paths are relative to the file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from speech_lstm.config import STRICT, Above, Amount, ConfigError, Count, Decibels, Name, Positive, check, read_toml

Names = Annotated[tuple[Name, ...], Field(min_length=1)]

BEFORE = ("silence", "faint noise", "speech", "quiet speech")
"""What a stream may have heard before a clip."""


@dataclass(frozen=True, config=STRICT)
class Noise:
    """One file of each list is drawn for a clip; they are made equally loud and added up."""

    folder: Name
    mix: Annotated[tuple[Names, ...], Field(min_length=1)]  # lists of glob patterns in the folder


@dataclass(frozen=True, config=STRICT)
class Room:
    """A shoebox, with a speaker and a microphone in it."""

    size: tuple[Above, Above, Above]  # metres
    reverberation: Above  # seconds until a sound has died away by 60 dB
    distance: Above  # metres from the speaker to the microphone


@dataclass(frozen=True, config=STRICT)
class Late:
    """States of streams that are not fresh any more."""

    after: tuple[str, ...] = BEFORE
    seconds: tuple[Above, ...] = (60.0, 150.0, 3600.0)
    speech: tuple[Name, ...] = ()  # manifests of what was said before


@dataclass(frozen=True, config=STRICT)
class Group:
    """Clips of these corpora, any where none is named, whose manifest column has one of the values or is in a range."""

    corpora: tuple[str, ...] = ()
    column: str = ""
    values: tuple[Any, ...] = ()
    least: float = float("-inf")
    most: float = float("inf")

    def has(self, corpus: str, row: Mapping[str, Any]) -> bool:
        """Whether a row of a corpus' manifest is in the group."""
        if self.corpora and corpus not in self.corpora:
            return False
        if not self.column:
            return True
        value = row.get(self.column)
        if self.values:
            return value in self.values
        return isinstance(value, int | float) and self.least <= value <= self.most


@dataclass(frozen=True, config=STRICT)
class Phones:
    """Phone error."""

    manifests: Names
    texts: Names  # the phone bigram is counted in: train splits of manifests, or .txt files of sentences
    clips: Positive = 100  # of each corpus
    smoothing: Above = 0.5  # added to each count


@dataclass(frozen=True, config=STRICT)
class Commands:
    """A grammar, clips that it has, and clips that it has not."""

    grammar: Name
    manifests: Names
    outside: tuple[Name, ...] = ()
    clips: Positive = 100  # of each corpus
    outside_clips: Positive = 25  # of each corpus


@dataclass(frozen=True, config=STRICT)
class WakeWords:
    """Misses at given false alarms an hour."""

    manifests: Names  # a wake word a clip as its text
    speech: Names  # without wake words
    noise: Name  # name of the noise that is added to every second clip of the speech
    negative_clips: Positive = 300  # of each corpus of the speech
    snr_db: tuple[Decibels, ...] = (24.0, 15.0, 10.0, 6.0, 0.0)
    clips: Positive = 100  # of each wake word
    false_alarms: tuple[Amount, ...] = (0.5, 2.0, 5.0)  # an hour


@dataclass(frozen=True, config=STRICT)
class Acceptance:
    """Trials of the confidence: words and sentences inside and outside of grammars, near misses, noise, music."""

    words: Names
    sentences: Names
    noise: Names
    clips: Positive = 100  # of each kind


@dataclass(frozen=True, config=STRICT)
class Suite:
    """A whole suite file."""

    path: Path
    seed: Count = 0
    resamples: Positive = 1000  # of the bootstrap
    split: Name = "dev"  # of all manifests
    snr_db: tuple[Decibels, ...] = (24.0, 15.0, 9.0, 6.0, 0.0)
    noises: dict[str, Noise] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    late: Late | None = None
    groups: dict[str, Group] = field(default_factory=dict)  # a clip is in the first one that has it
    phones: Phones | None = None
    commands: dict[str, Commands] = field(default_factory=dict)
    wake: WakeWords | None = None
    acceptance: Acceptance | None = None

    def located(self, path: str) -> Path:
        """A path of the file, from where the program runs."""
        return self.path.parent / path

    def all_located(self, paths: Iterable[str]) -> list[Path]:
        """The same for several."""
        return [self.located(path) for path in paths]

    def group_of(self, corpus: str, row: Mapping[str, Any]) -> str:
        """Name of a manifest row's group; "" for none."""
        return next((name for name, group in self.groups.items() if group.has(corpus, row)), "")


def matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The files that any of some patterns has, relative to a folder or not. ConfigError where there is none."""
    found: list[Path] = []
    for whole in (folder / pattern for pattern in patterns):
        found += sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))
    if not found:
        raise ConfigError(f"{folder}: no noise {' or '.join(patterns)}")
    return found


def load_suite(path: Path) -> Suite:
    """Read a suite file; ConfigError names the file and the keys that are wrong."""
    values = read_toml(path)
    if "path" in values:
        raise ConfigError(f"{path}: path: unknown key")
    suite = check(Suite, {**values, "path": str(path)}, path)
    _check(suite)
    return suite


def _check(suite: Suite) -> None:
    if suite.late and (unknown := set(suite.late.after) - set(BEFORE)):
        raise ConfigError(f"{suite.path}: [late] after: {', '.join(sorted(unknown))}; known are {', '.join(BEFORE)}")
    if suite.late and not suite.late.speech and any("speech" in after for after in suite.late.after):
        raise ConfigError(f"{suite.path}: [late] needs manifests of speech")
    if suite.wake and suite.wake.noise not in suite.noises:
        raise ConfigError(f"{suite.path}: [wake] noise is {suite.wake.noise!r}; known are {', '.join(suite.noises)}")
    if not (suite.phones or suite.commands or suite.wake or suite.acceptance):
        raise ConfigError(f"{suite.path}: no tests; give [phones], [commands.NAME], [wake] or [acceptance]")
