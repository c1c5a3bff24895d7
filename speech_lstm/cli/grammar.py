"""`speech-lstm grammar`: what a grammar accepts and what may go wrong with it; Home Assistant's sentences as one."""

from __future__ import annotations

import argparse
from functools import cache
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.options import count, path

if TYPE_CHECKING:
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon.lexicon import Lexicon

EXAMPLE = """example:
  speech-lstm grammar check home.yaml
  speech-lstm grammar check sentences/ lists.yaml --samples 3
  speech-lstm grammar home-assistant --entities names.yaml --out home.yaml"""

MOST_LINES = 20
"""Lines of one kind that are shown."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "grammar",
        help="check a grammar file",
        description="Check a grammar: its size, what it accepts, and what may be confused.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="read a grammar and report on it",
        description=(
            "Report on a grammar: counts, sample sentences, words whose pronunciation is guessed from the spelling, "
            "values and sentences that sound alike, sentences with two intents, and errors with their lines."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "files",
        nargs="+",
        type=path,
        metavar="FILE",
        help="a text file with a phrase a line, or YAML files and folders",
    )
    check.add_argument(
        "--samples", type=count, default=2, metavar="N", help="sentences of each intent (default: %(default)s)"
    )
    check.set_defaults(run=run)
    home = actions.add_parser(
        "home-assistant",
        help="write Home Assistant's English sentences with the names of a home as one grammar",
        description="Write Home Assistant's own English sentences as one grammar file; needs the [serve] extra.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home.add_argument(
        "--entities",
        type=path,
        required=True,
        metavar="FILE",
        help="YAML: entities (name: domain), areas, floors, lists",
    )
    home.add_argument("--out", type=path, default="home_assistant.yaml", metavar="FILE", help="(default: %(default)s)")
    home.set_defaults(run=run_home_assistant)


def run(args: argparse.Namespace) -> int:
    """Print the report. 1 when a word has no pronunciation; a grammar with errors raises GrammarError."""
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon.lexicon import Lexicon

    grammar = Grammar.load(args.files[0]) if len(args.files) == 1 else Grammar.from_yaml(*args.files)
    lexicon = Lexicon()
    guessed, errors = _guessed(grammar, lexicon)
    _print_counts(grammar, lexicon, speakable=not errors)
    _print_samples(grammar, args.samples)
    _print_some(guessed)
    if not errors:
        _print_alike(grammar, lexicon)
    _print_some(errors)
    return 1 if errors else 0


def run_home_assistant(args: argparse.Namespace) -> int:
    """Write the file and report what is in it and what is not."""
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.serve.home_assistant import home_grammar

    found = home_grammar(args.entities)
    found.write(args.out)
    Grammar.load(args.out)  # an error here rather than later
    print(f"{args.out}: {found.sentences} sentences of {len(found.document['intents'])} intents")
    for slot, number in sorted(found.left_out.items()):
        print(f"left out: {number} sentences with {{{slot}}}, which has no values: give it some in {args.entities}")
    return 0


def _guessed(grammar: Grammar, lexicon: Lexicon) -> tuple[list[str], list[str]]:
    """Lines for the words with a guessed pronunciation, and for those without any."""
    from speech_lstm.runtime.errors import PronunciationError

    guessed, errors = [], []
    for word in sorted(filter(lexicon.is_guessed, grammar.words)):
        try:
            ways = lexicon.pronunciations(word)
        except PronunciationError as error:
            errors.append(f"error: {error}")
        else:
            guessed.append(f"guessed: {word} = {' or '.join(' '.join(phones) for phones in ways)}")
    return guessed, errors


def _print_counts(grammar: Grammar, lexicon: Lexicon, speakable: bool) -> None:
    from speech_lstm.runtime.decoding.graph import compile_graph
    from speech_lstm.runtime.grammar.analysis import sentences
    from speech_lstm.runtime.lexicon.tokens import TOKENS

    found = sentences(grammar.graph)
    intents = {template.block.intent for template in grammar.source.templates} - {None}
    counts = {
        "intents": len(intents),
        "templates": len(grammar.source.templates),
        "words": len(grammar.words),
        "sentences": found.count if found else "too many to count",
        "word graph": f"{grammar.graph.num_nodes} nodes, {len(grammar.graph.arcs)} arcs",
    }
    if speakable:
        phones = compile_graph(grammar.graph, lexicon, TOKENS)
        counts["phone graph"] = f"{phones.num_nodes} nodes, {len(phones.label)} arcs"
    for name, number in counts.items():
        print(f"{name}: {number}")
    if found:
        _print_some(
            [
                f"ambiguous: {' '.join(each.words)!r} is {each.intents[0]}, as that comes first, and {each.intents[1]}"
                for each in found.ambiguities
            ]
        )


def _print_samples(grammar: Grammar, each: int) -> None:
    from speech_lstm.runtime.grammar.analysis import samples

    for intent, text in samples(grammar, each):
        print(f"sample: {text}" if intent is None else f"sample: {intent}: {text}")


def _print_alike(grammar: Grammar, lexicon: Lexicon) -> None:
    from speech_lstm.runtime.grammar.sound_alike import sound_alikes

    pairs = sound_alikes(grammar.source, cache(lexicon.pronunciations))
    _print_some([f"alike: {pair.first!r} and {pair.second!r} ({pair.where})" for pair in pairs])


def _print_some(lines: list[str]) -> None:
    for line in lines[:MOST_LINES]:
        print(line)
    if len(lines) > MOST_LINES:
        kind = lines[0].split(":")[0]
        print(f"{kind}: and {len(lines) - MOST_LINES} more")
