"""The twelve labels of Speech Commands: ten commands, any other word, and silence (Warden 2018, section 6).

    python -m benchmarks.test12 commands-35 data/speech_commands_v2_test12/manifest.jsonl
    python -m benchmarks.test12 models/default-int8.onnx data/speech_commands/manifest.jsonl --split dev

A clip is recognised in a grammar of the 35 words of Speech Commands. An accepted command is its label, any other
accepted word "unknown"; where nothing is accepted it is "unknown" if the model hears any speech, else "silence".
Accuracy is that over all clips; nothing is tuned here. A manifest row without a `label` gets that of its text.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.lexicon.closed import hears_words
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE = "_unknown_", "_silence_"
WORDS = Path(__file__).parents[1] / "configs" / "speech_commands_35.txt"
SPEECH_FRAMES = 4
"""With a phone, that are speech; chosen on dev, where 91 % of the seconds of noise have fewer. A word has one."""


def label_of(row: dict[str, Any]) -> str:
    """Of a manifest row."""
    if "label" in row:
        return str(row["label"])
    text = row["text"]
    return (text if text in COMMANDS else UNKNOWN) if text else SILENCE


def heard_as(recognizer: Recognizer, audio: Samples) -> str:
    """The label of a clip, float32 [samples], 16 kHz."""
    log_probs = recognizer.model.log_probs(audio)
    result = recognizer.decode(log_probs, len(audio) / SAMPLE_RATE)
    if result.accepted:
        return result.text if result.text in COMMANDS else UNKNOWN
    frames = 1 if hears_words(recognizer.model.metadata.tokens) else SPEECH_FRAMES
    return UNKNOWN if sum(recognizer.decoder.phones(log_probs)) >= frames else SILENCE


@dataclass
class Confusions:
    """How often each label was heard as which. `cpu`: seconds; `seconds`: of audio."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    cpu: float = 0.0
    seconds: float = 0.0

    def share(self, label: str | None = None) -> float:
        """Of the clips of a label, or of all, that are heard as what they are."""
        rows = {pair: count for pair, count in self.counts.items() if label in (None, pair[0])}
        return sum(count for (said, heard), count in rows.items() if said == heard) / max(1, sum(rows.values()))

    def table(self) -> str:
        """A line a label: how many clips, how many right, and what the others are taken for most."""
        lines = ["| label | clips | right | taken for |", "|---|---:|---:|---|"]
        for label in (*COMMANDS, UNKNOWN, SILENCE):
            of = Counter({heard: count for (said, heard), count in self.counts.items() if said == label})
            others = [f"{heard} {count}" for heard, count in of.most_common(5) if heard != label]
            if of:
                lines.append(f"| {label} | {of.total()} | {self.share(label):.1%} | {', '.join(others[:4])} |")
        lines.append(f"| all | {self.counts.total()} | {self.share():.2%} | |")
        return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hear all clips and print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.test12", description=__doc__.split("\n")[0])
    parser.add_argument("model", help="an .onnx file or the name of a shipped model")
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--split", default="test", help="of the manifests (default: %(default)s)")
    args = parser.parse_args(arguments)
    recognizer = Recognizer(WORDS, model=Model.load(args.model, "cpu"))
    found = Confusions()
    for manifest in args.manifests:
        for row in map(json.loads, manifest.read_text(encoding="utf-8").splitlines()):
            if row.get("split", args.split) == args.split:
                audio = read_audio(manifest.parent / row["audio_filepath"])
                began = time.process_time()
                found.counts[label_of(row), heard_as(recognizer, audio)] += 1
                found.cpu += time.process_time() - began
                found.seconds += len(audio) / SAMPLE_RATE
    print(found.table())
    print(f"\n{1000 * found.cpu / max(1e-9, found.seconds):.2f} ms of CPU per second of audio, the search included")
    return 0


if __name__ == "__main__":
    sys.exit(main())
