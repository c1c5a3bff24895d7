"""Share of spoken commands whose intent and slots are all right, clean and in noise, and what the decoder costs.

    python -m benchmarks.commands --grammar examples/pizza.yaml MANIFEST [--noise NOISE_MANIFEST --snr 15 6]

The reference is the meaning of a row's text in the grammar. Each clip is heard by a stream, so that the end of the
command is found as in live use, and once more by a decoder alone, whose CPU time counts. Noise is the sum of one clip
of each folder named with `--mix`, equally loud; without it one clip of any.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speech_lstm.data.corpus import Utterance, read_manifest
from speech_lstm.evaluation.commands import Meaning, meaning, of_result
from speech_lstm.evaluation.conditions import in_noise, summed
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.results import Command, Result

SILENCE_SECONDS = 1.0
"""Around each clip, so that noise is heard before and after the command too."""


@dataclass
class Counts:
    """Of one signal-to-noise ratio."""

    clips: int = 0
    seconds: float = 0.0
    right: int = 0
    """Best hypothesis of the whole clip means what was said."""
    accepted_right: int = 0
    """And is accepted."""
    accepted: int = 0
    """Accepted, whatever it means."""
    streamed_right: int = 0
    """The stream's first command means what was said, and no other command follows."""
    slots: int = 0
    slots_right: int = 0
    decoder_cpu: float = 0.0
    model_cpu: float = 0.0

    def row(self, name: str) -> str:
        """Of the table."""
        shares = (self.right, self.accepted_right, self.accepted - self.accepted_right, self.streamed_right)
        cells = [f"{share / self.clips:.1%}" for share in shares]
        cells.insert(1, f"{self.slots_right / max(1, self.slots):.1%}")
        costs = [f"{1000 * cpu / self.seconds:.1f}" for cpu in (self.decoder_cpu, self.model_cpu)]
        return f"| {name} | {self.clips} | {' | '.join(cells + costs)} |"


def noise_clips(rows: Sequence[Utterance], mix: Sequence[str]) -> Iterator[Samples]:
    """Without end: one clip of each folder in `mix`, equally loud, summed; any clip where `mix` is empty."""
    folders = [[row for row in rows if row.path.parent.name == name] for name in mix] or [list(rows)]
    for chosen in zip(*(itertools.cycle(folder) for folder in folders), strict=True):
        yield summed([read_audio(row.path) for row in chosen])


def surrounded(clip: Samples, noise: Samples | None, snr_db: float) -> Samples:
    """A clip with silence around it and noise in all of it; the ratio is that within the clip."""
    if noise is None:
        return np.pad(clip, round(SILENCE_SECONDS * SAMPLE_RATE))
    return in_noise(clip, noise, snr_db, SILENCE_SECONDS)


def measure(counts: Counts, recognizer: Recognizer, audio: Samples, said: Meaning) -> Result:
    """Hear one clip, count, and return the result of the whole of it."""
    stream, search = recognizer.stream(), recognizer.decoder.start()
    events = []
    stream.put(audio)
    while (block := stream.next_block()) is not None:
        begin = time.process_time()
        log_probs, state = recognizer.model.run(block[None], stream.model_state[None])
        heard = time.process_time()
        recognizer.decoder.advance(search, log_probs[0])
        counts.decoder_cpu += time.process_time() - heard
        counts.model_cpu += heard - begin
        events += stream.advance(log_probs[0], state[0])
    events += stream.finish()
    begin = time.process_time()
    result = recognizer.interpreter.decide(recognizer.decoder.sentences(search), search.now.num_frames).result
    counts.decoder_cpu += time.process_time() - begin
    commands = [event for event in events if isinstance(event, Command)]
    heard_slots = of_result(result)[1]
    counts.clips += 1
    counts.seconds += len(audio) / SAMPLE_RATE
    right = of_result(result) == said
    counts.right += right
    counts.accepted += result.accepted
    counts.accepted_right += right and result.accepted
    counts.streamed_right += len(commands) == 1 and of_result(commands[0].result) == said
    counts.slots += len(said[1])
    counts.slots_right += len(said[1] & heard_slots)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands", description="Measure spoken commands.")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--grammar", type=Path, required=True)
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--noise", type=Path, metavar="MANIFEST")
    parser.add_argument("--mix", nargs="+", default=(), metavar="FOLDER", help="sum a clip of each of these folders")
    parser.add_argument("--snr", nargs="+", type=float, default=(15.0, 6.0), help="decibels (default: 15 6)")
    parser.add_argument("--chunk-ms", type=int, default=80, help="of audio at a time (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="so many clips at most")
    parser.add_argument("--wrong", action="store_true", help="list what was misunderstood on stderr")
    args = parser.parse_args(arguments)
    options = RecognizerOptions(block_seconds=args.chunk_ms / 1000)
    recognizer = Recognizer(grammar=args.grammar, model=args.model, device="cpu", options=options)
    rows = read_manifest(args.manifest)[: args.limit]
    ratios: list[float | None] = [None]
    if args.noise:
        ratios += args.snr
        noises = noise_clips(read_manifest(args.noise, "dev") or read_manifest(args.noise), args.mix)
    graph = recognizer.decoder.graph
    print(f"{args.grammar.name}: {len(recognizer.grammar.words)} words, {graph.num_arcs} phone arcs\n")
    print(
        "| noise | clips | intent and all slots right | slots right | right and accepted | wrong and accepted "
        "| right in a stream | decoder, ms/s | network, ms/s |\n|---" + "|---:" * 8 + "|"
    )
    outside = 0
    for ratio in ratios:
        counts = Counts()
        for row in rows:
            try:
                said = meaning(recognizer.grammar, spoken_words(row.text))
            except GrammarError:
                outside += 1
                continue
            audio = surrounded(read_audio(row.path), None if ratio is None else next(noises), ratio or 0.0)
            result = measure(counts, recognizer, audio, said)
            if args.wrong and of_result(result) != said:
                print(f"{ratio}: {row.text} -> {result.text} ({result.confidence:.2f})", file=sys.stderr)
        if counts.clips:
            print(counts.row("none" if ratio is None else f"{ratio:g} dB"), flush=True)
    if outside:
        print(f"\n{outside} clips left out: the grammar does not have their text", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
