"""`speech-lstm align`: when each phone was said, for the frame labels of training."""

from __future__ import annotations

import argparse
from typing import Any

from speech_lstm.cli.console import say
from speech_lstm.cli.environment import need
from speech_lstm.cli.options import name, path, positive
from speech_lstm.writing import check_folder

EXAMPLE = """example:
  speech-lstm align data/librispeech/manifest.jsonl data/an4/manifest.jsonl --out data/alignments.jsonl --workers 4

Alignments that the file has already are kept, so an interrupted run goes on where it stopped."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "align",
        help="find when each phone of the training data was said",
        description="Write the phones of each utterance, as they were said, with their times and how badly they fit.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("manifests", nargs="+", type=path, metavar="MANIFEST", help="a manifest.jsonl")
    parser.add_argument("--out", type=path, required=True, metavar="FILE", help="JSON lines; added to if it exists")
    parser.add_argument(
        "--model", type=name, default="default", help="a shipped model's name or an .onnx file (default: %(default)s)"
    )
    parser.add_argument("--split", type=name, default="train", help="train, dev or test (default: %(default)s)")
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Align everything that has no alignment yet."""
    need("alignment", "torch")  # the data tools come with it
    from speech_lstm.data.align import align_to_file
    from speech_lstm.data.corpus import read_manifest

    utterances = [row for manifest in args.manifests for row in read_manifest(manifest.resolve(), args.split)]
    check_folder(args.out.parent, "--out")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    aligned, left_out = align_to_file(utterances, args.out, args.model, args.workers)
    print(f"{args.out}: {aligned} utterances aligned")
    if left_out:
        say(f"{left_out} left out: unreadable, a word that cannot be said, or too short for its words")
    return 0
