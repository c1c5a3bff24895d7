"""`speech-lstm transcribe --engine ray`: the same on a cluster, with parts in a folder or bucket as output."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from speech_lstm.cli.console import say
from speech_lstm.cli.options import name, positive

if TYPE_CHECKING:
    from speech_lstm.batch.distributed.engine import PartSummary
    from speech_lstm.batch.listeners import ListenerOptions
    from speech_lstm.batch.transcriber import BatchOptions

FORMATS = ("parquet", "jsonl")
DEFAULT_COLUMN = "audio_filepath"
MOST_ERRORS = 100
"""Errors that are printed; the output has them all."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The engine, and what only Ray has."""
    parser.add_argument(
        "--engine", default="local", choices=("local", "ray"), help="where: this machine, or a cluster of Ray"
    )
    group = parser.add_argument_group(
        "with --engine ray",
        "Paths and --output may be URLs of any storage that fsspec knows (s3://, gs://, ...). A path that ends in "
        ".parquet or .jsonl is a table of recordings. The output is a folder of Parquet or JSONL parts (--format). "
        "docs/distributed.md says more.",
    )
    group.add_argument(
        "--address",
        type=name,
        metavar="HOST:PORT",
        help="of the cluster, or auto (default: $RAY_ADDRESS, or else one here)",
    )
    group.add_argument(
        "--column", type=name, metavar="NAME", help=f"of a table, with paths or URLs (default: {DEFAULT_COLUMN})"
    )
    group.add_argument("--part-files", type=positive, metavar="N", help="recordings in a part, at most (default: 1000)")


def check(args: argparse.Namespace) -> None:
    """Wrong usage ends the program."""
    if args.engine == "local":
        alone = {"--address": args.address, "--column": args.column, "--part-files": args.part_files}
        for option in (name for name, value in alone.items() if value is not None):
            args.parser.error(f"{option} needs --engine ray")
        if args.format == "parquet":
            args.parser.error("parquet needs --engine ray")
        return
    if args.beside or not args.output:
        args.parser.error("--engine ray needs --output, a folder or URL for the parts")
    if args.format not in (None, *FORMATS):
        args.parser.error(f"--engine ray writes {' or '.join(FORMATS)}, not {args.format}")
    missing = [name for name in ("ray", "pyarrow", "fsspec") if find_spec(name) is None]
    if missing:
        args.parser.error(f"--engine ray needs {', '.join(missing)}: pip install 'speech-lstm[distributed]'")


def run(args: argparse.Namespace, listener: ListenerOptions, options: BatchOptions) -> int:
    """Hear, write and report."""
    from speech_lstm.batch.distributed import engine
    from speech_lstm.batch.distributed.inputs import list_names
    from speech_lstm.batch.distributed.parts import PartFolder, as_text
    from speech_lstm.batch.progress import Progress
    from speech_lstm.batch.settings import Settings
    from speech_lstm.batch.writers import printable
    from speech_lstm.runtime.errors import SpeechLstmError

    output = PartFolder(args.output, args.format) if args.format else PartFolder(args.output)
    if args.resume:
        output.check(Settings.of(listener, options))
    elif output.parts():
        raise SpeechLstmError(f"{args.output} has parts of an earlier run; add --resume, or take another folder")
    listing = list_names(args.paths, args.column or DEFAULT_COLUMN, sys.stdin.buffer if "-" in args.paths else None)
    finished = output.finished() if args.resume else set()
    names = [name for name in listing.names if as_text(name) not in finished]
    problems = [f"{name}: {reason}" for name, reason in listing.problems]
    cluster = engine.ClusterOptions(args.address, args.jobs, args.part_files or engine.PART_FILES)
    progress = Progress(len(names), len(names))
    failed = len(problems)
    audio = cpu = 0.0
    stopped = False
    try:
        for summary in engine.run(names, listener, options, output, cluster) if names else ():
            progress.add(summary.seconds, summary.files, summary.files)
            audio, cpu = audio + summary.seconds, cpu + summary.cpu_seconds
            problems += _problems(summary)
            failed += summary.files if summary.problem else summary.failed
    except KeyboardInterrupt:
        stopped = True
    progress.clear()
    for problem in problems[:MOST_ERRORS]:
        say(f"speech-lstm: error: {printable(problem)}")
    if failed > len(problems[:MOST_ERRORS]):
        say(f"{failed} errors in all; the column error of the output has them")
    if skipped := len(listing.names) - len(names):
        say(f"{skipped} finished before")
    say(progress.summary())
    if cpu:
        say(f"{cpu:.1f} s of CPU on the workers: {audio / cpu:.0f} seconds of audio in one")
    if stopped:
        say(f"speech-lstm: stopped; what is in {args.output} stays, and --resume goes on from there")
        return 130
    return 1 if failed else 0


def _problems(summary: PartSummary) -> list[str]:
    if summary.problem:
        return [f"a part with {summary.files} files is missing, --resume tries it again ({summary.problem})"]
    return list(summary.errors)
