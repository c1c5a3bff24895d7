"""Sound files through libsndfile (`soundfile`, imported on first use), read from front to back."""

from __future__ import annotations

import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from speech_lstm.runtime.audio.pcm import LOUDEST_FLOAT, Samples, holds_int16
from speech_lstm.runtime.audio.pieces import Gap
from speech_lstm.runtime.audio.source import AudioFile, Part, RawFormat, Window
from speech_lstm.runtime.errors import AudioError

_SPARE = 4096  # frames to try beyond those that the file says it has
_MOST_FLAC_FRAMES = (1 << 36) - 1  # so many or more: nobody knew when the file was begun
_INT32 = 1 << 31
_EXACT = ("PCM", "FLOA", "DOUB", "ULAW", "ALAW")  # how encodings begin whose samples are what was recorded


class SoundFile:
    """A file, or some parts of one. Use it in `with`."""

    tracks = ("",)
    track = 0
    gaps: tuple[Gap, ...] = ()

    def __init__(
        self, source: AudioFile | io.RawIOBase, parts: Sequence[Part] = (), raw: RawFormat | None = None
    ) -> None:
        """parts: () for the whole file. raw: for one without a header.

        AudioError for what libsndfile does not know.
        """
        library, kind = _forward()
        form: dict[str, Any] = {}
        if raw:
            form = {"format": "RAW", "subtype": raw.encoding, "endian": raw.endian}
            form |= {"samplerate": raw.sample_rate, "channels": raw.channels}
        opened: Any = source
        if isinstance(source, AudioFile):
            opened = Window(source.file, parts) if parts else _name(source)
        self._careful = None if isinstance(opened, str | bytes | Path) else _Careful(opened)
        try:
            with hushed():
                self._file = kind(self._careful or opened, **form)
        except (library.LibsndfileError, TypeError, ValueError) as error:  # a headerless .raw file; an encoding
            if self._careful:
                self._careful.check()
            reason = getattr(error, "error_string", str(error)).rstrip(".")
            if "possibly a pipe" in reason:  # what it says of a file that might have been MP3 and is not
                reason = "Format not recognised"
            raise AudioError(f"libsndfile: {reason}") from None
        self._library = library
        talks = self._file.subtype.startswith("MPEG") or self._file.format == "SDS"
        self._hush = hushed if talks else nullcontext
        self.samplerate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.is_exact: bool = self._file.subtype.startswith(_EXACT) or self._file.format == "FLAC"
        """Whether no lossy codec comes between the samples and what was recorded."""
        self.is_int16_in_int32 = False
        """Whether samples of 32 bits or more have values of 16, and were scaled as these."""
        self._heard = 0
        self.problem = ""
        """Why it breaks off, when it does."""

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._hush():
            self._file.close()

    def read(self, frames: int) -> Samples:
        """The next float32 [frames, channels], fewer at the end. AudioError where the system cannot read them."""
        frames = min(frames, max(0, self._file.frames - self._heard) + _SPARE)
        block = np.full((0 if self.problem else frames, self.channels), np.nan, np.float32)
        try:
            try:
                with self._hush():
                    heard = self._file.read(len(block), dtype="float32", always_2d=True, out=block)
            finally:
                if self._careful:
                    self._careful.check()
            self._heard += len(heard)
            return self._scaled(heard)
        except self._library.LibsndfileError as error:
            self.problem = f"libsndfile: {error.error_string}"
            unread = np.isnan(block[:, 0])
            return block[: int(unread.argmax()) if unread.any() else frames]

    @property
    def seconds(self) -> float | None:
        """How long the sound is, where the file says so and does not only seem to."""
        is_known = self._file.format == "FLAC" and self._file.frames < _MOST_FLAC_FRAMES
        return self._file.frames / self.samplerate if is_known else None

    def _scaled(self, block: Samples) -> Samples:
        """int32 or floats that hold int16, as these."""
        if self._file.subtype not in ("PCM_32", "FLOAT", "DOUBLE") or not len(block):
            return block
        loudest = float(np.abs(block).max())
        if self._file.subtype != "PCM_32":
            holds = LOUDEST_FLOAT < loudest <= 32768 or (1 < loudest <= 32768 and bool((block == block.round()).all()))
            self.is_int16_in_int32 |= holds
            return block / np.float32(32768) if self.is_int16_in_int32 else block
        if loudest > 32768 / _INT32:
            self.is_int16_in_int32 = False
        elif loudest:
            self.is_int16_in_int32 |= holds_int16((block * np.float32(_INT32)).astype(np.int32))
        return block * np.float32(65536) if self.is_int16_in_int32 else block


class _Careful:
    """A file whose errors wait for `check`: of one inside of libsndfile, as by Ctrl-C, Python prints a traceback and
    goes on.
    """

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file
        self._error: BaseException | None = None
        self.seek, self.tell = file.seek, file.tell

    def readinto(self, buffer: Any) -> int | None:
        """As that of the file; nothing where it fails."""
        try:
            return self._file.readinto(buffer)
        except BaseException as error:
            self._error = error
            return 0

    def check(self) -> None:
        """Raise what went wrong in a read; AudioError where the system could not do it."""
        if isinstance(self._error, OSError):
            raise AudioError(f"cannot be read ({self._error.strerror or self._error})") from self._error
        if self._error is not None:
            raise self._error


def _name(source: AudioFile) -> Any:
    """A name need not be UTF-8."""
    return source.path if sys.platform == "win32" else os.fsencode(source.path)


@cache
def _forward() -> tuple[Any, Any]:
    """The module, and its class made to read on without asking for the place after each block: some codecs cannot tell
    it (GSM and other ADPCMs), and after damage it is wrong.
    """
    try:
        import soundfile
    except OSError as error:  # the wheel without its own libsndfile, on a system that lacks one
        raise AudioError(f"soundfile found no libsndfile ({error}); on Debian: apt-get install libsndfile1") from None

    class Forward(soundfile.SoundFile):
        def seekable(self) -> bool:
            return False

    return soundfile, Forward


_lock = threading.Lock()
_hushing = 0


@contextmanager
def hushed() -> Iterator[None]:
    """Without the notes of libsndfile and of libmpg123 inside it, which the latter prints about every second file. C's
    `stdout` and `stderr` lead nowhere for that time; Python's are others. Does nothing where C's cannot be changed
    (Windows, musl).
    """
    global _hushing
    streams, nowhere = _c_streams()
    with _lock:
        _hushing += 1
        if _hushing == 1:
            for stream in streams:
                _hidden.append(stream.value)
                stream.value = nowhere
    try:
        yield
    finally:
        with _lock:
            _hushing -= 1
            if _hushing == 0:
                for stream in streams:
                    stream.value = _hidden.pop(0)


_hidden: list[int | None] = []  # what C's streams are meanwhile


@cache
def _c_streams() -> tuple[tuple[ctypes.c_void_p, ...], int | None]:
    """The variables, none where they cannot be changed, and what leads nowhere."""
    names = ("__stdoutp", "__stderrp") if sys.platform == "darwin" else ("stdout", "stderr")
    try:
        library = ctypes.CDLL(None)
        if sys.platform != "darwin" and not hasattr(library, "gnu_get_libc_version"):
            return (), None
        streams = tuple(ctypes.c_void_p.in_dll(library, name) for name in names)
        library.fopen.restype = ctypes.c_void_p
        nowhere = library.fopen(os.fsencode(os.devnull), b"w")
    except (OSError, TypeError, ValueError, AttributeError):
        return (), None
    return (streams, nowhere) if nowhere else ((), None)
