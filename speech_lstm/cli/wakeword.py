"""`speech-lstm wakeword`: check a phrase before it is used as a wake word, and learn how somebody says it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from speech_lstm.cli.console import say
from speech_lstm.cli.options import add_model_options, add_pronunciations_option, name, path

EXAMPLE = """example:
  speech-lstm wakeword check "hey jarvis" "okay computer"
  speech-lstm wakeword enrol "hey jarvis" one.wav two.wav three.wav > jarvis.json
"""

SENSITIVITIES = (0.0, 0.25, 0.5, 0.75, 1.0)

SHOWN = 2
"""Ways to say a phrase: the first are those of the lexicon."""


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
            "the false alarms an hour that are expected of it, from two hours of speech and noise that come along."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("phrases", nargs="+", type=name, metavar="PHRASE", help='"(hey|okay) jarvis" is two phrases')
    add_pronunciations_option(check)
    check.set_defaults(run=run_check)
    enrol = actions.add_parser(
        "enrol",
        help="learn how somebody says a phrase",
        description=(
            "Learn pronunciations of a phrase, a wake word or other words, from about three recordings of one person "
            "saying it. Prints the pronunciations of its words as JSON, for --pronunciations."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    enrol.add_argument("phrase", type=name, metavar="PHRASE")
    enrol.add_argument("files", nargs="+", type=path, metavar="FILE", help="recordings of the phrase alone")
    add_model_options(enrol)
    add_pronunciations_option(enrol)
    enrol.set_defaults(run=run_enrol)


def run_enrol(args: argparse.Namespace) -> int:
    """Print the pronunciations."""
    from speech_lstm.runtime.audio import read_audio
    from speech_lstm.runtime.lexicon.lexicon import Lexicon
    from speech_lstm.runtime.model.model import Model
    from speech_lstm.runtime.wake.enrolment import enrol

    model = Model.load(args.model, args.device)
    result = enrol(args.phrase, [read_audio(path) for path in args.files], model, Lexicon(args.pronunciations))
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
    from speech_lstm.runtime.wake.false_alarms import alarm_curve
    from speech_lstm.runtime.wake.options import WakeWordOptions
    from speech_lstm.runtime.wake.phone_chains import ways_to_say
    from speech_lstm.runtime.wake.phrases import advice, phrases_of
    from speech_lstm.runtime.wake.wakeword import HIGHEST_THRESHOLD

    lexicon, options = Lexicon(args.pronunciations), WakeWordOptions()
    for wake_word in args.phrases:
        phrases = phrases_of(wake_word)
        curve = alarm_curve(phrases, lexicon, TOKENS)
        for phrase in phrases:
            ways = [" ".join(phones) for phones in ways_to_say(phrase, lexicon)]
            more = [f"{len(ways) - SHOWN} other ways"] if len(ways) > SHOWN + 1 else ways[SHOWN:]
            print(f"{phrase}: {' or '.join(ways[:SHOWN] + more)}")
        for word in dict.fromkeys(word for phrase in phrases for word in spoken_words(phrase)):
            if lexicon.is_guessed(word):
                print(f"  guessed: how to say {word!r}; give its phones with --pronunciations FILE")
        for warning in advice(wake_word, lexicon, curve, options.false_alarms):
            print(f"  warning: {warning}")
        for sensitivity in SENSITIVITIES:
            wanted = options.wanted(sensitivity)
            threshold = min(HIGHEST_THRESHOLD, curve.threshold(wanted))
            expected = max(wanted, curve.false_alarms(threshold))
            print(
                f"  sensitivity {sensitivity}: threshold {threshold:.2f}, {expected:.2g} false alarms an hour of speech"
            )
    return 0
