"""What the documentation shows does work: its Python, its commands and its files."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import speech_lstm as sl
from speech_lstm.cli import COMMANDS as COMMANDS_OF_THE_PROGRAM
from speech_lstm.cli import build_parser

from .prompt import Prompt
from .snippets import Snippet, run, snippets

ROOT = Path(__file__).parent.parent
README, ASSISTANT, SERVE, COMMANDS = (
    ROOT / name for name in ("README.md", "docs/assistant.md", "docs/serve.md", "docs/commands.md")
)
WORDS = ROOT / "tests" / "data" / "words"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: an empty one, but for the recordings of a clone."""
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the working tree, in which somebody has made .venv and installed the package; the current folder.

    What it needs from elsewhere it finds where this Python has it.
    """
    folder = tmp_path / "clone"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    venv.create(folder / ".venv", with_pip=True)
    packages = next((folder / ".venv").glob("lib/python*/site-packages"))
    (packages / "needed.pth").write_text(f"{Path(np.__file__).parents[1]}\n")
    install = [str(folder / ".venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "."]
    subprocess.run(install, cwd=folder, check=True, capture_output=True)
    monkeypatch.chdir(folder)
    for variable in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="paths as on Linux")
def test_the_assistant_page_works_as_it_is_typed(clone: Path) -> None:
    clip = sl.read_audio(next(WORDS.glob("backward_*.opus")))
    (clone / "takes").mkdir()  # that the reader records
    for number, loudness in enumerate((1.0, 0.7, 0.4)):
        soundfile.write(clone / "takes" / f"{number}.wav", loudness * clip, 16000)
    with Prompt(clone / ".venv" / "bin" / "python3", clone) as prompt:
        run(ASSISTANT, snippets(ASSISTANT), prompt=prompt)
        assert prompt.enter("print(sl.__file__)").strip() == str(clone / "speech_lstm" / "__init__.py")


def test_the_page_of_commands_works(folder: Path) -> None:
    blocks = [part for part in snippets(COMMANDS) if part.language == "sh"]
    lines = [line for part in blocks for line in part.text.splitlines() if "doctor" not in line]  # as the machine is
    run(COMMANDS, [Snippet("sh", "\n".join(lines), blocks[0].line)])
    named = {word for line in COMMANDS.read_text().splitlines() for word in re.findall(r"`speech-lstm (\w+)", line)}
    assert {command.__name__.rpartition(".")[2] for command in COMMANDS_OF_THE_PROGRAM} <= named | {
        "align",
        "train",
        "export",
    }


def test_the_python_of_the_readme_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = np.concatenate([sl.read_audio(next(WORDS.glob("forward_*.opus"))), np.zeros(8000, np.float32)])
    soundfile.write(folder / "kitchen.wav", samples, 16000)
    parts = [part for part in snippets(README) if part.language == "python" and "async for" not in part.text]
    names: dict[str, Any] = {"samples": samples}
    run(README, parts, names)
    assert len(parts) >= 2 and isinstance(names["result"], sl.Result) and isinstance(names["event"], sl.Event)


def test_the_names_of_the_architecture_page_exist() -> None:
    """Classes, functions and methods in code style, and the modules of the figure."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    source = "\n".join(
        path.read_text() for room in ("runtime", "speech_lstm", "export") for path in (ROOT / room).rglob("*.py")
    )
    prose, figure = re.sub(r"```.*?```", "", page, flags=re.DOTALL), page.split("```")[1]
    names = set(re.findall(r"`([A-Za-z_.]+)`", prose)) | set(re.findall(r"\b[A-Z]\w+\.\w+", figure))
    assert len(names) > 40
    for part in {part for name in names for part in name.split(".")} - {"py", "runtime", "tests"}:
        assert re.search(rf"\b{part}\b", source), f"{part} is not in the code"
    for place in re.findall(r"\b((?:audio|model|live|decoding|data|acoustic|training)/[a-z]+)\b", page):
        assert any(
            (ROOT / room / f"{place}{end}").exists() for room in ("runtime", "speech_lstm") for end in ("", ".py")
        )


@pytest.mark.parametrize("page", [README, ASSISTANT, SERVE, COMMANDS], ids=lambda page: page.name)
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
