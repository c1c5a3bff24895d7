"""CPU of many streams in one process, batched by `MultiStream` and one by one; real time is below 1000 ms a second.

    python -m benchmarks.multistream --streams 50 tests/data/words/*.opus

Every stream hears the recordings over and over, each from another place on, 100 ms at a time.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.live.multistream import MultiStream
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.results import Command

PIECE = 1600


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--grammar", default="tests/data/words.txt")
    args = parser.parse_args()
    recognizer = Recognizer(grammar=args.grammar, device="cpu")
    audio = np.concatenate([np.pad(read_audio(path), (0, 8000)) for path in args.files])
    length = round(args.seconds * 16000) // PIECE * PIECE
    heard = [np.resize(np.roll(audio, -9973 * number), length) for number in range(args.streams)]

    def one_by_one() -> int:
        streams = [recognizer.stream() for _ in heard]
        commands = 0
        for start in range(0, length, PIECE):
            for stream, samples in zip(streams, heard, strict=True):
                commands += sum(isinstance(e, Command) for e in stream.accept(samples[start : start + PIECE]))
        return commands

    def batched() -> int:
        pool = MultiStream(recognizer)
        streams = [pool.stream() for _ in heard]
        commands = 0
        for start in range(0, length, PIECE):
            pieces = {s: samples[start : start + PIECE] for s, samples in zip(streams, heard, strict=True)}
            commands += sum(isinstance(event, Command) for _, event in pool.accept(pieces))
        return commands

    for name, run in (("one by one", one_by_one), ("MultiStream", batched)):
        cpu, commands = least(run)
        milliseconds = 1000 * cpu / args.seconds
        print(f"{name:12} {args.streams} streams: {milliseconds:6.0f} ms of CPU a second, {commands} commands")


def least(run: Callable[[], int], repeats: int = 3) -> tuple[float, int]:
    """Least CPU seconds, and what it returned."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        result = run()
        times.append(time.process_time() - started)
    return min(times), result


if __name__ == "__main__":
    main()
