"""A Python prompt that blocks of a page are typed into, as a reader does who follows it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType

END = "\x1e end of the answer \x1e"


class Prompt:
    """An interactive interpreter in a folder; a context manager."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python = python
        self._errors = (folder / "typed.log").open("w+")  # with the signs of the prompt
        self._process = subprocess.Popen(
            [python, "-i", "-q"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def enter(self, text: str) -> str:
        """Type a block and an empty line; what is printed. AssertionError for an error, which would be seen there."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{text}\nprint({END!r})\n")
        self._process.stdin.flush()
        lines: list[str] = []
        while END not in (line := self._process.stdout.readline()):
            assert line, self._said()
            lines.append(line)
        lines.append(line.partition(END)[0])
        assert "Traceback" not in self._said() and "Error" not in self._said(), self._said()
        return "".join(lines)

    def _said(self) -> str:
        """All that came on stderr."""
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()

    def __enter__(self) -> Prompt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._errors.close()
