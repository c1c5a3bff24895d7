"""What live use costs: the delay from the end of a command to its event, CPU in silence, start-up and memory."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from speech_lstm.cli.environment import interpreter
from speech_lstm.runtime.errors import SpeechLstmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from speech_lstm.runtime.live.recognizer import Recognizer

    Samples = NDArray[np.float32]

BLOCK = 320  # samples, what a microphone gives at a time
WAKE_WORD = "okay computer"
SPEECH_RANGE = 30.0  # dB below the loudest 10 ms at which speech has ended


@dataclass(frozen=True)
class LiveReport:
    """Delays in milliseconds, over the recordings in which a command was recognised."""

    recordings: int
    commands: int
    audio_delay_median: float
    """Audio between the end of the speech and the event; the end is the last 10 ms within 30 dB of the loudest."""
    audio_delay_p90: float
    word_delay_median: float
    """The same from the end of the last word as the recognizer puts it."""
    compute_median: float
    """Wall time of the `accept` call that gave the event."""
    compute_p90: float
    idle_percent: float
    """Of one core, while a stream hears silence."""
    idle_armed_percent: float
    """The same while it waits for a wake word."""
    import_and_load_seconds: float
    resident_megabytes: float
    """Of a process that has the recognizer and heard ten seconds."""


def measure_live(recognizer: Recognizer, clips: Sequence[Samples], options: dict[str, object]) -> LiveReport:
    """clips: float32 [samples], 16 kHz, one command each. options: of `Recognizer`, for a process of its own."""
    delays = [delay for clip in clips if (delay := command_delay(recognizer, clip)) is not None]
    if len(delays) < 2:
        raise SpeechLstmError(f"{len(delays)} of {len(clips)} recordings gave a command; expected two or more")
    audio, word, compute = ([1000 * value for value in column] for column in zip(*delays, strict=True))
    armed = type(recognizer)(grammar=recognizer.grammar, model=recognizer.model, wake_word=WAKE_WORD)
    seconds, megabytes = fresh_process(options)
    return LiveReport(
        recordings=len(clips),
        commands=len(delays),
        audio_delay_median=median(audio),
        audio_delay_p90=quantiles(audio, n=10)[-1],
        word_delay_median=median(word),
        compute_median=median(compute),
        compute_p90=quantiles(compute, n=10)[-1],
        idle_percent=100 * idle_cpu(recognizer),
        idle_armed_percent=100 * idle_cpu(armed),
        import_and_load_seconds=seconds,
        resident_megabytes=megabytes,
    )


def command_delay(recognizer: Recognizer, clip: Samples) -> tuple[float, float, float] | None:
    """Seconds from the end of speech, and of the last word, to the event, and those of computing; None: no command."""
    import numpy as np

    from speech_lstm.runtime.results import Command

    before = 8000
    stream, padded = recognizer.stream(), np.pad(clip, (before, 32000))
    for start in range(0, len(padded), BLOCK):
        started = time.perf_counter()
        events = stream.accept(padded[start : start + BLOCK])
        computing = time.perf_counter() - started
        for event in events:
            if isinstance(event, Command):
                heard = min(start + BLOCK, len(padded)) / 16000
                return heard - (before / 16000 + speech_end(clip)), heard - event.result.end, computing
    return None


def speech_end(clip: Samples) -> float:
    """Seconds at which the last 10 ms within `SPEECH_RANGE` of the loudest end; clip: float32 [samples], 16 kHz."""
    import numpy as np

    frames = clip[: len(clip) // 160 * 160].reshape(-1, 160)
    power = np.square(frames).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-SPEECH_RANGE / 10))
    return float(loud[-1] + 1) / 100


def idle_cpu(recognizer: Recognizer, seconds: float = 20.0, repeats: int = 3) -> float:
    """CPU seconds per second of near silence; least of several repeats."""
    import numpy as np

    noise = np.random.default_rng(0).normal(0, 1e-4, round(seconds * 16000)).astype(np.float32)
    times = []
    for _ in range(repeats):
        stream = recognizer.stream()
        started = time.process_time()
        for start in range(0, len(noise), BLOCK):
            stream.accept(noise[start : start + BLOCK])
        times.append(time.process_time() - started)
    return min(times) / seconds


def fresh_process(options: dict[str, object]) -> tuple[float, float]:
    """Wall seconds from first import to recognizer, and MB of memory after ten seconds of audio; least of three."""
    code = (
        "import json, sys, time; started = time.perf_counter(); import speech_lstm; "
        "recognizer = speech_lstm.Recognizer(**json.loads(sys.argv[1])); seconds = time.perf_counter() - started; "
        "import numpy; stream = recognizer.stream(); "
        "[stream.accept(numpy.zeros(320, numpy.float32)) for _ in range(500)]; "
        "status = open('/proc/self/status').read() if sys.platform == 'linux' else 'VmRSS: 0'; "
        "print(seconds, int(status.split('VmRSS:')[1].split()[0]) / 1000)"
    )
    command = [interpreter(), "-c", code, json.dumps(options)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    return min(float(run[0]) for run in runs), min(float(run[1]) for run in runs)


def print_live(report: LiveReport) -> None:
    """The report for people."""
    print(f"{report.commands} commands in {report.recordings} recordings, fed in blocks of 20 ms")
    print("from the end of the command to its event, milliseconds:")
    print(
        f"  audio after the end of speech   {report.audio_delay_median:6.0f} median {report.audio_delay_p90:6.0f} p90"
    )
    print(f"  audio after the last word       {report.word_delay_median:6.0f} median")
    print(f"  computing                       {report.compute_median:6.1f} median {report.compute_p90:6.1f} p90")
    print(
        f"idle, hearing silence: {report.idle_percent:.2f} % of one core, "
        f"waiting for the wake word {WAKE_WORD!r} {report.idle_armed_percent:.2f} %"
    )
    print(f"import and load: {report.import_and_load_seconds:.2f} s; resident: {report.resident_megabytes:.0f} MB")
