"""What was heard in one audio file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from speech_lstm.runtime.results import Result


@dataclass(frozen=True)
class Transcript:
    """The results of one file, in order of time; times are seconds from the start of the file.

    A file up to the length of a clip has one result, accepted or not, a longer one only those that are accepted.
    `duration`: seconds of audio that could be read. `error`: why there is no more of it, None when all is well; what
    was found in the rest of a damaged file is kept. `warnings`: what else is wrong with the sound.
    """

    file: str
    duration: float = 0.0
    results: tuple[Result, ...] = ()
    error: str | None = None
    warnings: tuple[str, ...] = ()

    def called(self, name: str) -> Transcript:
        """The same of a file with another name."""
        return replace(self, file=name, error=self.error and self.error.replace(self.file, name))

    @property
    def accepted(self) -> tuple[Result, ...]:
        """The results that count."""
        return tuple(result for result in self.results if result.accepted)

    def to_dict(self) -> dict[str, Any]:
        """Ready for `json.dumps`; `error` and `warnings` only where there are any."""
        row: dict[str, Any] = {
            "file": self.file,
            "duration": round(self.duration, 3),
            "results": [result.to_dict() for result in self.results],
        }
        if self.error is not None:
            row["error"] = self.error
        if self.warnings:
            row["warnings"] = list(self.warnings)
        return row
