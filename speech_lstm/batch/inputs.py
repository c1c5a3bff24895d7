"""Which files to hear: names, folders with all below them, glob patterns, and what comes on standard input: sound or a
list of names.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from speech_lstm.batch.pipes import DESCRIPTOR, Sound, copy_sound, names_or_sound
from speech_lstm.runtime.errors import SpeechLstmError

AUDIO_SUFFIXES = (
    ".3gp", ".aac", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".avi", ".caf", ".flac", ".flv", ".gsm", ".m4a",
    ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".oga", ".ogg", ".ogv", ".opus",
    ".rf64", ".snd", ".sph", ".spx", ".tta", ".voc", ".w64", ".wav", ".wave", ".webm", ".wma", ".wmv", ".wv", ".xi",
)  # fmt: skip
"""What is taken from a folder; a file that is named itself may end in anything."""


@dataclass(frozen=True)
class InputFile:
    """A file to hear. `relative`: where its output belongs below an output folder. `size`: bytes, 0 if unknown.
    `alias`: what to call it, where it is a copy of what came through a pipe.
    """

    path: Path
    relative: PurePath
    size: int = 0
    alias: str | None = None


@dataclass(frozen=True)
class Found:
    """`files`: in order, each once. `problems`: names that lead to no file, with the reason."""

    files: tuple[InputFile, ...]
    problems: tuple[tuple[str, str], ...] = ()


def find_files(
    names: Iterable[str | os.PathLike[str]],
    stdin: BinaryIO | None = None,
    copies: Callable[[], Path] | None = None,
    is_raw: bool = False,
) -> Found:
    """Files for names of files and folders, patterns such as "calls/**/*.wav", and "-" for what comes on `stdin`.

    That is a list of names, one a line or separated by NUL bytes (`find -print0`), or else sound. copies: gives the
    folder for copies of sound that comes through `stdin` or an open file such as /dev/stdin, which worker processes do
    not have. is_raw: it is sound in any case. Hidden files in folders are left out. Symbolic links are followed; a
    folder that was seen already is not entered again.
    """
    files: dict[str, InputFile] = {}
    problems: list[tuple[str, str]] = []
    for name, sound in _with_listed(names, stdin, is_raw):
        path = Path(name)
        if copies is not None and (sound is not None or DESCRIPTOR.fullmatch(name)):
            try:
                kept = copy_sound(name, sound, copies())
                relative = PurePath("stdin" if name == "-" else path.name)
                files.setdefault(name, InputFile(kept, relative, _size(kept), name))
            except OSError as error:
                problems.append((name, f"it cannot be read or copied ({error.strerror})"))
            continue
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
            files.setdefault(os.fspath(Path(match)), _named(Path(match)))
    return Found(tuple(files.values()), tuple(problems))


def listed_names(names: Iterable[str | os.PathLike[str]], listing: BinaryIO | None) -> Iterator[str]:
    """Names, and in the place of "-" those of a list. SpeechLstmError for a list that is none."""
    for name, sound in _with_listed(names, listing, False):
        if sound is not None:
            raise SpeechLstmError("standard input is no list of names, one a line or separated by NUL bytes")
        yield name


def _with_listed(
    names: Iterable[str | os.PathLike[str]], stdin: BinaryIO | None, is_raw: bool
) -> Iterator[tuple[str, Sound | None]]:
    """Names; "-" is those of a list, or itself with the sound that it stands for."""
    for given in names:
        name = os.fsdecode(given)
        if name != "-" or stdin is None:
            yield name, None
            continue
        found = Sound(b"", stdin) if is_raw else names_or_sound(stdin)
        if isinstance(found, Sound):
            yield name, found
        else:
            yield from ((entry, None) for entry in found)


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
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return 0
