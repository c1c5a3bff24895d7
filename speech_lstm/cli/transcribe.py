"""`speech-lstm transcribe`: what audio files hold, one file or a folder of many."""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech_lstm.cli import transcribe_ray
from speech_lstm.cli.console import say
from speech_lstm.cli.options import (
    add_grammar_options,
    add_hearing_options,
    add_model_options,
    add_pronunciations_option,
    add_sound_options,
    count,
    name,
    number,
    positive,
)

if TYPE_CHECKING:
    from speech_lstm.batch.inputs import Found, InputFile
    from speech_lstm.batch.listeners import ListenerOptions
    from speech_lstm.batch.outputs import Output
    from speech_lstm.batch.progress import Progress
    from speech_lstm.batch.settings import Settings
    from speech_lstm.batch.transcriber import BatchOptions
    from speech_lstm.batch.transcript import Transcript

EXAMPLE = """example:
  speech-lstm transcribe kitchen.wav hall.mp3 --phrases "turn on the light" "turn off the light"
  speech-lstm transcribe recordings --grammar phrases.txt --format jsonl > results.jsonl
  speech-lstm transcribe recordings --grammar phrases.txt --format srt --output subtitles --resume
  find calls -name '*.wav' -mtime -1 -print0 | speech-lstm transcribe - --phones
  arecord -d 5 -f S16_LE -r 16000 | speech-lstm transcribe - --grammar phrases.txt
  speech-lstm transcribe s3://calls/2026 --grammar phrases.txt --engine ray --output s3://results/2026"""

FORMATS = ("text", "json", "jsonl", "csv", "srt", "vtt", "labels")

DESCRIPTION = """Find phrases in audio files (WAV, FLAC, Ogg, Opus, MP3; with PyAV also m4a, webm and the sound of
videos; any rate, any channels). A file of up to --clip-seconds is one utterance; in a longer one every command is
found, with its times. Without phrases or a grammar any words are transcribed, which is experimental. Files that fail
are reported at the end, and the exit code is then 1."""

