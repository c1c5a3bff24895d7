"""What comes through standard input or another open file: a list of names, or sound, which is copied so that worker
processes can read it.
"""

from __future__ import annotations

import io
import os
import re
from codecs import BOM_UTF8
from pathlib import Path
from typing import BinaryIO

from speech_lstm.runtime.content import MOST_PIPED, copy_content
from speech_lstm.runtime.errors import SpeechLstmError

DESCRIPTOR = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/self/fd/\d+")
"""Names of open files, which other processes do not have."""

_HEAD = 1 << 16  # bytes by which a list is told from sound
_LONGEST_NAME = 4096
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def names_or_sound(stdin: BinaryIO) -> list[str] | Sound:
    """What standard input holds. SpeechLstmError for a list of names that is longer than anybody's."""
    head = stdin.read(_HEAD)
    names = names_in(head)
    if names is not None and len(head) == _HEAD:
        head += stdin.read(MOST_PIPED)
        if len(head) > MOST_PIPED:
            raise SpeechLstmError(f"the list of files on standard input is over {MOST_PIPED >> 20} MB")
        names = names_in(head)
    return Sound(head, stdin) if names is None else names


def names_in(content: bytes) -> list[str] | None:
    """The names in a list of them; None for what is none: no byte of sound may become the name of a folder."""
    content = content.removeprefix(BOM_UTF8)
    separator = b"\0" if b"\0" in content else b"\n"
    entries = [entry if separator == b"\0" else entry.removesuffix(b"\r") for entry in content.split(separator)]
    entries = [entry for entry in entries if entry]
    if any(len(entry) > _LONGEST_NAME or _CONTROL.search(entry) or entry in (b".", b"/", b"..") for entry in entries):
        return None
    if (content and not entries) or (len(entries) > 1 and max(map(len, entries)) == 1):
        return None
    return list(map(os.fsdecode, entries))


class Sound(io.RawIOBase):
    """What was read of a stream, and the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most so many."""
        head, self._head = self._head, b""
        return head or self._rest.read(size)

    def fileno(self) -> int:
        """Of the stream."""
        return self._rest.fileno()


def copy_sound(name: str, sound: Sound | None, folder: Path) -> Path:
    """A file of its own in the folder with the sound, or with what the name of an open file leads to. OSError."""
    kept = folder / f"{len(list(folder.iterdir()))}.audio"
    with kept.open("wb") as copy:
        if sound is not None:
            copy_content(sound, copy)
        else:
            with Path(name).open("rb") as pipe:
                copy_content(pipe, copy)
    return kept
