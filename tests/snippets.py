"""The code blocks of a documentation page, run in order, so that a page which no longer works is a failing test.

A comment right above a block says what to do with it: `<!-- file: NAME -->` writes it to that file, and
`<!-- not run: WHY -->` leaves it out. Else `sh` blocks go to bash and must succeed, `python` blocks share a namespace,
and a `text` block is what the block before it prints, with "..." for anything at all.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .prompt import Prompt

_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Snippet:
    """A fenced block. `line`: of its first line in the page. `note`: the comment above it, "" without one."""

    language: str
    text: str
    line: int
    note: str = ""

    @property
    def runs(self) -> bool:
        """Whether it can be run here."""
        return not self.note.startswith("not run:")


def snippets(page: Path) -> list[Snippet]:
    """The blocks of a page, in order."""
    content = page.read_text()
    return [
        Snippet(found["language"], found["text"], content.count("\n", 0, found.start("text")) + 1, found["note"] or "")
        for found in _BLOCK.finditer(content)
    ]


def run(
    page: Path, parts: list[Snippet], namespace: dict[str, Any] | None = None, prompt: Prompt | None = None
) -> None:
    """Run snippets of a page in the current folder; `namespace` is what Python finds there.

    prompt: what Python is typed into, where the page is to be tried by an interpreter of its own; the programs beside
    that come first then.

    Raises what a Python block raises, and AssertionError, which names the line, for a command that fails or a block
    that prints something else.
    """
    names = {} if namespace is None else namespace
    printed = ""
    for part in parts:
        if part.note.startswith("file: "):
            Path(part.note.removeprefix("file: ")).write_text(part.text)
        elif part.language == "text":
            same = doctest.OutputChecker().check_output(part.text, printed, _LENIENT)
            assert same, f"{page}:{part.line}: expected\n{part.text}\nand the block before printed\n{printed}"
        elif part.runs and part.language == "python":
            printed = prompt.enter(part.text) if prompt else _python(page, part, names)
        elif part.runs and part.language == "sh":
            printed = _shell(page, part, prompt.python if prompt else Path(sys.executable))


def _python(page: Path, part: Snippet, names: dict[str, Any]) -> str:
    """What it prints; a traceback shows the line of the page."""
    code = compile("\n" * (part.line - 1) + part.text, page, "exec")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(code, names)
    return output.getvalue()


def _shell(page: Path, part: Snippet, python: Path) -> str:
    """What it prints on stdout. The programs of that Python's environment come first."""
    path = os.pathsep.join((str(python.parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", part.text],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{page}:{part.line}: exit code {done.returncode}\n{part.text}\n{done.stderr}"
    return done.stdout