FREE_NOTE = (
    "free transcription is experimental: a fifth of the words are wrong in audio books, up to half from "
    "volunteers' microphones; see docs/free.md"
)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "transcribe",
        help="recognise phrases in audio files",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths",
        nargs="+",
        type=name,
        metavar="PATH",
        help="a file, a folder, a pattern, or - for sound on stdin, or a list of files",
    )
    heard = add_grammar_options(parser)
    heard.required = False
    heard.add_argument("--phones", action="store_true", help="no phrases and no words: the phones of all speech")
    add_model_options(parser)
    add_pronunciations_option(parser)
    add_hearing_options(parser, alternatives=0)
    parser.add_argument(
        "--channel", type=count, metavar="N", help="take this channel, 0 first (default: their average)"
    )
    add_sound_options(parser)
    parser.add_argument(
        "--clip-seconds", type=_clip_seconds, default=10.0, metavar="S", help="longest utterance (default: %(default)g)"
    )
    parser.add_argument("--format", choices=(*FORMATS, "parquet"), help="default: text, and parquet with --engine ray")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--output", type=name, metavar="FOLDER", help="a file for each input, below this folder")
    place.add_argument("--beside", action="store_true", help="a file for each input, beside it")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="pass over inputs with an output that is not older and was made with the same phrases, model and options",
    )
    parser.add_argument("--jobs", type=positive, metavar="N", help="worker processes (default: one a core)")
    transcribe_ray.add_options(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Hear, write and report."""
    from speech_lstm.batch.inputs import find_files
    from speech_lstm.batch.listeners import ListenerOptions
    from speech_lstm.batch.transcriber import BatchOptions

    transcribe_ray.check(args)
    grammar = args.phrases or args.grammar
    free = grammar is None and not args.phones
    given = {
        "--threshold": args.threshold,
        "--pause": args.pause,
        "--alternatives": args.alternatives or None,
        "--pronunciations": args.pronunciations,
    }
    if grammar is None and (unused := [option for option, value in given.items() if value is not None]):
        args.parser.error(f"{unused[0]} needs --phrases or --grammar")
    if free:
        say(FREE_NOTE)
    listener = ListenerOptions(
        grammar,
        args.model,
        args.device,
        args.pronunciations,
        alternatives=args.alternatives,
        free=free,
        threshold=args.threshold,
        pause_seconds=args.pause or ListenerOptions.pause_seconds,
    )
    options = BatchOptions(args.clip_seconds, args.channel, track=args.track, raw=args.raw)
    if args.engine == "ray":
        return transcribe_ray.run(args, listener, options)
    with _ended_by_sigterm(), ExitStack() as stack:

        @cache
        def copies() -> Path:
            """The folder, once something is copied: there may be none that can be written."""
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="speech-lstm-")))

        found = find_files(args.paths, sys.stdin.buffer if "-" in args.paths else None, copies, bool(args.raw))
        if args.beside and any(file.alias for file in found.files):
            args.parser.error("--beside needs files, and what comes through a pipe has no folder; see --output")
        return _transcribe(args, found, listener, options)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """As by Ctrl-C: copies of sound are deleted, and workers do not go on with their files."""

    def end(*_: object) -> None:
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _transcribe(args: argparse.Namespace, found: Found, listener: ListenerOptions, options: BatchOptions) -> int:
    """The files that were found."""
    from speech_lstm.batch.progress import Progress
    from speech_lstm.batch.settings import Settings
    from speech_lstm.batch.workers import transcribe_files

    problems = [f"{name}: {reason}" for name, reason in found.problems]
    output = _output(args, found.files, Settings.of(listener, options))
    files = [file for file in found.files if not (args.resume and output.is_done(file))]
    transcripts = transcribe_files([file.path for file in files], listener, options, args.jobs)
    output.begin()
    if args.resume and (stale := output.stale(files)):
        say(stale)
    progress = Progress(len(files), sum(file.size for file in files))
    try:
        problems += _write(zip(files, transcripts, strict=True), output, progress)
    except KeyboardInterrupt:
        progress.clear()
        left = "; the same command with --resume goes on from there" if args.output or args.beside else ""
        say(f"speech-lstm: stopped after {progress.done} of {len(files)} files{left}")
        return 130
    _report(problems)
    if skipped := len(found.files) - len(files):
        say(f"{skipped} finished before")
    say(progress.summary())
    return 1 if problems else 0


def _write(heard: Iterable[tuple[InputFile, Transcript]], output: Output, progress: Progress) -> list[str]:
    """Hand all on. Returns what went wrong."""
    from speech_lstm.batch.outputs import StreamOutput

    problems = []
    shares_terminal = isinstance(output, StreamOutput) and sys.stdout.isatty()
    for file, found in heard:
        transcript = found if file.alias is None else found.called(file.alias)
        if shares_terminal:
            progress.clear()
        for warning in transcript.warnings:
            progress.clear()
            _warn(transcript.file, warning)
        if transcript.error is not None:
            hint = "; samples without a header need --raw" if file.alias and "not audio" in transcript.error else ""
            problems.append(transcript.error + hint)
        try:
            output.write(file, transcript)
        except BrokenPipeError:
            raise
        except OSError as error:
            problems.append(f"{error.filename}: cannot be written: {error.strerror}")
        progress.add(transcript.duration, file.size)
    progress.clear()
    output.close()
    return problems


def _output(args: argparse.Namespace, files: tuple[InputFile, ...], settings: Settings) -> Output:
    """What the options ask for. Wrong usage ends the program."""
    from speech_lstm.batch.outputs import FolderOutput, StreamOutput
    from speech_lstm.batch.writers import WRITERS

    writer = WRITERS[args.format or "text"]()
    if args.output or args.beside:
        return FolderOutput(writer, Path(args.output) if args.output else None, files, settings)
    if args.resume:
        args.parser.error("--resume needs --output or --beside")
    if len(files) > 1 and not writer.joins:
        args.parser.error(f"{args.format} is a file for each input: with {len(files)} inputs, add --output or --beside")
    return StreamOutput(writer)


def _report(problems: list[str]) -> None:
    """What failed, one line each."""
    from speech_lstm.batch.writers import printable

    for problem in problems:
        say(f"speech-lstm: error: {printable(problem)}")


def _warn(name: str, warning: str) -> None:
    from speech_lstm.batch.writers import printable

    say(f"speech-lstm: warning: {printable(name)}: {warning}")


def _clip_seconds(text: str) -> float:
    """argparse type: seconds that fit into a search."""
    from speech_lstm.batch.transcriber import MOST_CLIP_SECONDS

    value = number(text)
    if not 0 <= value <= MOST_CLIP_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {MOST_CLIP_SECONDS:g}")
    return value
