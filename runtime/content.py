"""Files that are read whole, but for those without an end: devices, and pipes into which somebody writes and writes."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

MOST_PIPED = 64 << 20
"""Bytes of what is no regular file; a dictionary of 100,000 words or a grammar of 10,000 sentences has a tenth."""

MOST_COPIED = 4 << 30
"""Bytes of a pipe that is no text, as many as a WAV file has."""


def read_content(path: Path) -> bytes:
    """All bytes of a file. OSError whose `strerror` says why not."""
    with path.open("rb") as file:
        _refuse_device(file)
        is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        content = file.read(-1 if is_regular else MOST_PIPED + 1)
    if len(content) > MOST_PIPED and not is_regular:
        raise OSError(errno.EFBIG, f"it is a pipe that gives over {MOST_PIPED >> 20} MB")
    return content


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The same as text, with "\\n" at the ends of lines; UnicodeDecodeError, a ValueError, where it is none."""
    return read_content(path).decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def copy_content(source: Any, target: Any) -> None:
    """From what is open for reading bytes to what is open for writing them. OSError where there is no end."""
    _refuse_device(source)
    copied = 0
    while block := source.read(1 << 16):
        copied += len(block)
        if copied > MOST_COPIED:
            raise OSError(errno.EFBIG, f"it is a pipe that gives over {MOST_COPIED >> 30} GB")
        target.write(block)


def is_device(stream: Any) -> bool:
    """Whether it is a terminal or the like. /dev/null is an empty file."""
    try:
        status = os.fstat(stream.fileno())
        return stat.S_ISCHR(status.st_mode) and not os.path.samestat(status, Path(os.devnull).stat())
    except (OSError, ValueError, AttributeError):  # it is no file of the system's
        return False


def _refuse_device(stream: Any) -> None:
    if is_device(stream):
        raise OSError(errno.EINVAL, "it is a device")
