"""The three standard streams as a shell hands them over: any encoding, closed, a full disk, a reader that has gone."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import cannot_write, stream_name


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As its base does, and remember what was given."""
        self._given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        dashed = next((text for text in self._given if text.startswith("-") and os.path.lexists(text)), None)
        if dashed is not None:
            message += f"; for the file write ./{dashed}"
        elif "required: PATH" in message and "--phrases" in self._given:
            message += "; all that follows --phrases are phrases, so put PATH before it"
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
        sys.stderr.write(f"{text}\n")  # at once, as several threads may have something to say
        sys.stderr.flush()
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
