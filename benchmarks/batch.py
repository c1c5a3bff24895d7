"""Audio seconds per CPU second of batch transcription, beside streaming and PocketSphinx, and memory over many files.

    python -m benchmarks.batch MANIFEST... [--clips 300] [--files 10000] [--model FILE]

Dev clips of the manifests are written as FLAC into a temporary folder and heard in one process; a hundred phrases are
listened for. CPU is `time.process_time`, with the reading of the files and without the start, the least of several
repeats. PocketSphinx hears the same files with the same phrases as a JSGF grammar, if it is installed ([train] extra).
`--files`: this many files in one run, memory told after a tenth and at the end.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.soak import resident_megabytes
from speech_lstm.batch import ListenerOptions
from speech_lstm.batch.transcriber import Transcriber
from speech_lstm.corpus import read_manifest
from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
from speech_lstm.runtime.recognizer import Recognizer

ACTIONS = ("turn on", "turn off", "open", "close", "start", "stop", "lower", "raise", "check", "find")
THINGS = ("light", "heater", "door", "window", "radio", "fan", "oven", "alarm", "garage", "music")
PHRASES = tuple(f"{action} the {thing}" for action, thing in itertools.product(ACTIONS, THINGS))

STREAM_BLOCK = 1280  # samples, 80 ms


def write_flac(manifests: Sequence[Path], count: int, folder: Path) -> tuple[list[Path], float]:
    """Dev clips as FLAC files, `count` at most, and their seconds."""
    rows = [row for manifest in manifests for row in read_manifest(manifest, "dev")]
    chosen = rows[:: max(1, len(rows) // count)][:count]
    files, samples = [], 0
    for number, row in enumerate(chosen):
        audio = read_audio(row.path)
        files.append(folder / f"{number:05}.flac")
        soundfile.write(files[-1], audio, SAMPLE_RATE)
        samples += len(audio)
    return files, samples / SAMPLE_RATE


def stream_all(recognizer: Recognizer, files: Sequence[Path]) -> None:
    """One file after the other, as from a microphone."""
    for path in files:
        stream, audio = recognizer.stream(), read_audio(path)
        for start in range(0, len(audio), STREAM_BLOCK):
            stream.accept(audio[start : start + STREAM_BLOCK])
        stream.finish()


def pocketsphinx_all(decoder: object, files: Sequence[Path]) -> None:
    """One file after the other."""
    for path in files:
        pcm = (np.clip(read_audio(path), -1, 1) * 32767).astype(np.int16)
        decoder.start_utt()  # type: ignore[attr-defined]
        decoder.process_raw(pcm.tobytes(), full_utt=True)  # type: ignore[attr-defined]
        decoder.end_utt()  # type: ignore[attr-defined]


def pocketsphinx_decoder() -> object:
    """With its own American English model and the phrases."""
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, loglevel="FATAL")
    decoder.add_jsgf_string("phrases", f"#JSGF V1.0;\ngrammar g;\npublic <p> = {' | '.join(PHRASES)};\n")
    decoder.activate_search("phrases")
    return decoder


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Least of several repeats."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description="Measure batch transcription.")
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--clips", type=int, default=300, help="at most (default: %(default)s)")
    parser.add_argument("--files", type=int, default=0, help="also hear so many files in one run, for memory")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(arguments)
    listener = ListenerOptions(PHRASES, args.model, "cpu").load()
    transcriber = Transcriber(listener)
    model = Path(args.model) if args.model.endswith(".onnx") else args.model
    recognizer = Recognizer(grammar=PHRASES, model=model, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        files, seconds = write_flac(args.manifests, args.clips, Path(folder))
        print(f"{len(files)} FLAC files, {seconds:.0f} s; {len(PHRASES)} phrases; one core\n")
        works: dict[str, Callable[[], object]] = {
            "batches": lambda: list(transcriber.transcribe(files)),
            "one by one, whole files": lambda: [recognizer.recognize(read_audio(p), SAMPLE_RATE) for p in files],
            "one by one, streamed in 80 ms": lambda: stream_all(recognizer, files),
            "reading the files alone": lambda: [read_audio(path) for path in files],
        }
        if importlib.util.find_spec("pocketsphinx"):
            decoder = pocketsphinx_decoder()
            works["PocketSphinx"] = lambda: pocketsphinx_all(decoder, files)
        else:
            print("PocketSphinx is left out: pip install pocketsphinx", file=sys.stderr)
        print("| what | audio seconds per CPU second | CPU ms per audio second |\n|---|---:|---:|")
        for name, work in works.items():
            spent = cpu_seconds(work, 1 if name == "PocketSphinx" else args.repeats)
            print(f"| {name} | {seconds / spent:.0f} | {1000 * spent / seconds:.2f} |", flush=True)
        if args.files:
            heard = transcriber.transcribe(itertools.islice(itertools.cycle(files), args.files))
            early = 0.0
            for number, _ in enumerate(heard, 1):
                if number == args.files // 10:
                    early = resident_megabytes()
            print(f"\n{args.files} files: {early:.1f} MB after a tenth, {resident_megabytes():.1f} MB at the end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
