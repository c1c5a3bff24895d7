"""The `speech-lstm` command: one module a subcommand, each with `add_parser(subparsers)` and `run(args) -> int`.

Exit codes: 0 success, 1 failure, 2 wrong usage. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from multiprocessing import freeze_support
from typing import Any

from speech_lstm import __version__
from speech_lstm.cli import (
    align,
    benchmark,
    doctor,
    evaluate,
    explain,
    export,
    grammar,
    listen,
    microphones,
    models,
    prepare,
    serve,
    train,
    transcribe,
    wakeword,
)
from speech_lstm.cli.console import OutputError, Parser, fail, leave, prepare_streams, say
from speech_lstm.cli.environment import onnxruntime_clash
from speech_lstm.runtime.errors import SpeechLstmError, WakeWordWarning

COMMANDS = (
    transcribe,
    listen,
    microphones,
    grammar,
    wakeword,
    serve,
    models,
    benchmark,
    doctor,
    export,
    evaluate,
    explain,
    prepare,
    align,
    train,
)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; every subcommand sets `run` among the defaults."""
    parser = Parser(
        prog="speech-lstm",
        description="Recognise spoken commands on this machine, from phrases written as text.",
        epilog="`speech-lstm COMMAND --help` shows the options of a command and an example.",
    )
    parser.add_argument("--version", action="version", version=f"speech-lstm {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code. Errors of the package and the system become one line on stderr."""
    freeze_support()  # workers of a frozen program begin here
    prepare_streams()
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()  # also what argparse has printed before it ends the program
    except BrokenPipeError:  # the reader (`| head`) has had enough
        leave(sys.stdout)
        return 1
    except OutputError as error:
        leave(sys.stdout)
        return fail(str(error))


def _run(argv: Sequence[str] | None) -> int:
    """OutputError or BrokenPipeError where stdout cannot be written."""
    args = build_parser().parse_args(argv)
    clash = onnxruntime_clash()
    if clash and args.run is not doctor.run:
        say(f"speech-lstm: warning: {clash}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", WakeWordWarning)
            show = warnings.showwarning  # what other libraries warn of is no message of this program

            def tell(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
                if issubclass(category, WakeWordWarning):
                    say(f"speech-lstm: warning: {message}")
                else:
                    show(message, category, *place, **more)

            warnings.showwarning = tell
            code: int = args.run(args)
    except (OutputError, BrokenPipeError):
        raise
    except SpeechLstmError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        return fail(f"{error.name} is not installed; `speech-lstm doctor` says what is missing and how to mend it")
    except MemoryError:
        return fail("there is not enough memory for this")
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
    return code
