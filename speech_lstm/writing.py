"""Writing that is whole or not there: files under another name first, text on a stream without half of it."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path
from typing import TextIO

from speech_lstm.runtime.errors import SpeechLstmError


def write_atomically(path: Path, content: str | bytes) -> None:
    """A file that has all of the content or is as it was before; folders are made. OSError where that fails.

    Text is written as UTF-8; what that cannot hold, halves of surrogate pairs, as escapes. A link leads to the file
    that is written; a device or a pipe is written as it is.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".speech-lstm-{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def check_folder(folder: Path, option: str) -> None:
    """Try to write into a folder, or where it will be made, before there is work to lose.

    SpeechLstmError that names the option.
    """
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
        trial = there / f".speech-lstm-{os.getpid()}.part"
        try:
            trial.write_bytes(bytes(64))
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(f"{option} {folder}", error) from None


def cannot_write(what: str, error: OSError) -> SpeechLstmError:
    """One line that names what was to be written, and why it could not be."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return SpeechLstmError(f"{what}: cannot be written: there is a file where a folder should be")
    return SpeechLstmError(f"{what}: cannot be written: {error.strerror or error}")


class WholeWriter:
    """Writes to a text stream so that a file at its other end never has half of what was written at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        try:
            self._number: int | None = stream.fileno()
        except (OSError, ValueError):  # in memory
            self._number = None
            return
        encoder = codecs.getincrementalencoder(stream.encoding)  # writes a byte order mark once
        self._encode = encoder(stream.errors or "strict").encode

    def write(self, text: str) -> None:
        """Write at once. OSError where that fails."""
        self._stream.flush()
        if self._number is None:
            self._stream.write(text)
            return
        data = self._encode(text.replace("\n", os.linesep))
        before = os.fstat(self._number)
        written = 0
        try:
            while written < len(data):
                written += os.write(self._number, data[written:])
        except OSError:
            if stat.S_ISREG(before.st_mode) and os.fstat(self._number).st_size == before.st_size + written:
                os.ftruncate(self._number, before.st_size)
                if os.lseek(self._number, 0, os.SEEK_CUR) > before.st_size:
                    os.lseek(self._number, before.st_size, os.SEEK_SET)
            raise


def stream_name(stream: TextIO) -> str:
    """What to call a stream in a message: on Linux with the file or device behind it."""
    try:
        number = stream.fileno()
        behind = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
    except (OSError, ValueError):
        return "the output"
    return f"the output {behind}" if behind.startswith("/") else "the output"
