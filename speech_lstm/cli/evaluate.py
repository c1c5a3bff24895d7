"""`speech-lstm evaluate`: how good a model is on manifests, by corpus."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.options import add_model_options, positive
from speech_lstm.runtime.errors import SpeechLstmError

if TYPE_CHECKING:
    from speech_lstm.evaluation.evaluate import Score

EXAMPLE = """example:
  speech-lstm evaluate data/librispeech/manifest.jsonl data/speech_commands/manifest.jsonl
  speech-lstm evaluate --model runs/mine-int8.onnx data/speech_commands/manifest.jsonl --split test \\
      --grammar configs/speech_commands_35.txt --json

phone error: greedy, on whole clips, against the nearest of the dictionary's pronunciations of each word.
accuracy: clips whose words the grammar has and whose best hypothesis is what was said, accepted or not."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evaluate",
        help="measure a model's errors on manifests",
        description="Measure phone error, and with a grammar the accuracy of recognition while streaming, by corpus.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST", help="a manifest.jsonl")
    add_model_options(parser)
    parser.add_argument("--split", default="dev", help="train, dev or test (default: %(default)s)")
    parser.add_argument("--grammar", type=Path, metavar="FILE", help="also recognise: a text file with a phrase a line")
    parser.add_argument(
        "--chunk-ms", type=positive, default=40, metavar="MS", help="audio heard at a time (default: %(default)s)"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N clips of a corpus, evenly spread")
    parser.add_argument("--json", action="store_true", help="print one JSON object a corpus")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print; 1 if some audio could not be read."""
    from speech_lstm.evaluation.evaluate import evaluate
    from speech_lstm.runtime.audio import SAMPLE_RATE
    from speech_lstm.runtime.live.recognizer import Recognizer
    from speech_lstm.runtime.model.model import Model

    model = Model.load(args.model, args.device)
    chunk = args.chunk_ms * SAMPLE_RATE // 1000
    unit = model.metadata.chunk_samples
    if chunk % unit:
        step = unit * 1000 // SAMPLE_RATE
        raise SpeechLstmError(f"--chunk-ms is {args.chunk_ms}; this model takes multiples of {step}")
    recognizer = Recognizer(args.grammar, model=model) if args.grammar else None
    scores = evaluate(model, args.manifests, args.split, recognizer, chunk, args.limit)
    if not scores:
        raise SpeechLstmError(f"no clips of split {args.split!r} in {', '.join(map(str, args.manifests))}")
    for score in scores:
        if args.json:
            print(json.dumps(to_dict(score)))
        else:
            print_score(score)
    return 1 if any(score.skipped for score in scores) else 0


def to_dict(score: Score) -> dict[str, Any]:
    """Counts and rates."""
    rates = ("phone_error_rate", "accuracy", "accepted_rate")
    return asdict(score) | {name: getattr(score, name) for name in rates}


def print_score(score: Score) -> None:
    """A corpus for people."""
    parts = [f"{score.clips} clips, {score.seconds / 3600:.2f} h"]
    if score.phone_error_rate is not None:
        parts.append(f"phone error {score.phone_error_rate:.1%}")
    if score.accuracy is not None:
        parts.append(
            f"in the grammar {score.inside}: {score.accuracy:.1%} right, {score.accepted_rate:.1%} accepted "
            f"({score.right_accepted / score.inside:.1%} right and accepted)"
        )
    if score.outside:
        parts.append(f"not in the grammar {score.outside}: {score.outside_accepted / score.outside:.1%} accepted")
    if score.skipped:
        parts.append(f"{score.skipped} skipped")
    print(f"{score.corpus}: {'; '.join(parts)}")
