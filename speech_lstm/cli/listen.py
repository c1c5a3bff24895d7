"""`speech-lstm listen`: commands said to the microphone, on a screen, as JSON, or handed to a program."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from speech_lstm.cli.options import add_grammar_options, add_microphone_option, add_model_options, share
from speech_lstm.runtime.errors import SpeechLstmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from speech_lstm.runtime.live.stream import Stream
    from speech_lstm.runtime.results import Event

    Samples = NDArray[np.float32]

EXAMPLE = """example:
  speech-lstm listen --phrases "turn on the light" "turn off the light"
  speech-lstm listen --grammar home.yaml --wake-word "hey jarvis" --on-command "python3 home.py"
  speech-lstm listen --grammar home.yaml --wav kitchen.wav --json"""

KEPT_SECONDS = 15.0
"""Audio remembered for --record."""


class Output(Protocol):
    """Where events go."""

    def audio(self, samples: Samples, stream: Stream) -> None:
        """The stream is about to hear float32 [n], 16 kHz."""

    def event(self, event: Event, compute: float) -> None:
        """Something happened, `compute` seconds after the audio that brought it was there."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "listen",
        help="recognise commands live",
        description="Hear commands from the microphone until Ctrl-C, and show or hand on what was said.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_grammar_options(parser)
    add_model_options(parser)
    source = parser.add_mutually_exclusive_group()
    add_microphone_option(source)
    source.add_argument("--wav", type=Path, metavar="FILE", help="hear this audio file in real time instead")
    parser.add_argument("--wake-word", action="append", metavar="PHRASE", help="wait for it; may come several times")
    parser.add_argument(
        "--wake-sensitivity",
        type=share,
        default=0.5,
        metavar="S",
        help="0: fewest false alarms of the wake word, 1: fewest misses (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one event a line as JSON")
    parser.add_argument(
        "--on-command",
        metavar="CMD",
        help="run this program for each command, with the event as JSON on stdin; its stdout becomes stderr",
    )
    parser.add_argument("--record", type=Path, metavar="DIR", help="keep a WAV file of each thing heard there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until the file ends or Ctrl-C."""
    from speech_lstm.runtime.audio.microphone import Microphone
    from speech_lstm.runtime.live.listen import hear, play
    from speech_lstm.runtime.live.recognizer import Recognizer

    recognizer = Recognizer(
        grammar=args.phrases or args.grammar,
        wake_word=args.wake_word,
        model=args.model,
        device=args.device,
        wake_sensitivity=args.wake_sensitivity,
    )
    with ExitStack() as stack:
        outputs: list[Output] = []
        if args.on_command:
            outputs.append(stack.enter_context(closing(Program(args.on_command))))
        if args.record:
            outputs.append(Recorder(args.record))
        source = play(args.wav) if args.wav else stack.enter_context(Microphone(args.microphone))
        outputs.append(_main_output(args, stack))
        stream = recognizer.stream()
        tap = Tap(source, stream, outputs)
        try:
            for event in hear(stream, tap):
                for output in outputs:
                    output.event(event, time.perf_counter() - tap.arrived)
        except KeyboardInterrupt:
            return 0
    return 0


def _main_output(args: argparse.Namespace, stack: ExitStack) -> Output:
    """JSON where it is asked for, the screen on a terminal, else text."""
    if args.json:
        return JsonLines()
    if not sys.stdout.isatty():
        return TextLines()
    try:
        from speech_lstm.cli.screen import Screen
    except ImportError:
        print("speech-lstm: for the full screen: pip install 'speech-lstm[mic]'", file=sys.stderr)
        return TextLines()
    name = str(args.wav or args.microphone or "default microphone")
    return stack.enter_context(Screen(name, args.wake_word))


class Tap:
    """A source of audio whose blocks the outputs see as well."""

    def __init__(self, source: Iterable[Samples | Event], stream: Stream, outputs: list[Output]) -> None:
        self.arrived = 0.0
        """time.perf_counter of the newest block."""
        self._source, self._stream, self._outputs = source, stream, outputs

    def __iter__(self) -> Iterator[Samples | Event]:
        from speech_lstm.runtime.results import Event

        for item in self._source:
            self.arrived = time.perf_counter()
            if not isinstance(item, Event):
                for output in self._outputs:
                    output.audio(item, self._stream)
            yield item
        self.arrived = time.perf_counter()


class JsonLines:
    """One event a line on stdout."""

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Nothing to do."""

    def event(self, event: Event, compute: float) -> None:
        """Print it at once."""
        print(to_json(event), flush=True)


class TextLines:
    """One command a line on stdout; what the microphone reports on stderr."""

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Nothing to do."""

    def event(self, event: Event, compute: float) -> None:
        """Print commands and problems."""
        from speech_lstm.runtime.results import Command, MicrophoneLost, MicrophoneSilent

        if isinstance(event, Command):
            slots = " ".join(f"{name}={value}" for name, value in event.result.slots.items())
            intent = f"{event.result.intent or ''} {slots}".strip()
            print("\t".join(filter(None, (event.result.text, intent))), flush=True)
        elif isinstance(event, MicrophoneSilent):
            print(f"speech-lstm: the microphone gives nothing but zeros; {event.hint}", file=sys.stderr)
        elif isinstance(event, MicrophoneLost):
            print(f"speech-lstm: the microphone is gone ({event.reason}); waiting for it", file=sys.stderr)


class Program:
    """Runs a program for each command, one after the other, beside the recognition."""

    def __init__(self, command: str) -> None:
        """command: program and arguments, split as a shell would but never given to one."""
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise SpeechLstmError(f"--on-command {command!r} cannot be split into words: {error}") from None
        if not self._command or shutil.which(self._command[0]) is None:
            raise SpeechLstmError(f"--on-command {command!r}: there is no program of that name")
        self._worker = ThreadPoolExecutor(1)

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Nothing to do."""

    def event(self, event: Event, compute: float) -> None:
        """Start the program, or let it wait for the one before."""
        from speech_lstm.runtime.results import Command

        if isinstance(event, Command):
            self._worker.submit(self._run, to_json(event))

    def close(self) -> None:
        """Wait for the programs that run."""
        self._worker.shutdown()

    def _run(self, text: str) -> None:
        try:
            code = subprocess.run(self._command, input=text + "\n", text=True, stdout=sys.stderr).returncode
        except OSError as error:
            code, text = 1, str(error)
        if code:
            print(f"speech-lstm: {shlex.join(self._command)} failed with exit code {code}", file=sys.stderr)


class Recorder:
    """A WAV file of each command and rejection."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SpeechLstmError(f"--record {folder}: {error.strerror}") from None
        self._folder = folder
        self._blocks: deque[Samples] = deque()
        self._kept = 0  # samples in the blocks

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Remember the newest `KEPT_SECONDS`."""
        self._blocks.append(samples)
        self._kept += len(samples)
        while self._kept > KEPT_SECONDS * 16000:
            self._kept -= len(self._blocks.popleft())

    def event(self, event: Event, compute: float) -> None:
        """Write what was heard from half a second before the words on."""
        import numpy as np
        import soundfile

        from speech_lstm.runtime.results import Command, Rejected

        if isinstance(event, Command | Rejected) and self._blocks:
            audio = np.concatenate(list(self._blocks))
            wanted = round((event.time - event.result.start + 0.5) * 16000)
            name = "_".join([time.strftime("%Y%m%d-%H%M%S"), f"{event.time:.2f}", type(event).__name__.lower()])
            words = "-".join("".join(filter(str.isalnum, word)) for word in event.result.text.split())
            soundfile.write(self._folder / f"{name}_{words[:60]}.wav", audio[-wanted:], 16000, subtype="PCM_16")


def to_json(event: Event) -> str:
    """One line."""
    return json.dumps(event.to_dict(), default=str)
