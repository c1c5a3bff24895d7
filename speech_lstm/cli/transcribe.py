"""`speech-lstm transcribe`: the phrases that audio files hold, one result a file."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.options import add_grammar_options, add_model_options
from speech_lstm.runtime.errors import AudioError

if TYPE_CHECKING:
    from speech_lstm.runtime.results import Result

EXAMPLE = """example:
  speech-lstm transcribe kitchen.wav hall.mp3 --phrases "turn on the light" "turn off the light"
  speech-lstm transcribe recordings/*.flac --grammar phrases.txt --format json"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "transcribe",
        help="recognise phrases in audio files",
        description="Recognise which phrase each audio file holds (WAV, FLAC, Ogg, Opus, MP3; any rate, any channels).",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an audio file with one utterance")
    add_grammar_options(parser)
    add_model_options(parser)
    parser.add_argument("--channel", type=int, metavar="N", help="take this channel, 0 first (default: their average)")
    parser.add_argument("--format", default="text", choices=tuple(WRITERS), help="json: one object a line and file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """A file that cannot be read is reported and passed over; the exit code is then 1."""
    from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
    from speech_lstm.runtime.recognizer import Recognizer

    recognizer = Recognizer(grammar=args.phrases or args.grammar, model=args.model, device=args.device)
    write = WRITERS[args.format]
    heard = spent = 0.0
    unreadable = 0
    for path in args.files:
        try:
            started = time.perf_counter()
            samples = read_audio(path, channel=args.channel)
            result = recognizer.recognize(samples, sample_rate=SAMPLE_RATE)
            spent += time.perf_counter() - started
        except AudioError as error:
            print(f"speech-lstm: error: {error}", file=sys.stderr)
            unreadable += 1
            continue
        seconds = len(samples) / SAMPLE_RATE
        heard += seconds
        write(path, seconds, result)
    if heard:
        count = len(args.files) - unreadable
        files = "1 file" if count == 1 else f"{count} files"
        speed = f"{heard / spent:.0f} times real time"
        print(f"{files}, {heard:.1f} s of audio in {spent:.2f} s: {speed}", file=sys.stderr)
    return 1 if unreadable else 0


def write_text(path: Path, seconds: float, result: Result) -> None:
    """Two lines a file: what was said; then confidence, intent with slots, and when each word was said."""
    if not result.accepted:
        closest = f" (closest: {result.text}, confidence {result.confidence:.2f})" if result.text else ""
        print(f"{path}: nothing from the list{closest}")
        return
    details = [f"confidence {result.confidence:.2f}"]
    if result.intent is not None:
        details.append(f"intent {result.intent}")
        details += [f"{name}={value}" for name, value in result.slots.items()]
    details.append("  ".join(f"{word.text} {word.start:.2f}-{word.end:.2f}" for word in result.words) + " s")
    print(f"{path}: {result.text}")
    print(f"    {' | '.join(details)}")


def write_json(path: Path, seconds: float, result: Result) -> None:
    """One JSON object on one line: the file, its seconds, and every field of the result."""
    print(json.dumps({"file": str(path), "duration": round(seconds, 3), **result.to_dict()}, default=str))


WRITERS: dict[str, Callable[[Path, float, Result], None]] = {"text": write_text, "json": write_json}
