"""`speech-lstm grammar check`: what a grammar file accepts and what may go wrong with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  speech-lstm grammar check phrases.txt"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "grammar",
        help="check a grammar file",
        description="Check a grammar file: counts, and the words whose pronunciation is guessed from the spelling.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="read a grammar file and report on it",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("file", type=Path, metavar="FILE", help="a text file with a phrase a line")
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report. 1 when a word has no pronunciation; a file that cannot be read raises GrammarError."""
    from speech_lstm.runtime.errors import PronunciationError
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon import Lexicon

    grammar = Grammar.load(args.file)
    lexicon = Lexicon()
    print(f"words: {len(grammar.words)}, nodes: {grammar.graph.num_nodes}")
    errors = []
    for word in sorted(filter(lexicon.is_guessed, grammar.words)):
        try:
            ways = lexicon.pronunciations(word)
        except PronunciationError as error:
            errors.append(f"error: {error}")
        else:
            print(f"guessed: {word} = {' or '.join(' '.join(phones) for phones in ways)}")
    print("\n".join(errors), end="\n" if errors else "")
    return 1 if errors else 0
