"""Audio seconds per CPU second of batch transcription beside streaming and other recognisers; memory over many files.

    python -m benchmarks.batch MANIFEST... [--clips 300] [--files 10000] [--model FILE] [--whisper FOLDER]

Dev clips of the manifests are written as FLAC into a temporary folder. A hundred of the sentences said in them are
listened for; clips that say anything else should be rejected. CPU is `time.process_time` of one process with one
thread, with the reading of the files and without the start, the least of several repeats. PocketSphinx hears the same
files with the same phrases as a JSGF grammar, if it is installed ([train] extra). Whisper writes down whatever is said,
it has no list to choose from; it needs `pip install faster-whisper` and a folder with a model in CTranslate2's format,
and hears the first clips only. `--files`: the command over so many files with a worker a core, and one process alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.soak import resident_megabytes
from speech_lstm.batch import ListenerOptions
from speech_lstm.batch.transcriber import Transcriber
from speech_lstm.batch.workers import available_cores
from speech_lstm.data.corpus import Utterance, read_manifest
from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.results import Command

PHRASES = 100
STREAM_BLOCK = 1280  # samples, 80 ms
WHISPER_CLIPS = 30


@dataclass(frozen=True)
class Clip:
    """A FLAC file, what is said in it, and how long it is."""

    path: Path
    text: str
    seconds: float


Heard = Iterator[str | None]
"""For each clip the sentence that was found in it, None for none."""


def choose(rows: Sequence[Utterance], count: int) -> tuple[list[Utterance], tuple[str, ...]]:
    """Clips spread over the manifests, and sentences of two to ten words said in them."""
    rows = rows[:: max(1, len(rows) // count)][:count]
    texts = list(dict.fromkeys(row.text for row in rows if 2 <= len(row.text.split()) <= 10))
    if len(texts) < PHRASES:
        raise SystemExit(f"{len(texts)} different sentences in {len(rows)} clips; {PHRASES} are needed")
    return list(rows), tuple(texts[:: len(texts) // PHRASES][:PHRASES])


def write_flac(rows: Sequence[Utterance], folder: Path) -> list[Clip]:
    """Clips as FLAC files."""
    clips = []
    for number, row in enumerate(rows):
        audio = read_audio(row.path)
        clips.append(Clip(folder / f"{number:05}.flac", row.text, len(audio) / SAMPLE_RATE))
        soundfile.write(clips[-1].path, audio, SAMPLE_RATE)
    return clips


def in_batches(transcriber: Transcriber, clips: Sequence[Clip]) -> Heard:
    """As `speech-lstm transcribe` does it."""
    for transcript in transcriber.transcribe(clip.path for clip in clips):
        yield next((result.text for result in transcript.accepted), None)


def one_by_one(recognizer: Recognizer, clips: Sequence[Clip]) -> Heard:
    """Whole files."""
    for clip in clips:
        result = recognizer.recognize(read_audio(clip.path), SAMPLE_RATE)
        yield result.text if result.accepted else None


def streamed(recognizer: Recognizer, clips: Sequence[Clip]) -> Heard:
    """As from a microphone."""
    for clip in clips:
        stream, audio = recognizer.stream(), read_audio(clip.path)
        events = [e for at in range(0, len(audio), STREAM_BLOCK) for e in stream.accept(audio[at : at + STREAM_BLOCK])]
        events += stream.finish()
        yield next((event.result.text for event in events if isinstance(event, Command)), None)


def read_only(clips: Sequence[Clip]) -> Heard:
    """No recognition."""
    for clip in clips:
        read_audio(clip.path)
        yield None


def pocketsphinx(decoder: Any, clips: Sequence[Clip]) -> Heard:
    """One file after the other."""
    for clip in clips:
        pcm = (np.clip(read_audio(clip.path), -1, 1) * 32767).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        yield hypothesis.hypstr if hypothesis else None


def pocketsphinx_decoder(phrases: Sequence[str]) -> Any:
    """With its own American English model and the phrases; words that it does not know get our pronunciations."""
    from pocketsphinx import Decoder

    from speech_lstm.runtime.lexicon.lexicon import Lexicon

    decoder, lexicon = Decoder(lm=None, loglevel="FATAL"), Lexicon()
    for word in {word for phrase in phrases for word in phrase.split()}:
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, " ".join(lexicon.pronunciations(word)[0]), update=True)
    decoder.add_jsgf_string("phrases", f"#JSGF V1.0;\ngrammar g;\npublic <p> = {' | '.join(phrases)};\n")
    decoder.activate_search("phrases")
    return decoder


def whisper(model: Any, clips: Sequence[Clip]) -> Heard:
    """Greedy, in small letters without punctuation."""
    for clip in clips:
        segments, _ = model.transcribe(str(clip.path), language="en", beam_size=1, without_timestamps=True)
        yield " ".join(re.findall(r"[a-z']+", "".join(segment.text for segment in segments).lower()))


def measure(hear: Callable[[Sequence[Clip]], Heard], clips: Sequence[Clip], phrases: set[str], repeats: int) -> str:
    """Columns of the table."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        heard = list(hear(clips))
        times.append(time.process_time() - begin)
    seconds, spent = sum(clip.seconds for clip in clips), min(times)
    columns = [f"{seconds / spent:.0f}", f"{1000 * spent / seconds:.2f}"]
    if any(heard):
        listed = [text == clip.text for clip, text in zip(clips, heard, strict=True) if clip.text in phrases]
        others = [text in phrases for clip, text in zip(clips, heard, strict=True) if clip.text not in phrases]
        columns += [f"{sum(listed)} of {len(listed)}", f"{sum(others)} of {len(others)}"]
    else:
        columns += ["", ""]
    return " | ".join(columns)


