"""What a suite of tests is made of: one TOML file, one frozen dataclass a table. Paths are relative to the file."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from speech_lstm.config import ConfigError, read_table

BEFORE = ("silence", "faint noise", "speech", "quiet speech")
"""What a stream may have heard before a clip."""


@dataclass(frozen=True)
class Noise:
    """One file of each list is drawn for a clip; they are made equally loud and added up."""

    folder: str
    mix: tuple[tuple[str, ...], ...]  # lists of glob patterns in the folder


@dataclass(frozen=True)
class Room:
    """A shoebox, with a speaker and a microphone in it."""

    size: tuple[float, float, float]  # metres
    reverberation: float  # seconds until a sound has died away by 60 dB
    distance: float  # metres from the speaker to the microphone


@dataclass(frozen=True)
class Late:
    """States of streams that are not fresh any more."""

    after: tuple[str, ...] = BEFORE
    seconds: tuple[float, ...] = (60.0, 150.0, 3600.0)
    speech: tuple[str, ...] = ()  # manifests of what was said before


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Phones:
    """Phone error."""

    manifests: tuple[str, ...]
    texts: tuple[str, ...]  # the phone bigram is counted in: train splits of manifests, or .txt files of sentences
    clips: int = 100  # of each corpus
    smoothing: float = 0.5  # added to each count


@dataclass(frozen=True)
class Commands:
    """A grammar, clips that it has, and clips that it has not."""

    grammar: str
    manifests: tuple[str, ...]
    outside: tuple[str, ...] = ()
    clips: int = 100  # of each corpus
    outside_clips: int = 25  # of each corpus


@dataclass(frozen=True)
class WakeWords:
    """Misses at given false alarms an hour."""

    manifests: tuple[str, ...]  # a wake word a clip as its text
    speech: tuple[str, ...]  # without wake words
    noise: str  # name of the noise that is added to every second clip of the speech
    negative_clips: int = 300  # of each corpus of the speech
    snr_db: tuple[float, ...] = (24.0, 15.0, 10.0, 6.0, 0.0)
    clips: int = 100  # of each wake word
    false_alarms: tuple[float, ...] = (0.5, 2.0, 5.0)  # an hour


@dataclass(frozen=True)
class Acceptance:
    """Trials of the confidence: words and sentences inside and outside of grammars, near misses, noise, music."""

    words: tuple[str, ...]
    sentences: tuple[str, ...]
    noise: tuple[str, ...]
    clips: int = 100  # of each kind


@dataclass(frozen=True)
class Suite:
    """A whole suite file."""

    path: Path
    seed: int = 0
    resamples: int = 1000  # of the bootstrap
    split: str = "dev"  # of all manifests
    snr_db: tuple[float, ...] = (24.0, 15.0, 9.0, 6.0, 0.0)
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


_TABLES = {"late": Late, "phones": Phones, "wake": WakeWords, "acceptance": Acceptance}
_TABLES_BY_NAME = {"noises": Noise, "rooms": Room, "groups": Group, "commands": Commands}


def load_suite(path: Path) -> Suite:
    """Read a suite file; ConfigError names the file and the key that is wrong."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    known = [item.name for item in fields(Suite) if item.name != "path"]
    if unknown := sorted(set(values) - set(known)):
        raise ConfigError(f"{path}: unknown keys {', '.join(unknown)}; known are {', '.join(known)}")
    tables: dict[str, Any] = {}
    for name, value in values.items():
        if name in _TABLES:
            tables[name] = read_table(_TABLES[name], value, f"{path}: [{name}]")
        elif name in _TABLES_BY_NAME:
            if not isinstance(value, dict):
                raise ConfigError(f"{path}: {name}: expected tables like [{name}.NAME], got {value!r}")
            kind = _TABLES_BY_NAME[name]
            tables[name] = {key: read_table(kind, item, f"{path}: [{name}.{key}]") for key, item in value.items()}
    scalars = {name: value for name, value in values.items() if name not in tables}
    suite = read_table(Suite, {"path": path, **scalars, **tables}, str(path))
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
