"""Where the bytes of a recording come from: a file as it is, or a copy of what a pipe or an open file gives."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, BinaryIO

from speech_lstm.runtime.audio.pcm import check_sample_rate
from speech_lstm.runtime.content import copy_content, is_device
from speech_lstm.runtime.errors import AudioError

Source = str | PathLike[str] | BinaryIO | io.RawIOBase
"""The path of a file or pipe, or something that is open for reading bytes, and is read to its end."""

Stream = BinaryIO | IO[bytes] | io.RawIOBase

Part = bytes | tuple[int, int]
"""Bytes themselves, or offset and length of some in a file."""


@dataclass(frozen=True)
class RawFormat:
    """Samples without a header, the channels in turn. `encoding`, `endian`: as `soundfile` names them, "PCM_16" or
    "ULAW" for instance, and "LITTLE" or "BIG".
    """

    sample_rate: int
    channels: int = 1
    encoding: str = "PCM_16"
    endian: str = "LITTLE"

    def __post_init__(self) -> None:
        """AudioError for numbers that no sound has."""
        check_sample_rate(self.sample_rate)
        if not 1 <= self.channels <= 256:
            raise AudioError(f"{self.channels} channels; expected 1 to 256")


@dataclass(frozen=True)
class AudioFile:
    """A regular file, open for reading. `name`: what to call it in messages; its `path` may be that of a copy."""

    name: str
    path: Path
    file: IO[bytes]
    size: int


@contextmanager
def opened(source: Source) -> Iterator[AudioFile]:
    """The file, or a copy in a temporary file, which can be read in any order. AudioError where there is nothing to
    read.
    """
    with stream_of(source) as (stream, name, is_regular):
        if is_regular:
            path = Path(source)  # type: ignore[arg-type]
            yield _checked(AudioFile(name, path, stream, os.fstat(stream.fileno()).st_size))  # type: ignore[arg-type]
        else:
            with _copied(stream, name) as copy:
                yield copy


@contextmanager
def stream_of(source: Source) -> Iterator[tuple[Stream, str, bool]]:
    """Bytes, what to call them, and whether they are those of a regular file, opened here. It is opened once: a FIFO
    would not open again.
    """
    if not isinstance(source, str | PathLike):
        if not hasattr(source, "read"):
            raise AudioError(f"got {type(source).__name__}; expected the name of an audio file, or an open file")
        if is_device(source):
            raise AudioError(f"{_name(source)} is a device; expected audio from a file or a pipe")
        yield source, _name(source), False
        return
    path = Path(source)
    try:
        if path.is_dir():
            raise AudioError(f"{path} is a directory; expected an audio file")
        file = path.open("rb")
    except FileNotFoundError:
        if "://" in str(source):
            raise AudioError(f"{source} is an address and no file here; fetch it first, and give its bytes") from None
        raise AudioError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AudioError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    with file:
        if is_device(file):
            raise AudioError(f"{path} is a device; expected an audio file or a pipe")
        yield file, str(path), stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _name(stream: Stream) -> str:
    name = getattr(stream, "name", None)
    return "standard input" if name == "<stdin>" else name if isinstance(name, str) else "the open file"


@contextmanager
def _copied(stream: Stream, name: str) -> Iterator[AudioFile]:
    copy = tempfile.NamedTemporaryFile(prefix="speech-lstm-", delete=False)  # noqa: SIM115 (closed before it is deleted)
    try:
        with copy:
            try:
                copy_content(stream, copy)
                copy.flush()
            except (OSError, ValueError, TypeError) as error:  # no space left, a closed file, a text file
                raise AudioError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
            yield _checked(AudioFile(name, Path(copy.name), copy.file, copy.tell()))
    finally:
        Path(copy.name).unlink(missing_ok=True)


def _checked(file: AudioFile) -> AudioFile:
    if not file.size:
        raise AudioError(f"{file.name}: the file is empty (0 bytes)")
    return file


class Window(io.RawIOBase):
    """Some parts of a file as if they were a file of their own."""

    def __init__(self, file: IO[bytes], parts: Sequence[Part]) -> None:
        self._file = file
        self._parts: list[tuple[int, int, Part]] = []  # begin, end, part
        self._size = 0
        for part in parts:
            length = len(part) if isinstance(part, bytes) else part[1]
            self._parts.append((self._size, self._size + length, part))
            self._size += length
        self._at = 0
        self._index = 0  # of the part that holds `_at`

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To a place in it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        self._index = 0
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As much as there is, up to the length of the buffer."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._at < self._size:
            while self._at >= self._parts[self._index][1]:
                self._index += 1
            begin, end, part = self._parts[self._index]
            count = min(len(view) - done, end - self._at)
            data = self._bytes(part, self._at - begin, count)
            view[done : done + len(data)] = data
            done += len(data)
            self._at += len(data)
            if len(data) < count:  # the file is shorter by now, or cannot be read there
                break
        return done

    def _bytes(self, part: Part, begin: int, count: int) -> bytes:
        if isinstance(part, bytes):
            return part[begin : begin + count]
        try:
            self._file.seek(part[0] + begin)
            return self._file.read(count)
        except OSError:
            return b""
