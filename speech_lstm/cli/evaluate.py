"""`speech-lstm evaluate`: how good a model is, on manifests by corpus or on a whole suite of tests."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.environment import need
from speech_lstm.cli.options import add_model_options, add_pronunciations_option, name, path, positive, share
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import SpeechLstmError

if TYPE_CHECKING:
    from speech_lstm.evaluation.evaluate import Score

EXAMPLE = """example:
  speech-lstm evaluate data/librispeech/manifest.jsonl data/speech_commands/manifest.jsonl
  speech-lstm evaluate --model runs/mine-int8.onnx data/speech_commands/manifest.jsonl --split test \\
      --grammar configs/speech_commands_35.txt --json
  speech-lstm evaluate runs/mine-int8.onnx --suite configs/suite.toml --out runs/mine-suite
  speech-lstm evaluate --card models/README.md --results runs/mine-suite/results.json

On manifests, phone error: of the likeliest phones under a bigram, on whole clips, against the nearest of the
dictionary's pronunciations of each word.
accuracy: clips whose words the grammar has and whose best hypothesis is what was said, accepted or not.
A suite measures in noise, in rooms and late in streams as well (docs/evaluation.md)."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evaluate",
        help="measure a model's errors on manifests",
        description="Measure phone error, and with a grammar the accuracy of recognition while streaming, by corpus.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "manifests", nargs="*", type=path, metavar="MANIFEST", help="a manifest.jsonl; with --suite: the model"
    )
    add_model_options(parser)
    add_pronunciations_option(parser)
    parser.add_argument("--split", type=name, default="dev", help="train, dev or test (default: %(default)s)")
    parser.add_argument("--grammar", type=path, metavar="FILE", help="also recognise: a text file with a phrase a line")
    parser.add_argument(
        "--chunk-ms", type=positive, metavar="MS", help="audio heard at a time (default: a frame of the model)"
    )
    parser.add_argument(
        "--threshold", type=share, metavar="P", help="least confidence of a command, 0 to 1 (default: the model's)"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N clips of a corpus, evenly spread")
    parser.add_argument("--json", action="store_true", help="print one JSON object a corpus, or that of the suite")
    suite = parser.add_argument_group("a suite of tests")
    suite.add_argument("--suite", type=path, metavar="FILE", help="measure what it says, like configs/suite.toml")
    suite.add_argument("--out", type=path, metavar="FOLDER", help="write results.json, results.md and results.png")
    suite.add_argument(
        "--blank-offset", type=float, metavar="X", help="off the log-probability of blank (default: the model's)"
    )
    suite.add_argument("--results", type=path, metavar="JSON", help="results.json of an earlier run, for --card")
    suite.add_argument("--card", type=path, metavar="FILE", help="write --results into this model card and do no more")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print; 1 if some audio could not be read."""
    if args.card or args.results:
        return run_card(args)
    if args.suite:
        return run_suite(args)
    if args.out or args.blank_offset is not None:
        args.parser.error("--out and --blank-offset need --suite")
    if not args.manifests:
        args.parser.error("give a manifest.jsonl, or --suite")
    return run_manifests(args)


def run_card(args: argparse.Namespace) -> int:
    """Put earlier results into a model card."""
    from speech_lstm.evaluation.report import write_card

    if not args.card or not args.results or args.manifests or args.suite:
        args.parser.error("--card and --results go together, without a manifest, model or --suite")
    try:
        results = json.loads(read_text(args.results))
    except (OSError, ValueError) as error:
        raise SpeechLstmError(f"{args.results}: cannot be read as results of a suite: {error}") from error
    write_card(args.card, results)
    return 0


def run_suite(args: argparse.Namespace) -> int:
    """Everything that a suite file describes."""
    need("a suite of tests", "pydantic")
    from speech_lstm.evaluation.report import headline, markdown
    from speech_lstm.evaluation.run_suite import run_suite
    from speech_lstm.evaluation.suite import load_suite
    from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
    from speech_lstm.runtime.model.model import Model

    if len(args.manifests) > 1 or args.grammar:
        args.parser.error("--suite takes one model, and no --grammar or manifests")
    suite = load_suite(args.suite)
    model = Model.load(str(args.manifests[0]) if args.manifests else args.model, args.device)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    results = run_suite(suite, model, RecognizerOptions(blank_offset=args.blank_offset), args.limit)
    text = json.dumps(results, indent=1) + "\n"
    if args.out:
        from speech_lstm.evaluation.suite_plots import plot

        (args.out / "results.json").write_text(text, encoding="utf-8")
        (args.out / "results.md").write_text(f"# Results\n\n{markdown(results)}", encoding="utf-8")
        plot(results, args.out / "results.png")
        print(f"{args.out}: results.json, results.md, results.png", file=sys.stderr)
    if args.json:
        print(text, end="")
    else:
        print(headline(results) if args.out else markdown(results), end="\n" if args.out else "")
    return 0


def run_manifests(args: argparse.Namespace) -> int:
    """Phone error, and accuracy in a grammar, by corpus."""
    from speech_lstm.evaluation.evaluate import evaluate
    from speech_lstm.runtime.audio import SAMPLE_RATE
    from speech_lstm.runtime.live.recognizer import Recognizer
    from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
    from speech_lstm.runtime.model.model import Model

    if args.threshold is not None and not args.grammar:
        args.parser.error("--threshold needs --grammar")
    if args.pronunciations and not args.grammar:
        args.parser.error("--pronunciations needs --grammar")
    model = Model.load(args.model, args.device)
    unit = model.metadata.chunk_samples
    chunk = args.chunk_ms * SAMPLE_RATE // 1000 if args.chunk_ms else unit
    if chunk % unit:
        step = unit * 1000 // SAMPLE_RATE
        raise SpeechLstmError(f"--chunk-ms is {args.chunk_ms}; this model takes multiples of {step}")
    options = RecognizerOptions(threshold=args.threshold)
    recognizer = None
    if args.grammar:
        recognizer = Recognizer(args.grammar, model=model, pronunciations=args.pronunciations, options=options)
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
    return asdict(score) | {rate: getattr(score, rate) for rate in rates}


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
