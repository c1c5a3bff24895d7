"""Make the words that others are told from (`runtime/data/other_words.txt`) from the bigram of words.

    python -m speech_lstm.assets.other_words [--words 10000] [-o FILE]

The most frequent words of the language model, in all the ways the dictionary has, each way once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speech_lstm.runtime.decoding.other_words import BUNDLED
from speech_lstm.runtime.free.bigrams import default_bigrams
from speech_lstm.runtime.lexicon.dictionary import dictionary_pronunciations, encode


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m speech_lstm.assets.other_words", description=__doc__)
    parser.add_argument("--words", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, default=BUNDLED, metavar="FILE", help="default: %(default)s")
    args = parser.parse_args(arguments)
    bigrams = default_bigrams()
    frequent = np.argsort(-bigrams.unigrams[1:], kind="stable")[: args.words] + 1
    words = [bigrams.words[number] for number in frequent.tolist()]
    codes = list(dict.fromkeys(encode(way) for word in words for way in dictionary_pronunciations(word)))
    args.output.write_text("\n".join(codes) + "\n", encoding="ascii")
    print(f"{args.output}: {len(words)} words, {len(codes)} ways to say them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
