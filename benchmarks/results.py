"""What is heard in recordings, as JSON, and how two such files differ: results must not change when code gets faster.

    python -m benchmarks.results before.json --hear examples/home.yaml MANIFEST --hear tests/data/words.txt MANIFEST
    python -m benchmarks.results after.json --hear ... --before before.json

Each recording is heard as a whole clip and, with a second of silence after it, by a stream that goes on from recording
to recording. Exit code 1 if anything but the last digits differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
from speech_lstm.runtime.live.recognizer import Recognizer

PIECE = 320
"""Samples that the stream gets at a time."""

TOLERANCE = 1e-4
"""Largest difference of two numbers that count as the same."""


def hear(grammar: str, manifest: Path, model: str, limit: int, wake_word: str | None) -> dict[str, Any]:
    """Results of clips and events of the stream, by recording. Evenly spaced recordings if there are over `limit`."""
    recognizer = Recognizer(grammar=grammar, model=model, device="cpu", wake_word=wake_word)
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    dev = [row for row in rows if row.get("split") == "dev"] or rows
    stream = recognizer.stream()
    heard = {}
    for row in dev[:: max(1, len(dev) // limit)][:limit]:
        audio = read_audio(manifest.parent / row["audio_filepath"])
        padded = np.pad(audio, (0, SAMPLE_RATE))
        events = [e for at in range(0, len(padded), PIECE) for e in stream.accept(padded[at : at + PIECE])]
        clip = None if wake_word else recognizer.recognize(audio).to_dict()
        heard[row["audio_filepath"]] = {"clip": clip, "events": [event.to_dict() for event in events]}
    heard["end"] = {"clip": None, "events": [event.to_dict() for event in stream.finish()]}
    return heard


def differences(before: Any, after: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Place, value before and value after of all that differs by more than `TOLERANCE`."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in before.items():
            yield from differences(value, after[key], f"{where}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{where}/{number}")
    elif isinstance(before, float) and isinstance(after, float):
        if not abs(before - after) <= TOLERANCE:
            yield where, before, after
    elif before != after:
        yield where, before, after


def main(arguments: Sequence[str] | None = None) -> int:
    """Hear, write and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="JSON file to write")
    parser.add_argument("--hear", nargs=2, action="append", required=True, metavar=("GRAMMAR", "MANIFEST"))
    parser.add_argument("--wake", nargs=2, action="append", default=[], metavar=("WORD", "MANIFEST"))
    parser.add_argument("--model", default="default")
    parser.add_argument("--limit", type=int, default=200, help="recordings of each manifest, at most")
    parser.add_argument("--before", type=Path, help="JSON file to compare with")
    args = parser.parse_args(arguments)
    found = {}
    for grammar, manifest in args.hear:
        found[f"{grammar} {manifest}"] = hear(grammar, Path(manifest), args.model, args.limit, None)
    for word, manifest in args.wake:
        found[f"{word} {manifest}"] = hear("tests/data/words.txt", Path(manifest), args.model, args.limit, word)
    args.output.write_text(json.dumps(found, indent=1), encoding="utf-8")
    events = [event for heard in found.values() for recording in heard.values() for event in recording["events"]]
    commands = sum(event["event"] == "Command" for event in events)
    print(f"{sum(map(len, found.values()))} recordings, {commands} commands in the streams")
    if not args.before:
        return 0
    different = list(differences(json.loads(args.before.read_text(encoding="utf-8")), json.loads(json.dumps(found))))
    for where, before, after in different[:20]:
        print(f"{where}: {str(before)[:300]} -> {str(after)[:300]}", file=sys.stderr)
    print(f"{len(different)} differences")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
