"""`speech-lstm train`: train an acoustic model from a configuration file, on one process or under `torchrun`."""

from __future__ import annotations

import argparse
import dataclasses
import signal
from typing import Any

from speech_lstm.cli.console import say
from speech_lstm.cli.environment import need
from speech_lstm.cli.options import number, path
from speech_lstm.writing import check_folder

EXAMPLE = """examples:
  speech-lstm train configs/default.toml
  torchrun --standalone --nproc-per-node 2 -m speech_lstm.cli train configs/default.toml

Paths in the file are relative to its folder. The same command again goes on from the last checkpoint; Ctrl-C saves
one."""

NEEDED = ("torch", "torchaudio", "scipy", "pyroomacoustics", "rich", "tensorboard", "rapidfuzz", "pydantic")
"""Packages of the extra that training imports."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "train",
        help="train an acoustic model",
        description="Train an acoustic model and print its phone error on the dev split of each corpus.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=path, metavar="CONFIG.toml", help="data, model, augmentation, optimizer and run")
    parser.add_argument(
        "--hours", type=hours, metavar="H", help="hours of audio to train on in the whole run, instead of the file's"
    )
    parser.set_defaults(run=run)


def hours(text: str) -> float:
    """argparse type: a number above 0."""
    value = number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of hours")
    return value


def run(args: argparse.Namespace) -> int:
    """Train to the end, or save and stop at Ctrl-C."""
    need("training", *NEEDED)
    from speech_lstm.config import ConfigError, load_config

    config = load_config(args.config)
    if args.hours is not None:
        config = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, hours=args.hours))
    folder = args.config.resolve().parent
    check_folder(folder / config.run.folder, f"{args.config}: run.folder")

    from speech_lstm.training.trainer import Trainer  # PyTorch takes seconds, and the file may be wrong

    try:
        trainer = Trainer(config, folder)
    except ConfigError as wrong:
        raise ConfigError(f"{args.config}: {wrong}") from None
    try:
        error = trainer.run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C, or torchrun's own, must not stop the saving
        if trainer.world == 1:  # several processes may have been stopped in different steps
            trainer.save()
        kept = f"training goes on from {trainer.checkpoint}" if trainer.checkpoint.exists() else "nothing is saved yet"
        say(f"stopped at {trainer.progress.hours:.2f} hours; {kept}")
        return 130
    trainer.close()
    for corpus, rate in error.items():
        print(f"{corpus:24} {100 * rate:5.1f} % phone error on dev")
    return 0
