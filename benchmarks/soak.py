"""Memory of streams that hear speech and silence for an hour of audio, as fast as it goes.

    python -m benchmarks.soak MANIFEST... --grammar FILE [--hours 1] [--warm-up 1] [--model FILE]

Dev clips, each followed by a second or more of near silence, go through a stream that waits for a wake word and through
one in command-only mode. Resident memory is told at the start, after the warm-up, in which buffers find their size, and
at the end of the hours after it.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from speech_lstm.data.corpus import read_manifest
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.live.recognizer import Recognizer

CLIPS = 200
BLOCK = 320  # samples, what a microphone gives at a time


def resident_megabytes() -> float:
    """Of this process. Linux only."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def speech_and_silence(clips: Sequence[Samples]) -> Iterator[Samples]:
    """Without end, in blocks."""
    random = np.random.default_rng(0)
    for clip in itertools.cycle(clips):
        pause = random.normal(0, 1e-4, int(random.uniform(1, 4) * SAMPLE_RATE)).astype(np.float32)
        audio = np.concatenate([clip, pause])
        for start in range(0, len(audio), BLOCK):
            yield audio[start : start + BLOCK]


def soak(recognizer: Recognizer, clips: Sequence[Samples], hours: Sequence[float]) -> tuple[list[float], Counter[str]]:
    """Megabytes after each of the rising hours, and how many events of which kind there were."""
    stream, events = recognizer.stream(), Counter[str]()
    memory: list[float] = []
    heard = 0
    for block in speech_and_silence(clips):
        events.update(type(event).__name__ for event in stream.accept(block))
        heard += len(block)
        if heard >= hours[len(memory)] * 3600 * SAMPLE_RATE:
            memory.append(resident_megabytes())
            if len(memory) == len(hours):
                break
    return memory, events


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what both streams need."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Measure memory over time.")
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--grammar", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=1.0, help="of audio (default: %(default)s)")
    parser.add_argument("--warm-up", type=float, default=1.0, help="hours of audio before (default: %(default)s)")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    args = parser.parse_args(arguments)
    rows = [row for manifest in args.manifests for row in read_manifest(manifest, "dev")]
    clips = [read_audio(row.path) for row in rows[:: max(1, len(rows) // CLIPS)]]
    model = Path(args.model) if args.model.endswith(".onnx") else args.model
    for name, wake_word in (("command-only", None), ("wake word", "jarvis")):
        recognizer = Recognizer(grammar=args.grammar, model=model, device="cpu", wake_word=wake_word)
        times = (0.0, args.warm_up, args.warm_up + args.hours)
        (begin, early, late), events = soak(recognizer, clips, times)
        kinds = ", ".join(f"{count} {kind}" for kind, count in events.most_common())
        told = f"{begin:.2f} MB, after {args.warm_up:g} h {early:.2f}, {args.hours:g} h later {late:.2f} MB"
        print(f"{name}: {told}; {kinds}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
