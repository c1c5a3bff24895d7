"""What the documentation shows does work: its Python, its commands and its files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import speech_lstm as sl
from speech_lstm.cli import build_parser

from .snippets import run, snippets

ROOT = Path(__file__).parent.parent
README, ASSISTANT, SERVE = (ROOT / name for name in ("README.md", "docs/assistant.md", "docs/serve.md"))
WORDS = ROOT / "tests" / "data" / "words"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: an empty one, but for the recordings of a clone."""
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_assistant_page_works(folder: Path) -> None:
    clip = sl.read_audio(next(WORDS.glob("backward_*.opus")))
    (folder / "takes").mkdir()  # that the reader records
    for number, loudness in enumerate((1.0, 0.7, 0.4)):
        soundfile.write(folder / "takes" / f"{number}.wav", loudness * clip, 16000)
    run(ASSISTANT, snippets(ASSISTANT))


def test_the_python_of_the_readme_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = np.concatenate([sl.read_audio(next(WORDS.glob("forward_*.opus"))), np.zeros(8000, np.float32)])
    soundfile.write(folder / "kitchen.wav", samples, 16000)
    parts = [part for part in snippets(README) if part.language == "python" and "async for" not in part.text]
    names: dict[str, Any] = {"samples": samples}
    run(README, parts, names)
    assert len(parts) >= 2 and isinstance(names["result"], sl.Result) and isinstance(names["event"], sl.Event)


@pytest.mark.parametrize("page", [README, ASSISTANT, SERVE], ids=lambda page: page.name)
def test_the_command_line_knows_the_commands(page: Path) -> None:
    lines = [line for part in snippets(page) if part.language == "sh" for line in part.text.splitlines()]
    commands = [line.split(">")[0] for line in lines if line.startswith("speech-lstm ")]
    assert len(commands) >= 3
    for command in commands:
        build_parser().parse_args(shlex.split(command, comments=True)[1:])


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```sh\ntrue\nfalse\ntrue\n```\n", r"page\.md:2: exit code 1"),
        ("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", r"page\.md:6: expected\n3"),
        (
            "```sh\ncat x.txt\n```\n<!-- file: x.txt -->\n```yaml\na\n```\n",
            "x.txt: No such",
        ),
    ],
)
def test_a_page_that_does_not_work_fails(folder: Path, page: str, message: str) -> None:
    (folder / "page.md").write_text(page)
    with pytest.raises(AssertionError, match=message):
        run(folder / "page.md", snippets(folder / "page.md"))


def test_blocks_run_in_order_in_one_namespace(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(
        "<!-- file: a.yaml -->\n```yaml\nname: b\n```\n```python\nx = open('a.yaml').read()\n```\n"
        "<!-- not run: it fails -->\n```sh\nfalse\n```\n```python\nprint(x, 0.25)\n```\n```text\nname: b ...\n```\n"
    )
    run(page, snippets(page))
