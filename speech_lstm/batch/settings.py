"""What transcripts were made with, kept beside them, so that `--resume` does not mix two kinds."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from speech_lstm import models
from speech_lstm.batch.listeners import ListenerOptions
from speech_lstm.batch.transcriber import BatchOptions

NAME = ".speech-lstm-settings"
"""Of the file that holds them; a format's suffix follows."""

_ASIDE = ("grammar", "model", "device", "batch", "window")
"""Fields of the options that have a digest of their own, or change nothing but speed."""


@dataclass(frozen=True)
class Settings:
    """Digests of what decides on the results of a run."""

    phrases: str
    model: str
    options: str

    @classmethod
    def of(cls, listener: ListenerOptions, options: BatchOptions) -> Settings:
        """A grammar or model is told by the content of its files, not by where they are."""
        grammar: Any = listener.grammar
        if isinstance(grammar, str | os.PathLike):
            grammar = _content(Path(grammar))
        model = models.find(listener.model, "cpu") or Path(listener.model)
        rest = {name: value for name, value in {**asdict(listener), **asdict(options)}.items() if name not in _ASIDE}
        return cls(_digest(grammar), _digest(_content(model)), _digest(rest))

    @classmethod
    def read(cls, text: str | bytes) -> Settings | None:
        """What `text` gave; None for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def text(self) -> str:
        """For the file."""
        return json.dumps(asdict(self)) + "\n"

    def changed(self, earlier: Settings) -> tuple[str, ...]:
        """The names of what is other than it was."""
        return tuple(item.name for item in fields(self) if getattr(self, item.name) != getattr(earlier, item.name))


def told(changed: Iterable[str] | None) -> str:
    """For messages: "other phrases and another model"."""
    words = {"phrases": "other phrases", "model": "another model", "options": "other options"}
    if changed is None:
        return "settings that are not known"
    return " and ".join(words[name] for name in changed) or "other settings"


def _content(source: Path) -> list[str]:
    """Digests of a file, or of those in a folder; without what cannot be read, which is reported later."""
    paths = sorted(source.rglob("*")) if source.is_dir() else [source]
    found = []
    for path in filter(Path.is_file, paths):  # and no device, which may have no end
        try:
            found.append(hashlib.sha256(path.read_bytes()).hexdigest())
        except OSError:
            continue
    return found


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
