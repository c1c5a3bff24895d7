"""`speech-lstm wakeword`: check a phrase before it is used as a wake word, and learn how somebody says it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.console import say
from speech_lstm.cli.options import add_model_options, name, path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speech_lstm.runtime.wake.false_alarms import Tail

EXAMPLE = """example:
  speech-lstm wakeword check "hey jarvis" "okay computer"
  speech-lstm wakeword enrol "hey jarvis" one.wav two.wav three.wav > jarvis.json
"""

SENSITIVITIES = (0.0, 0.25, 0.5, 0.75, 1.0)

FEW_PHONES = 6
"""Phrases with fewer are heard in other speech too often."""

HARD = -0.4
"""A phrase that needs a threshold above this, per phone, is missed often."""

_COMMON = """
a about after all also am an and any are as at back be because been before big but by call came can come could day
did do does down each even every find first for friend from get give go going good great had has have he hello help
her here hi him his home house how i if in into is it its just know last left let like little long look made make
man many may me more most much my name need new no not now number of off oh old on one only open or other our out
over part people place play please put right said same say see she should show so some stop sure take tell than
thank thanks that the their them then there these they thing think this those three time to today too turn two
under up us use very want was water way we well went were what when where which while who why will with word work
world would yeah year yes you your
"""
COMMON = frozenset(_COMMON.split())
"""The most common words of English, and what people say to each other all day."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "wakeword",
        help="check or enrol a wake word",
        description="Check phrases before they are used as wake words, and learn how somebody says them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="how well a phrase would do",
        description=(
            "Report on phrases as wake words: how they are said, warnings, and for each sensitivity the threshold and "
            "the false alarms an hour that are expected of it, from an hour of speech and noise that comes along."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("phrases", nargs="+", type=name, metavar="PHRASE")
    check.set_defaults(run=run_check)
    enrol = actions.add_parser(
        "enrol",
        help="learn how somebody says a phrase",
        description=(
            "Learn pronunciations of a phrase, a wake word or other words, from about three recordings of one person "
            "saying it. Prints the pronunciations of its words as JSON, for Recognizer(pronunciations=...)."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    enrol.add_argument("phrase", type=name, metavar="PHRASE")
    enrol.add_argument("files", nargs="+", type=path, metavar="FILE", help="recordings of the phrase alone")
    add_model_options(enrol)
    enrol.set_defaults(run=run_enrol)


def run_enrol(args: argparse.Namespace) -> int:
    """Print the pronunciations."""
    from speech_lstm.runtime.audio import read_audio
    from speech_lstm.runtime.lexicon.lexicon import Lexicon
    from speech_lstm.runtime.model.model import Model
    from speech_lstm.runtime.wake.enrolment import enrol

    model = Model.load(args.model, args.device)
    result = enrol(args.phrase, [read_audio(path) for path in args.files], model, Lexicon())
    print(json.dumps({word: list(ways) for word, ways in result.pronunciations.items()}, indent=1))
    heard = sum(above >= 0 for above in result.above)
    say(f"learned: {' or '.join(result.learned) or 'nothing, the dictionary fits'}")
    say(f"{heard} of {len(result.above)} recordings would be heard at sensitivity 0.5")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Print the report."""
    from speech_lstm.runtime.lexicon.lexicon import Lexicon
    from speech_lstm.runtime.lexicon.text import spoken_words
    from speech_lstm.runtime.lexicon.tokens import TOKENS
    from speech_lstm.runtime.wake.phone_chains import ways_to_say
    from speech_lstm.runtime.wake.wakeword import HIGHEST_THRESHOLD, WakeWordOptions, phrase_tail

    lexicon, options = Lexicon(), WakeWordOptions()
    for phrase in args.phrases:
        ways = ways_to_say(phrase, lexicon)
        tail = phrase_tail(phrase, lexicon, TOKENS, options)
        print(f"{phrase}: {' or '.join(' '.join(phones) for phones in ways)}")
        for word in filter(lexicon.is_guessed, spoken_words(phrase)):
            print(f"  guessed: how to say {word!r}; give its phones with pronunciations={{...}}")
        for warning in warnings(phrase, ways, tail, options.false_alarms):
            print(f"  warning: {warning}")
        for sensitivity in SENSITIVITIES:
            wanted = options.wanted(sensitivity)
            threshold = min(HIGHEST_THRESHOLD, tail.threshold(wanted))
            expected = max(wanted, tail.false_alarms(threshold))
            print(
                f"  sensitivity {sensitivity}: threshold {threshold:.2f}, {expected:.2g} false alarms an hour of speech"
            )
    return 0


def warnings(phrase: str, ways: Sequence[Sequence[str]], tail: Tail, false_alarms: float) -> list[str]:
    """What speaks against a phrase that is said in these ways, where so many false alarms an hour are wanted."""
    from speech_lstm.runtime.lexicon.text import spoken_words

    found = []
    if (phones := len(ways[0])) < FEW_PHONES:
        found.append(f"short: {phones} phones; with {FEW_PHONES} or more there are far fewer false alarms")
    if set(spoken_words(phrase)) <= COMMON:
        found.append("common: all its words are said all day, so it will be said without being meant")
    if tail.threshold(false_alarms) > HARD:
        found.append(
            "sounds like other speech: it must be said very clearly to be heard, or there are more false alarms; "
            "add a word or take rarer sounds"
        )
    return found
