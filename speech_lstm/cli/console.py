"""The three standard streams as a shell hands them over: any encoding, closed, a full disk, a reader that has gone."""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import NoReturn

from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import cannot_write, stream_name


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        say(f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)")
        sys.exit(2)


class OutputError(SpeechLstmError):
    """Standard output cannot be written."""


class Output(io.TextIOWrapper):
    """Standard output whose errors say what they are about, so that they are not taken for those of another file."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        """In the place of a stream, with escapes for what its encoding lacks."""
        super().__init__(
            stream.buffer,
            stream.encoding,
            errors="backslashreplace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._replaced = stream  # which would close the buffer when it is gone

    def write(self, text: str, /) -> int:
        """OutputError where it fails, but for a reader that has gone."""
        try:
            return super().write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(cannot_write(stream_name(self), error)) from None

    def flush(self) -> None:
        """The same."""
        try:
            super().flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(cannot_write(stream_name(self), error)) from None


def prepare_streams() -> None:
    """What an encoding lacks is printed as an escape; streams that the caller has closed are the null device."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            null = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, null)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    out = sys.stdout
    if type(out) is io.TextIOWrapper:
        out.flush()
        sys.stdout = Output(out)


def say(text: str) -> None:
    """A line on stderr. Where that takes no more, the work goes on all the same."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        leave(sys.stderr)


def fail(text: str) -> int:
    """Say what went wrong; the exit code of a failure."""
    say(f"speech-lstm: error: {text}")
    return 1


def leave(stream: object) -> None:
    """Let a stream that cannot be written end in the null device, so that Python does not try it again at exit."""
    assert isinstance(stream, io.TextIOBase)
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # not a file, as under pytest
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
