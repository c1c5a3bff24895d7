"""Make the bigram of phones that wake words are measured against: `python -m speech_lstm.assets.phone_bigram --help`.

Counted in the train rows of manifests, with the pronunciations that alignments found or else the dictionary's first
ones, as the denominator of training counts them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speech_lstm.data.corpus import read_manifest
from speech_lstm.data.dataset import make_examples, read_alignments
from speech_lstm.data.phone_bigram import PhoneBigram
from speech_lstm.runtime.decoding.free_speech import BUNDLED
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import PHONES


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m speech_lstm.assets.phone_bigram", description=__doc__)
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST", help="speech; its train rows are used")
    parser.add_argument("--alignments", type=Path, metavar="JSONL", help="by `speech-lstm align`")
    parser.add_argument("-o", "--output", type=Path, default=BUNDLED, metavar="NPZ", help="default: %(default)s")
    args = parser.parse_args(arguments)
    rows = [row for path in args.manifests for row in read_manifest(path.resolve(), "train")]
    found = read_alignments(args.alignments) if args.alignments else None
    said = [example.tokens for example in make_examples(rows, Lexicon(), found) if example.tokens]
    bigram = PhoneBigram.counted(said, len(PHONES))
    start, move, end = (values.astype(np.float16) for values in (bigram.start, bigram.move, bigram.end))
    np.savez_compressed(args.output, start=start, move=move, end=end)
    print(f"{args.output}: {sum(map(len, said))} phones of {len(said)} utterances")
    return 0


if __name__ == "__main__":
    sys.exit(main())