def many_files(clips: Sequence[Clip], count: int, grammar: Path, model: str, transcriber: Transcriber) -> Iterator[str]:
    """Speed of the command and memory of one process."""
    folder = grammar.parent / "many"
    folder.mkdir()
    files = [folder / f"{number:06}.flac" for number in range(count)]
    for file, clip in zip(files, itertools.cycle(clips)):
        file.hardlink_to(clip.path)
    seconds = sum(clip.seconds for _, clip in zip(files, itertools.cycle(clips)))
    command = [sys.executable, "-m", "speech_lstm.cli", "transcribe", str(folder), "--format", "jsonl"]
    command += ["--grammar", str(grammar), "--model", model]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begin
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    yield (
        f"The command, {count} files, {seconds / 3600:.2f} h, {available_cores()} workers: {spent:.0f} s of CPU with "
        f"the start, {seconds / spent:.0f} audio seconds per CPU second; {wall:.0f} s on the clock, "
        f"{seconds / wall:.0f} times real time; largest process {after.ru_maxrss / 1000:.0f} MB"
    )
    early = 0.0
    for number, _ in enumerate(transcriber.transcribe(files), 1):
        if number == count // 10:
            early = resident_megabytes()
    yield f"One process, {count} files: {early:.1f} MB after a tenth, {resident_megabytes():.1f} MB at the end"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description="Measure batch transcription.")
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--clips", type=int, default=300, help="at most (default: %(default)s)")
    parser.add_argument("--files", type=int, default=0, help="also hear so many files in one run, for memory")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--whisper", metavar="FOLDER", help="a model for faster-whisper")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(arguments)
    rows, phrases = choose([row for path in args.manifests for row in read_manifest(path, "dev")], args.clips)
    transcriber = Transcriber(ListenerOptions(phrases, args.model, "cpu").load())
    model = Path(args.model) if args.model.endswith(".onnx") else args.model
    recognizer = Recognizer(grammar=phrases, model=model, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        clips = write_flac(rows, Path(folder))
        print(f"{len(clips)} FLAC files, {sum(clip.seconds for clip in clips):.0f} s; {PHRASES} phrases\n")
        print("| what | audio seconds per CPU second | CPU ms per audio second | right | of other sentences accepted |")
        print("|---|---:|---:|---:|---:|", flush=True)
        ours: dict[str, Callable[[Sequence[Clip]], Heard]] = {
            "batches": lambda clips: in_batches(transcriber, clips),
            "one by one, whole files": lambda clips: one_by_one(recognizer, clips),
            "one by one, streamed in 80 ms": lambda clips: streamed(recognizer, clips),
            "reading the files alone": read_only,
        }
        for name, hear in ours.items():
            print(f"| {name} | {measure(hear, clips, set(phrases), args.repeats)} |", flush=True)
        if importlib.util.find_spec("pocketsphinx"):
            decoder = pocketsphinx_decoder(phrases)
            columns = measure(lambda clips: pocketsphinx(decoder, clips), clips, set(phrases), 1)
            print(f"| PocketSphinx | {columns} |", flush=True)
        else:
            print("PocketSphinx is left out: pip install pocketsphinx", file=sys.stderr)
        if args.whisper:
            from faster_whisper import WhisperModel

            other = WhisperModel(args.whisper, device="cpu", compute_type="int8", cpu_threads=1)
            columns = measure(lambda clips: whisper(other, clips), clips[:WHISPER_CLIPS], set(phrases), 1)
            print(f"| Whisper | {columns} |", flush=True)
        if args.files:
            grammar = Path(folder, "phrases.txt")
            grammar.write_text("\n".join(phrases), encoding="utf-8")
            for line in many_files(clips, args.files, grammar, args.model, transcriber):
                print(f"\n{line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
