"""What it costs to embed the recogniser: CPU, memory and the time to start of Python and of the C program.

    python -m benchmarks.embedding --speech-commands build/speech-commands [--grammar FILE] tests/data/words/*.opus

Each hears the recordings one after the other as a live stream with a compiled grammar, once and several times over, in
a process of its own with one thread; the difference is what a second of audio costs. Memory is the most resident.
The browser's costs are printed by `pytest -s tests/test_browser_page.py`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import speech_lstm as sl
from speech_lstm import models

RATE = 16000
TIMES = 6
ROOT = Path(__file__).parents[1]

PYTHON = """
import sys
import speech_lstm as sl
options = sl.RecognizerOptions(block_seconds=float(sys.argv[3]))
recognizer = sl.Recognizer(sys.argv[2], model=sys.argv[1], device="cpu", options=options)
stream = recognizer.stream()
while data := sys.stdin.buffer.read(2560):
    for event in stream.accept(data):
        if isinstance(event, sl.Command):
            print(event.result.text)
"""


@dataclass(frozen=True)
class Cost:
    """Of a process: CPU seconds, bytes resident at most, lines printed."""

    seconds: float
    memory: int
    lines: int


def peak_memory(pid: int) -> int:
    """Bytes resident at most so far; 0 for a process that has ended."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return 1024 * int(found[1]) if found else 0


def measured(command: Sequence[str], audio: bytes) -> Cost:
    """Run a program that reads PCM from standard input."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(audio)
        given.seek(0)
        process = subprocess.Popen(command, stdin=given, stdout=printed, cwd=ROOT)
        memory = 0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:  # its own high-water mark: that of wait4 is ours too
            memory = max(memory, peak_memory(process.pid))
            time.sleep(0.02)
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} failed with exit code {process.returncode}")
        printed.seek(0)
        return Cost(usage.ru_utime + usage.ru_stime, memory, printed.read().count(b"\n"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding", description=__doc__.split("\n")[0])
    parser.add_argument("recordings", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--speech-commands", type=Path, required=True, metavar="PROGRAM", help="built from c/")
    parser.add_argument("--grammar", type=Path, default=ROOT / "tests/data/words.txt", help="default: %(default)s")
    parser.add_argument("--block", type=float, default=0.08, metavar="S", help="default: %(default)s")
    args = parser.parse_args(arguments)
    gap = np.zeros(RATE // 2, dtype=np.float32)
    audio = np.concatenate([part for path in args.recordings for part in (sl.read_audio(path), gap)])
    pcm = (np.round(audio * 32767)).astype("<i2").tobytes()
    model = models.find("default", "cpu")
    assert model is not None
    with tempfile.TemporaryDirectory() as folder:
        grammar = Path(folder) / "grammar.json"
        grammar.write_text(sl.Recognizer(args.grammar, device="cpu").compiled_grammar(), encoding="utf-8")
        block = str(args.block)
        programs = {
            "Python": [sys.executable, "-c", PYTHON, str(model), str(grammar), block],
            "C": [str(args.speech_commands.resolve()), str(model), str(grammar), "--stream", "--block", block],
        }
        print(f"{len(pcm) / 2 / RATE:.0f} s of audio, blocks of {1000 * args.block:.0f} ms\n")
        print("| | CPU, ms a second of audio | CPU to start and hear the first, s | memory, MB |\n|---|---:|---:|---:|")
        for name, command in programs.items():
            once, often = measured(command, pcm), measured(command, TIMES * pcm)
            each = (often.seconds - once.seconds) / (TIMES - 1) / (len(pcm) / 2 / RATE)
            start = once.seconds - each * len(pcm) / 2 / RATE
            print(f"| {name} | {1000 * each:.2f} | {start:.2f} | {often.memory / 1e6:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
