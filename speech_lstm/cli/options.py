"""Options that several subcommands share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from speech_lstm.runtime.errors import AudioError

if TYPE_CHECKING:
    from speech_lstm.runtime.audio import RawFormat
    from speech_lstm.runtime.live.recognizer_options import RecognizerOptions


def add_grammar_options(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """What may be said: exactly one of --phrases and --grammar, or of what a subcommand adds to the group."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--phrases", nargs="+", metavar="PHRASE", help="the phrases to listen for")
    group.add_argument(
        "--grammar", type=path, metavar="FILE", help="a text file with a phrase a line, or YAML templates (or a folder)"
    )
    return group


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which network, and where it runs."""
    parser.add_argument(
        "--model", type=name, default="default", metavar="NAME", help="one of `speech-lstm models`, or an .onnx file"
    )
    parser.add_argument(
        "--device",
        type=_processor,
        default="auto",
        metavar="{auto,cpu,cuda}",
        help="the processor that the model runs on (default: %(default)s)",
    )


def add_pronunciations_option(parser: argparse.ArgumentParser) -> None:
    """Ways to say words."""
    parser.add_argument(
        "--pronunciations",
        type=path,
        metavar="FILE",
        help="JSON with ways to say words, as `speech-lstm wakeword enrol` writes it",
    )


def add_microphone_option(parser: argparse._ActionsContainer) -> None:
    """Which microphone."""
    parser.add_argument(
        "--microphone",
        type=lambda text: int(text) if text.isdecimal() else name(text),
        metavar="NAME",
        help="number or part of the name, see `speech-lstm microphones` (default: the system's)",
    )


def _processor(text: str) -> str:
    """argparse type."""
    if text not in ("auto", "cpu", "cuda"):
        raise argparse.ArgumentTypeError(
            f"invalid choice: {text!r}; it is the processor, auto, cpu or cuda (a microphone: listen --microphone)"
        )
    return text


def add_hearing_options(parser: argparse.ArgumentParser, alternatives: int) -> None:
    """When a command counts and when it is over; as in `RecognizerOptions` and `SessionOptions`.

    alternatives: the default.
    """
    parser.add_argument(
        "--threshold", type=share, metavar="P", help="least confidence of a command, 0 to 1 (default: the model's)"
    )
    parser.add_argument(
        "--pause", type=seconds, metavar="S", help="seconds of silence that end a command (default: 0.6)"
    )
    parser.add_argument(
        "--alternatives",
        type=count,
        default=alternatives,
        metavar="N",
        help="other commands to list with each in JSON, at most (default: %(default)s)",
    )


def add_wake_sensitivity_option(parser: argparse.ArgumentParser) -> None:
    """How easily wake words are heard."""
    parser.add_argument(
        "--wake-sensitivity",
        action="append",
        type=share,
        metavar="S",
        help="0: fewest false alarms of the wake word, 1: fewest misses (default: 0.5); for several wake words one for "
        "all, or one for each in the same order",
    )


def add_wake_options(parser: argparse.ArgumentParser) -> None:
    """What only counts with a wake word; `check_wake_options` sees to that."""
    add_wake_sensitivity_option(parser)
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="seconds to wait for a command after the wake word (default: 5)"
    )


def check_wake_options(args: argparse.Namespace) -> None:
    """Wrong usage ends the program."""
    for option, given in (("--wake-sensitivity", args.wake_sensitivity), ("--timeout", args.timeout)):
        if given is not None and not args.wake_word:
            args.parser.error(f"{option} needs --wake-word")
    times = len(args.wake_sensitivity or ())
    if times > 1 and times != len(args.wake_word):
        args.parser.error(
            f"--wake-sensitivity comes {times} times and there are {len(args.wake_word)} wake words: give one for all, "
            "or one for each"
        )


def sensitivity(args: argparse.Namespace) -> float | dict[str, float] | None:
    """Of the wake words, as `Recognizer` takes it."""
    given: list[float] = args.wake_sensitivity or []
    if not given:
        return None
    return given[0] if len(given) == 1 else dict(zip(args.wake_word, given, strict=True))


def recognizer_options(args: argparse.Namespace) -> RecognizerOptions:
    """Of `add_hearing_options` and `add_wake_options`."""
    from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
    from speech_lstm.runtime.live.session_options import SessionOptions

    times = {"pause_seconds": args.pause, "leading_seconds": args.timeout}
    session = SessionOptions(**{name: value for name, value in times.items() if value is not None})
    return RecognizerOptions(threshold=args.threshold, alternatives=args.alternatives, session=session)


def add_sound_options(parser: argparse.ArgumentParser) -> None:
    """Which of the sound in a file is heard."""
    parser.add_argument(
        "--track", type=count, metavar="N", help="of several in a file, 0 first (default: the one that players take)"
    )
    parser.add_argument(
        "--raw",
        type=_raw,
        metavar="RATE[:CHANNELS]",
        help="the sound has no header: little-endian int16 at this rate, as from `arecord -f S16_LE -t raw`",
    )


def positive(text: str) -> int:
    """argparse type: a whole number of at least 1."""
    return _whole(text, 1)


def count(text: str) -> int:
    """argparse type: a whole number of at least 0."""
    return _whole(text, 0)


def share(text: str) -> float:
    """argparse type: a number from 0 to 1."""
    value = number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return value


def seconds(text: str) -> float:
    """argparse type: a time above 0."""
    value = number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds, above 0")
    return value


def name(text: str) -> str:
    """argparse type: any text but none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def path(text: str) -> Path:
    """argparse type. An empty one, as from a variable that is not set, would be the current folder."""
    return Path(name(text))


def number(text: str) -> float:
    """argparse type: any number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _raw(text: str) -> RawFormat:
    """argparse type: a rate, and how many channels if there are several."""
    from speech_lstm.runtime.audio import RawFormat

    rate, _, channels = text.partition(":")
    try:
        return RawFormat(positive(rate), positive(channels or "1"))
    except AudioError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"{value} is too small, it must be at least {least}")
    return value
