"""Whether thresholds of wake words give as many false alarms as wanted: many phrases in speech that has none of them.

    python -m benchmarks.false_alarms MANIFEST... --noise MANIFEST [--hours 1.2]

Dev clips in turn as recorded and in noise of 10 dB, heard as one stream. The speech must not be that of the bundled
negatives, from which the thresholds come. Needs the [train] extra.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from speech_lstm.assets.wake_negatives import rows_of
from speech_lstm.data.corpus import Utterance
from speech_lstm.evaluation.conditions import mixed
from speech_lstm.evaluation.wake import as_one_stream
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.wake.false_alarms import alarm_curve
from speech_lstm.runtime.wake.wakeword import HIGHEST_THRESHOLD, WakeWordDetector

PHRASES = (
    "jarvis", "snowboy", "hey jarvis", "computer", "hey computer", "alexa", "view glass", "smart mirror", "porcupine",
    "bumblebee", "grasshopper", "terminator", "blueberry", "americano", "hey mycroft", "okay house", "picovoice",
    "marvin", "sheila", "backward", "forward", "hey robot", "jasmine", "victoria", "sebastian", "hello kitchen",
    "okay garden", "hey lumina", "athena", "galileo", "samantha", "okay nabu", "hey ziggy", "wake up house",
    "butterfly", "pineapple", "umbrella", "cinderella", "hey buddy", "rosebud",
)  # fmt: skip
WANTED = (0.05, 0.5, 5.0)
"""False alarms an hour."""
SNR_DB = 10.0


def clips(speech: Sequence[Utterance], noise: Sequence[Utterance], hours: float) -> Iterator[Samples]:
    """So many hours of speech at most."""
    seconds, noises = 0.0, itertools.cycle(noise)
    for number, row in enumerate(speech):
        audio = read_audio(row.path)
        seconds += len(audio) / SAMPLE_RATE
        yield mixed(audio, read_audio(next(noises).path), SNR_DB) if number % 2 else audio
        if seconds > hours * 3600:
            break


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__.split("\n")[0])
    parser.add_argument("speech", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--noise", type=Path, nargs="+", required=True, metavar="MANIFEST")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--hours", type=float, default=1.2, help="of speech, at most (default: %(default)s)")
    args = parser.parse_args(arguments)
    model, lexicon = Model.load(args.model, "cpu"), Lexicon()
    tokens = model.metadata.tokens
    audio = clips(rows_of("dev", args.speech), rows_of("dev", args.noise), args.hours)
    log_probs = np.concatenate(list(as_one_stream(model, audio)))
    hours = len(log_probs) * model.metadata.frame_seconds / 3600
    curves = {phrase: alarm_curve(phrase, lexicon, tokens) for phrase in PHRASES}
    print(f"{len(PHRASES)} phrases in {hours:.2f} hours\n")
    print("| wanted an hour | a phrase had an hour | the worst |\n|---:|---:|---:|")
    for wanted in WANTED:
        counts = []
        for phrase, curve in curves.items():
            limit = {phrase: min(HIGHEST_THRESHOLD, curve.threshold(wanted))}
            detector = WakeWordDetector([phrase], lexicon, tokens, thresholds=limit)
            counts.append(len(detector.start().detect(log_probs)))
        print(f"| {wanted} | {np.mean(counts) / hours:.2f} | {max(counts) / hours:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
