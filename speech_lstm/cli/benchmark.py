"""`speech-lstm benchmark`: CPU per second of audio and stage, streaming and whole-file, on your own recordings.

CPU is `time.process_time` (all threads of the process), the least of several repeats: waiting does not count, so other
work on the machine disturbs it little.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.environment import interpreter
from speech_lstm.cli.options import add_grammar_options, add_model_options, add_pronunciations_option, path, positive
from speech_lstm.runtime.errors import SpeechLstmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from speech_lstm.runtime.live.recognizer import Recognizer

EXAMPLE = """example:
  speech-lstm benchmark tests/data/words/*.opus --grammar tests/data/words.txt
  speech-lstm benchmark clip.wav --phrases "turn on the light" --chunk-ms 40 --json
  speech-lstm benchmark commands/*.wav --grammar home.yaml --latency"""


@dataclass(frozen=True)
class Stages:
    """Milliseconds of CPU per second of audio: features and network, search, and the whole public call."""

    model: float
    decoding: float
    total: float


@dataclass(frozen=True)
class Report:
    """Everything measured, with what it was measured on."""

    model: str
    model_megabytes: float
    device: str
    audio_seconds: float
    chunk_ms: int
    import_and_load_seconds: float
    streaming: Stages
    whole_file: Stages


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "benchmark",
        help="measure CPU per second of audio",
        description="Measure what recognition costs: CPU time per second of audio, start-up time, model size.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=path, metavar="FILE", help="recordings to measure on")
    add_grammar_options(parser)
    add_model_options(parser)
    add_pronunciations_option(parser)
    parser.add_argument(
        "--chunk-ms", type=positive, default=80, metavar="MS", help="audio fed at a time (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=positive, default=5, metavar="N", help="least of N (default: %(default)s)")
    parser.add_argument(
        "--latency", action="store_true", help="measure delays, CPU in silence and memory instead, as in live use"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    interpreter()  # for its error, before minutes of measuring
    if args.grammar and args.grammar.is_fifo():  # which is read several times
        from speech_lstm.runtime.grammar.phrase_reader import phrases_in

        args.phrases = phrases_in(args.grammar)
    if args.latency:
        return run_latency(args)
    report = measure(args)
    if args.json:
        print(json.dumps(asdict(report)))
    else:
        print_report(report)
    return 0


def run_latency(args: argparse.Namespace) -> int:
    """Measure and print what live use costs."""
    from speech_lstm.cli.live_cost import measure_live, print_live
    from speech_lstm.runtime.audio import read_audio
    from speech_lstm.runtime.live.recognizer import Recognizer

    grammar = args.phrases or str(args.grammar)
    options = {"grammar": grammar, "model": args.model, "device": args.device}
    if args.pronunciations:
        options["pronunciations"] = str(args.pronunciations)
    recognizer = Recognizer(**options)
    report = measure_live(recognizer, [read_audio(path) for path in args.files], options)
    if args.json:
        print(json.dumps(asdict(report)))
    else:
        print_live(report)
    return 0


def measure(args: argparse.Namespace) -> Report:
    """Run every measurement on the recordings that the arguments name."""
    from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
    from speech_lstm.runtime.live.recognizer import Recognizer

    recognizer = Recognizer(
        grammar=args.phrases or args.grammar,
        model=args.model,
        device=args.device,
        pronunciations=args.pronunciations,
    )
    clips = [read_audio(path) for path in args.files]
    seconds = sum(map(len, clips)) / SAMPLE_RATE
    chunk = args.chunk_ms * SAMPLE_RATE // 1000
    unit = recognizer.model.metadata.chunk_samples
    if chunk % unit:
        step = unit * 1000 // SAMPLE_RATE
        raise SpeechLstmError(f"--chunk-ms is {args.chunk_ms}; this model takes multiples of {step}")
    milliseconds = 1000 / seconds
    return Report(
        model=recognizer.model.path.stem,
        model_megabytes=recognizer.model.path.stat().st_size / 1e6,
        device=recognizer.model.device,
        audio_seconds=seconds,
        chunk_ms=args.chunk_ms,
        import_and_load_seconds=start_up_seconds(args),
        streaming=stages(recognizer, clips, chunk, args.repeats, milliseconds),
        whole_file=stages(recognizer, clips, None, args.repeats, milliseconds),
    )


def stages(
    recognizer: Recognizer, clips: Sequence[NDArray[np.float32]], chunk: int | None, repeats: int, scale: float
) -> Stages:
    """The stages on clips of float32 [samples], in chunks of that many samples or whole; seconds of CPU times scale."""
    cut = [cut_up(clip, recognizer.model.metadata.chunk_samples, chunk) for clip in clips]
    posteriors: list[list[NDArray[np.float32]]] = []

    def network() -> None:
        posteriors.clear()
        for chunks in cut:
            state = recognizer.model.initial_state()
            outputs = []
            for piece in chunks:
                log_probs, state = recognizer.model.run(piece[None], state)
                outputs.append(log_probs[0])
            posteriors.append(outputs)

    def search() -> None:
        for outputs in posteriors:
            state = recognizer.decoder.start()
            for log_probs in outputs:
                recognizer.decoder.advance(state, log_probs)
            recognizer.decoder.hypotheses(state)

    def everything() -> None:
        for clip, chunks in zip(clips, cut, strict=True):
            if chunk is None:
                recognizer.recognize(clip, sample_rate=16000)
            else:
                stream = recognizer.stream()
                for piece in chunks:
                    stream.accept(piece)
                stream.finish()

    return Stages(*(scale * least_cpu(stage, repeats) for stage in (network, search, everything)))


def cut_up(clip: NDArray[np.float32], unit: int, chunk: int | None) -> list[NDArray[np.float32]]:
    """float32 [samples] -> pieces of `chunk` samples (None: one piece), padded with silence to whole units."""
    import numpy as np

    padded = np.pad(clip, (0, -len(clip) % unit))
    return np.split(padded, range(chunk, len(padded), chunk)) if chunk else [padded]


def least_cpu(function: Callable[[], None], repeats: int) -> float:
    """Least seconds of CPU of several runs, after one that warms up."""
    function()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)


def start_up_seconds(args: argparse.Namespace) -> float:
    """Wall seconds from a fresh interpreter's first import to a recognizer that is ready; least of three."""
    code = (
        "import json, sys, time; started = time.perf_counter(); import speech_lstm; "
        "speech_lstm.Recognizer(**json.loads(sys.argv[1])); print(time.perf_counter() - started)"
    )
    grammar = args.phrases or str(args.grammar)
    options = json.dumps({"grammar": grammar, "model": args.model, "device": args.device})
    command = [interpreter(), "-c", code, options]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(3))


def print_report(report: Report) -> None:
    """The report for people."""
    print(f"model {report.model}, {report.model_megabytes:.2f} MB, on {report.device}")
    print(f"import and load: {report.import_and_load_seconds:.2f} s")
    print(f"milliseconds of CPU per second of audio, over {report.audio_seconds:.1f} s of audio:\n")
    print(f"{'':24}{'model':>8}{'decoding':>10}{'total':>8}   times real time")
    for name, row in (
        (f"streaming, {report.chunk_ms} ms chunks", report.streaming),
        ("whole files", report.whole_file),
    ):
        print(f"{name:24}{row.model:8.2f}{row.decoding:10.2f}{row.total:8.2f}{1000 / row.total:10.0f}")
