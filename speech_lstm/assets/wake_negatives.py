"""Make the negatives for wake words from speech and noise: `python -m speech_lstm.assets.wake_negatives --help`.

They must come from the model that ships: thresholds of wake words follow from what it makes of other speech. There
is much more speech that trained it than other speech, which is left to count with whether the thresholds hold
(`benchmarks.false_alarms`).
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from speech_lstm.data.corpus import Utterance, read_manifest
from speech_lstm.evaluation.conditions import mixed
from speech_lstm.evaluation.wake import as_one_stream
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.wake.false_alarms import BUNDLED, Negatives
from speech_lstm.runtime.wake.options import WakeWordOptions

SNR_DB = (10.0, None, 15.0, None, 5.0, None)
"""Of successive clips of speech; None: as recorded."""

NOISE_SHARE = 0.1
"""Of the time, noise without speech."""


def rows_of(split: str, manifests: Iterable[Path], seed: int = 0) -> list[Utterance]:
    """The rows of a split of all manifests, shuffled. SpeechLstmError where there are none."""
    paths = list(manifests)
    rows = [row for path in paths for row in read_manifest(path, split)]
    if not rows:
        raise SpeechLstmError(f"no rows of the {split} split in {', '.join(map(str, paths))}")
    random.Random(seed).shuffle(rows)
    return rows


def other_speech(speech: Sequence[Utterance], noise: Sequence[Utterance], minutes: float) -> Iterator[Samples]:
    """Clips without and with noise, and noise alone, until they are so long or all speech is used."""
    noises = itertools.cycle(noise)
    ratios = itertools.cycle(SNR_DB)
    seconds = alone = 0.0
    for row in speech:
        if alone < seconds * NOISE_SHARE:
            clip = read_audio(next(noises).path)
            alone += len(clip) / SAMPLE_RATE
        else:
            clip, ratio = read_audio(row.path), next(ratios)
            if ratio is not None:
                clip = mixed(clip, read_audio(next(noises).path), ratio)
        seconds += len(clip) / SAMPLE_RATE
        yield clip
        if seconds > minutes * 60:
            break


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m speech_lstm.assets.wake_negatives", description=__doc__)
    parser.add_argument("model", help="an .onnx file or the name of a shipped model")
    parser.add_argument(
        "speech", nargs="+", type=Path, metavar="MANIFEST", help="speech; its rows for training are used"
    )
    parser.add_argument("--noise", nargs="+", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--minutes", type=float, default=120, help="of audio, at most (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=BUNDLED, metavar="NPZ", help="default: %(default)s")
    args = parser.parse_args(arguments)
    model, options = Model.load(args.model, "cpu"), WakeWordOptions()
    clips = other_speech(rows_of("train", args.speech), rows_of("train", args.noise), args.minutes)
    negatives = Negatives.from_log_probs(
        model.metadata.tokens,
        as_one_stream(model, clips),
        model.metadata.frame_seconds,
        options.fold_threshold,
        options.pause_seconds,
    )
    negatives.save(args.output)
    size = args.output.stat().st_size / 1e6
    print(f"{args.output}: {60 * negatives.hours:.0f} minutes, {len(negatives.codes)} rows, {size:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
