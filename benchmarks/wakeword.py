"""Miss rate of wake words against false alarms per hour, as a table and a curve.

    python -m benchmarks.wakeword --wake WAKE_MANIFEST --speech MANIFEST... --noise MANIFEST [-o CURVE.png]

WAKE_MANIFEST has a wake word a clip as its text. All clips are heard as one stream: a wake word follows three seconds
of speech, both in noise of 10 dB. False alarms are counted in all of the speech, once as recorded and once in noise,
and in noise alone. Only rows of the dev split are used. Needs the [dev] extra.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speech_lstm.assets.wake_negatives import rows_of
from speech_lstm.data.corpus import Utterance
from speech_lstm.evaluation.conditions import mixed
from speech_lstm.evaluation.wake import BEFORE_SECONDS, LATE_FRAMES, OtherSpeech, as_one_stream
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.wake.options import WakeWordOptions
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

SNR_DB = 10.0

LEXICON = Lexicon()


@dataclass(frozen=True)
class Point:
    """What one threshold gives: false alarms per hour of negatives, share of wake words that are missed."""

    threshold: float
    false_alarms: float
    missed: float

    def row(self, name: str) -> str:
        """Of the table."""
        return f"| {name} | {self.threshold:.2f} | {self.false_alarms:.2f} | {self.missed:.1%} |"


@dataclass(frozen=True)
class Trials:
    """Log-probabilities [frames, tokens] to search: `wake` has successive clips of speech and of the wake word."""

    wake: Sequence[FloatArray]
    others: OtherSpeech

    def point(self, phrase: str, threshold: float) -> Point:
        """Search everything with a threshold."""
        detector = WakeWordDetector([phrase], LEXICON, TOKENS, thresholds={phrase: threshold})
        search, begin, found = detector.start(), 0, set()
        spans = []
        for number, block in enumerate(self.wake):
            if number % 2:
                spans.append((begin, begin + len(block) + LATE_FRAMES))
            begin += len(block)
        for detection in search.detect(np.concatenate(self.wake)):
            found |= {span for span in spans if span[0] <= detection.last_frame < span[1]}
        return Point(threshold, self.others.false_alarms(detector), 1 - len(found) / len(spans))

    def curve(self, phrase: str) -> list[Point]:
        """From no false alarm to `MOST`."""
        scores = self.others.scores(phrase, TOKENS)
        counts = [count for count in (0, 1, 2, 3, 5, 8, 13, 21, 34) if count < len(scores)]
        return [self.point(phrase, scores[count] + 0.001) for count in counts]


def wake_clips(wake: Sequence[Utterance], speech: Sequence[Utterance], noise: Sequence[Utterance]) -> Iterator[Samples]:
    """In turn: the end of some speech, and a wake word with a little silence, both in noise."""
    noises, others = itertools.cycle(noise), itertools.cycle(speech)
    for row in wake:
        other = read_audio(next(others).path)[-round(BEFORE_SECONDS * SAMPLE_RATE) :]
        said = np.pad(read_audio(row.path), (0, SAMPLE_RATE // 4))
        for clip in (other, said):
            yield mixed(clip, read_audio(next(noises).path), SNR_DB)


def negative_clips(speech: Sequence[Utterance], noise: Sequence[Utterance]) -> Iterator[Samples]:
    """Speech as recorded, speech in noise, noise."""
    noises = itertools.cycle(noise)
    for row in speech:
        yield read_audio(row.path)
    for row in speech:
        yield mixed(read_audio(row.path), read_audio(next(noises).path), SNR_DB)
    for row in noise:
        yield read_audio(row.path)


def at(points: Sequence[Point], false_alarms: float) -> Point:
    """The point with the fewest misses of those with at most so many false alarms an hour."""
    return min((p for p in points if p.false_alarms <= false_alarms), key=lambda p: p.missed, default=points[0])


def plot(curves: dict[str, list[Point]], path: Path) -> None:
    """Draw the curves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for phrase, points in curves.items():
        axes.plot([p.false_alarms for p in points], [100 * p.missed for p in points], "o-", label=phrase)
    axes.axvline(0.5, color="grey", linestyle=":")
    axes.set(xlabel="false alarms per hour", ylabel="missed, %", xscale="symlog", ylim=(0, None), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write the curve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wakeword", description="Measure wake words.")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--wake", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--speech", nargs="+", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--noise", nargs="+", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/wakeword.png"), metavar="PNG")
    args = parser.parse_args(arguments)
    model = Model.load(args.model, "cpu")
    wake, speech, noise = rows_of("dev", [args.wake]), rows_of("dev", args.speech), rows_of("dev", args.noise)
    others = OtherSpeech.heard(model, negative_clips(speech, noise))
    curves = {}
    print(f"{others.hours:.2f} hours of negatives\n")
    print("| wake word | threshold | false alarms/h | missed |\n|---|---:|---:|---:|")
    for phrase in sorted({row.text for row in wake}):
        rows = [row for row in wake if row.text == phrase]
        trials = Trials(list(as_one_stream(model, wake_clips(rows, speech, noise))), others)
        curves[phrase] = trials.curve(phrase)
        for point in curves[phrase]:
            print(point.row(f"{phrase}, {len(rows)} clips"))
        print(at(curves[phrase], 0.5).row(f"**{phrase}, at most 0.5/h**"))
        for sensitivity in (0.0, 0.25, 0.5, 0.75, 1.0):
            threshold = WakeWordDetector([phrase], LEXICON, TOKENS, sensitivity).thresholds[phrase]
            wanted = WakeWordOptions().wanted(sensitivity)
            print(trials.point(phrase, threshold).row(f"{phrase}, sensitivity {sensitivity}, {wanted:.2f}/h wanted"))
    plot(curves, args.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
