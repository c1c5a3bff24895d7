"""`speech-lstm prepare`: a downloaded corpus to a manifest."""

from __future__ import annotations

import argparse
from typing import Any

from speech_lstm.cli.console import say
from speech_lstm.cli.options import path, positive
from speech_lstm.writing import check_folder

EXAMPLE = """example:
  speech-lstm prepare speech_commands downloads/speech_commands_v0.02 --out data/speech_commands
  speech-lstm prepare librispeech downloads/LibriSpeech --out data/librispeech --workers 4
  speech-lstm prepare common_voice downloads/cv-corpus-20.0/en --out data/common_voice
  speech-lstm prepare tar downloads/an4.tar.gz --out data/an4

Writes DIR/manifest.jsonl, and DIR/noise/manifest.jsonl from Speech Commands. No two splits share a speaker. The audio
of a folder stays there and the manifest points to it; that of a tar is unpacked into DIR."""

LAYOUTS = ("speech_commands", "librispeech", "common_voice", "tar")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "prepare",
        help="turn a downloaded corpus into a manifest",
        description="Write the manifest of a corpus. Files that are missing or damaged are reported and left out.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("layout", choices=LAYOUTS, help="how the source is laid out")
    parser.add_argument("source", type=path, metavar="SOURCE", help="the unpacked corpus, or the tar")
    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="folder for the manifest")
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prepare; one line a manifest."""
    from speech_lstm.data.prepare import prepare

    check_folder(args.out, "--out")
    prepared = prepare(args.layout, args.source, args.out, args.workers)
    for part in prepared:
        print(f"{part.manifest}: {part.rows} recordings, {part.seconds / 3600:.2f} h")
    say(f"{sum(part.skipped for part in prepared)} files skipped")
    return 0
