"""`speech-lstm grammar`: check a grammar, compile one for devices, write Home Assistant's sentences as one."""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.options import (
    add_model_options,
    add_pronunciations_option,
    add_wake_sensitivity_option,
    check_wake_options,
    count,
    name,
    path,
    sensitivity,
)
from speech_lstm.runtime.errors import GrammarError, SpeechLstmError

if TYPE_CHECKING:
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon.lexicon import Lexicon

EXAMPLE = """example:
  speech-lstm grammar check home.yaml
  speech-lstm grammar check sentences/ lists.yaml --samples 3
  speech-lstm grammar check home.yaml --json | jq .warnings
  speech-lstm grammar compile home.yaml -o home.json --wake-word "hey jarvis"
  speech-lstm grammar home-assistant --entities names.yaml --out home.yaml"""

MOST_LINES = 20
"""Lines of one kind that are shown."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "grammar",
        help="check or compile a grammar file",
        description="Check a grammar, or compile it for devices.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="read a grammar and report on it",
        description=(
            "Report on a grammar: counts, sample sentences, signs that no word is said for, words whose pronunciation "
            "is guessed from the spelling, values and sentences that sound alike, sentences with two intents, and "
            "errors with their lines."
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
    add_pronunciations_option(check)
    check.add_argument("--json", action="store_true", help="print all of it as one JSON object")
    check.set_defaults(run=run)
    _add_compile(actions)
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


def _add_compile(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "compile",
        help="write a grammar as one file that needs no lexicon",
        description=(
            "Write a grammar with all that recognition needs of it and of the model (how words are said, the search "
            "graph, thresholds, wake words) as one JSON file, for browsers, for C, and for a quick start: every "
            "--grammar takes it."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=path, metavar="FILE", help="a text file with a phrase a line, or YAML templates")
    parser.add_argument("-o", "--out", type=path, required=True, metavar="FILE", help="what is made")
    parser.add_argument(
        "--wake-word", action="append", type=name, metavar="PHRASE", help="phrases that streams wait for"
    )
    add_wake_sensitivity_option(parser)
    add_model_options(parser)
    add_pronunciations_option(parser)
    parser.set_defaults(run=run_compile, parser=parser, timeout=None)


def run(args: argparse.Namespace) -> int:
    """Print the report. 1 for a grammar with errors, which raises GrammarError where they are not printed as JSON."""
    from speech_lstm.runtime.errors import GrammarError
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon.lexicon import Lexicon

    lexicon = Lexicon(args.pronunciations)
    try:
        grammar = Grammar.load(args.files[0]) if len(args.files) == 1 else Grammar.from_yaml(*args.files)
    except GrammarError as error:
        if not args.json:
            raise
        print(json.dumps({"errors": str(error).splitlines()}))
        return 1
    found = report(grammar, lexicon, args.samples)
    if args.json:
        print(json.dumps(found, default=str))
    else:
        _print(found)
    return 1 if found["errors"] else 0


def report(grammar: Grammar, lexicon: Lexicon, each: int) -> dict[str, Any]:
    """Everything about a grammar, `each` sample sentences of every intent, as JSON has it."""
    from speech_lstm.runtime.decoding.graph import compile_graph
    from speech_lstm.runtime.grammar.analysis import samples, sentences
    from speech_lstm.runtime.grammar.sound_alike import sound_alikes
    from speech_lstm.runtime.grammar.unsaid import unsaid_signs
    from speech_lstm.runtime.lexicon.tokens import TOKENS

    guessed, errors = _guessed(grammar, lexicon)
    found = sentences(grammar.graph)
    phones = None if errors else compile_graph(grammar.graph, lexicon, TOKENS)
    alikes = [] if errors else sound_alikes(grammar.source, cache(lexicon.pronunciations))
    return {
        "intents": sorted({template.block.intent for template in grammar.source.templates} - {None}),
        "templates": len(grammar.source.templates),
        "words": len(grammar.words),
        "sentences": found.count if found else None,
        "word_graph": {"nodes": grammar.graph.num_nodes, "arcs": len(grammar.graph.arcs)},
        "phone_graph": phones and {"nodes": phones.num_nodes, "arcs": len(phones.label)},
        "ambiguous": [
            {"text": " ".join(each.words), "intents": each.intents} for each in (found.ambiguities if found else ())
        ],
        "samples": [{"intent": intent, "text": text} for intent, text in samples(grammar, each)],
        "warnings": [
            {"place": str(each.place), "sign": each.sign, "text": each.text, "line": each.place.line}
            for each in unsaid_signs(grammar.source)
        ],
        "guessed": guessed,
        "alike": [
            {"first": pair.first, "second": pair.second, "where": pair.where, "distance": pair.distance}
            for pair in alikes
        ],
        "errors": errors,
    }


def run_compile(args: argparse.Namespace) -> int:
    """Write the file."""
    from speech_lstm.runtime.live.recognizer import Recognizer
    from speech_lstm.writing import cannot_write, write_atomically

    check_wake_options(args)
    _keep(args.file, args.out)
    recognizer = Recognizer(args.file, args.wake_word, args.model, args.device, args.pronunciations, sensitivity(args))
    text = recognizer.compiled_grammar()
    try:
        write_atomically(args.out, text)
    except OSError as error:
        raise cannot_write(f"--out {args.out}", error) from None
    graph = recognizer.decoder.graph
    print(f"{args.out}: {graph.num_nodes} nodes, {graph.num_arcs} phone arcs, {len(text.encode()) / 1000:.0f} kB")
    return 0


def run_home_assistant(args: argparse.Namespace) -> int:
    """Write the file and report what is in it and what is not."""
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.serve.home_assistant import home_grammar

    _keep(args.entities, args.out)
    found = home_grammar(args.entities)
    with tempfile.TemporaryDirectory() as folder:  # an error here rather than later
        trial = Path(folder, "grammar.yaml")
        found.write(trial)
        try:
            Grammar.load(trial)
        except GrammarError as error:
            raise GrammarError(
                f"{args.entities}: {str(error).replace(f'{trial}, ', 'in the sentences with its names, ')}"
            ) from None
    found.write(args.out)
    print(f"{args.out}: {found.sentences} sentences of {len(found.document['intents'])} intents")
    for slot, number in sorted(found.left_out.items()):
        print(f"left out: {number} sentences with {{{slot}}}, which has no values: give it some in {args.entities}")
    return 0


def _keep(source: Path, out: Path) -> None:
    """SpeechLstmError where the output would take the place of what it is made from."""
    if source.exists() and out.exists() and source.samefile(out):
        raise SpeechLstmError(f"--out {out}: that is the file it is made from")


def _guessed(grammar: Grammar, lexicon: Lexicon) -> tuple[dict[str, list[str]], list[str]]:
    """Guessed pronunciations by word, and what is wrong with words that have none."""
    from speech_lstm.runtime.grammar.unsaid import unpronounced

    guessed: dict[str, list[str]] = {}

    def say(word: str) -> None:
        guessed[word] = [" ".join(phones) for phones in lexicon.pronunciations(word)]

    errors = unpronounced(grammar.source, filter(lexicon.is_guessed, grammar.words), say)
    return guessed, errors


def _print(found: dict[str, Any]) -> None:
    """For people."""
    sizes = {"word graph": found["word_graph"], "phone graph": found["phone_graph"]}
    counts = {
        "intents": len(found["intents"]),
        "templates": found["templates"],
        "words": found["words"],
        "sentences": "too many to count" if found["sentences"] is None else found["sentences"],
        **{name: f"{size['nodes']} nodes, {size['arcs']} arcs" for name, size in sizes.items() if size},
    }
    for counted, number in counts.items():
        print(f"{counted}: {number}")
    for kind, lines in _lines(found).items():
        shown = lines if kind == "sample" else lines[:MOST_LINES]
        for line in shown:
            print(f"{kind}: {line}")
        if len(lines) > len(shown):
            print(f"{kind}: and {len(lines) - len(shown)} more")


def _lines(found: dict[str, Any]) -> dict[str, list[str]]:
    """By kind."""
    return {
        "ambiguous": [
            f"{each['text']!r} is {each['intents'][0]}, as that comes first, and {each['intents'][1]}"
            for each in found["ambiguous"]
        ],
        "sample": [": ".join(filter(None, (each["intent"], each["text"]))) for each in found["samples"]],
        "warning": [
            f"{each['place']}: nothing is said for {each['sign']} in {each['text']!r}: write it as a word"
            for each in found["warnings"]
        ],
        "guessed": [f"{word} = {' or '.join(ways)}" for word, ways in found["guessed"].items()],
        "alike": [
            f"{each['first']!r} and {each['second']!r} ({each['where']})"
            + (": the same words with other values, of which the first counts" * (each["first"] == each["second"]))
            for each in found["alike"]
        ],
        "error": found["errors"],
    }
