"""Options that several subcommands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_grammar_options(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """What may be said: exactly one of --phrases and --grammar, or of what a subcommand adds to the group."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--phrases", nargs="+", metavar="PHRASE", help="the phrases to listen for")
    group.add_argument(
        "--grammar", type=Path, metavar="FILE", help="a text file with a phrase a line, or YAML templates (or a folder)"
    )
    return group


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which network, and where it runs."""
    parser.add_argument(
        "--model", default="default", metavar="NAME", help="a name from `speech-lstm models`, or an .onnx file"
    )
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda"), help="where the model runs (default: %(default)s)"
    )


def add_microphone_option(parser: argparse._ActionsContainer) -> None:
    """Which microphone."""
    parser.add_argument(
        "--microphone",
        type=lambda text: int(text) if text.isdecimal() else text,
        metavar="NAME",
        help="number or part of the name, see `speech-lstm devices` (default: the system's)",
    )


def positive(text: str) -> int:
    """argparse type: a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small, it must be at least 1")
    return number


def share(text: str) -> float:
    """argparse type: a number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{number} is not from 0 to 1")
    return number
