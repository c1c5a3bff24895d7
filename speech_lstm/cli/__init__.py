"""The `speech-lstm` command: one module a subcommand, each with `add_parser(subparsers)` and `run(args) -> int`.

Exit codes: 0 success, 1 failure, 2 wrong usage. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from speech_lstm import __version__
from speech_lstm.cli import (
    align,
    benchmark,
    devices,
    doctor,
    evaluate,
    explain,
    export,
    grammar,
    listen,
    models,
    prepare,
    train,
    transcribe,
    wakeword,
)
from speech_lstm.cli.environment import onnxruntime_clash
from speech_lstm.runtime.errors import SpeechLstmError

COMMANDS = (
    transcribe,
    listen,
    devices,
    grammar,
    wakeword,
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
    parser = argparse.ArgumentParser(
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
    """Run one subcommand and return the exit code. Errors of the package become one line on stderr."""
    args = build_parser().parse_args(argv)
    clash = onnxruntime_clash()
    if clash and args.run is not doctor.run:
        print(f"speech-lstm: warning: {clash}", file=sys.stderr)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except SpeechLstmError as error:
        print(f"speech-lstm: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (`| head`) has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
