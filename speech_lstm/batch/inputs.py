"""Which files to hear: names, folders with all below them, glob patterns, and a list on standard input."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

AUDIO_SUFFIXES = (
    ".aac", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".avi", ".caf", ".flac", ".flv", ".gsm", ".m4a", ".m4b",
    ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".oga", ".ogg", ".ogv", ".opus", ".rf64",
    ".snd", ".sph", ".w64", ".wav", ".wave", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip
"""What is taken from a folder; a file that is named itself may end in anything."""


@dataclass(frozen=True)
class InputFile:
    """A file to hear. `relative`: where its output belongs below an output folder. `size`: bytes, 0 if unknown."""

    path: Path
    relative: PurePath
    size: int = 0


@dataclass(frozen=True)
class Found:
    """`files`: in order, each once. `problems`: names that lead to no file, with the reason."""

    files: tuple[InputFile, ...]
    problems: tuple[tuple[str, str], ...] = ()


def find_files(names: Iterable[str | os.PathLike[str]], listing: BinaryIO | None = None) -> Found:
    """Files for names of files and folders, patterns such as "calls/**/*.wav", and "-" for a list of them.

    listing: where "-" reads names from, one a line, or separated by NUL bytes (`find -print0`). Hidden files in folders
    are left out. Symbolic links are followed; a folder that was seen already is not entered again.
    """
    files: dict[str, InputFile] = {}
    problems: list[tuple[str, str]] = []
    for name in listed_names(names, listing):
        path = Path(name)
        if os.path.isdir(name):  # noqa: PTH112  (Path.is_dir raises where it may not look)
            before = len(problems)
            inside = list(_walk(path, problems))
            files.update((os.fspath(file.path), file) for file in inside if os.fspath(file.path) not in files)
            if not inside and len(problems) == before:
                problems.append((name, "no audio files in the folder"))
            continue
        matches = [name] if os.path.lexists(name) or not glob.has_magic(name) else sorted(_globbed(name))
        if not matches:
            problems.append((name, "no file matches the pattern"))
        for match in matches:
            files.setdefault(match, _named(Path(match)))
    return Found(tuple(files.values()), tuple(problems))


def listed_names(names: Iterable[str | os.PathLike[str]], listing: BinaryIO | None) -> Iterator[str]:
    """Names, and in the place of "-" those of a list."""
    for given in names:
        name = os.fspath(given)
        if name != "-" or listing is None:
            yield name
            continue
        content = listing.read()
        separator = b"\0" if b"\0" in content else b"\n"
        for line in content.split(separator):
            if line := line if separator == b"\0" else line.removesuffix(b"\r"):
                yield os.fsdecode(line)


def _globbed(pattern: str) -> Iterator[str]:
    """`glob` and not `Path.glob`, which takes no absolute patterns."""
    return (match for match in glob.iglob(pattern, recursive=True) if not os.path.isdir(match))  # noqa: PTH112, PTH207


def _named(path: Path) -> InputFile:
    """A file that was named itself keeps its relative path below an output folder."""
    inside = not path.is_absolute() and ".." not in path.parts
    return InputFile(path, path if inside else PurePath(path.name), _size(path))


def _walk(top: Path, problems: list[tuple[str, str]]) -> Iterator[InputFile]:
    """The audio files below a folder, sorted by name."""
    seen: set[tuple[int, int]] = set()

    def report(error: OSError) -> None:
        problems.append((os.fspath(error.filename), f"the folder cannot be read ({error.strerror})"))

    for folder, subfolders, names in os.walk(top, onerror=report, followlinks=True):
        try:
            status = os.stat(folder)  # noqa: PTH116
        except OSError as error:  # gone by now
            report(error)
            subfolders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in AUDIO_SUFFIXES and not name.startswith(".") and _is_regular(path):
                yield InputFile(path, path.relative_to(top), _size(path))


def _is_regular(path: Path) -> bool:
    """Not a pipe or device, on which reading would wait. What cannot be looked at is reported when it is read."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
