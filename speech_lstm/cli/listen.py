"""`speech-lstm listen`: commands said to the microphone, on a screen, as JSON, or handed to a program."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.console import say
from speech_lstm.cli.options import (
    add_grammar_options,
    add_hearing_options,
    add_microphone_option,
    add_model_options,
    add_pronunciations_option,
    add_sound_options,
    add_wake_options,
    check_wake_options,
    name,
    path,
    recognizer_options,
    sensitivity,
)
from speech_lstm.cli.outputs import JsonLines, Output, Program, Recorder, TextLines, command

if TYPE_CHECKING:
    from speech_lstm.cli.outputs import Samples
    from speech_lstm.runtime.live.stream import Stream
    from speech_lstm.runtime.results import Event

EXAMPLE = """example:
  speech-lstm listen --phrases "turn on the light" "turn off the light"
  speech-lstm listen --grammar home.yaml --wake-word "hey jarvis" --on-command "python3 home.py"
  speech-lstm listen --grammar home.yaml --wav kitchen.wav --json
  arecord -f S16_LE -r 16000 -t raw | speech-lstm listen --grammar home.yaml --wav - --raw 16000"""


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
    add_pronunciations_option(parser)
    source = parser.add_mutually_exclusive_group()
    add_microphone_option(source)
    source.add_argument(
        "--wav", type=path, metavar="FILE", help="hear this file in real time instead, or a pipe; - is standard input"
    )
    add_sound_options(parser)
    parser.add_argument(
        "--wake-word", action="append", type=name, metavar="PHRASE", help="wait for it; may come several times"
    )
    add_wake_options(parser)
    add_hearing_options(parser, alternatives=2)
    parser.add_argument("--json", action="store_true", help="print one event a line as JSON")
    parser.add_argument(
        "--on-command",
        type=command,
        metavar="CMD",
        help="run this program for each command, with the event as JSON on stdin; its stdout becomes stderr",
    )
    parser.add_argument("--record", type=path, metavar="DIR", help="keep a WAV file of each thing heard there")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Until the file ends or Ctrl-C. 1 where something that was heard could not be written."""
    check_wake_options(args)
    for option, given in (("--raw", args.raw), ("--track", args.track)):
        if given is not None and not args.wav:
            args.parser.error(f"{option} needs --wav")
    outputs: list[Output] = []
    try:
        with ExitStack() as stack:
            _listen(args, outputs, stack)
    except KeyboardInterrupt:
        pass
    return 1 if any(output.failed for output in outputs) else 0


def _listen(args: argparse.Namespace, outputs: list[Output], stack: ExitStack) -> None:
    """Fill and feed the outputs."""
    from speech_lstm.runtime.audio.microphone import Microphone
    from speech_lstm.runtime.live.listen import hear, play
    from speech_lstm.runtime.live.recognizer import Recognizer

    if args.on_command:
        outputs.append(stack.enter_context(Program(args.on_command)))
    if args.record:
        outputs.append(Recorder(args.record))
    recognizer = Recognizer(
        grammar=args.phrases or args.grammar,
        wake_word=args.wake_word,
        model=args.model,
        device=args.device,
        pronunciations=args.pronunciations,
        wake_sensitivity=sensitivity(args),
        options=recognizer_options(args),
    )
    if args.wav:
        wav = sys.stdin.buffer if str(args.wav) == "-" else args.wav
        source: Iterable[Samples | Event] = play(wav, raw=args.raw, track=args.track)
    else:
        source = stack.enter_context(Microphone(args.microphone))
    outputs.append(_main_output(args, stack, alone=not outputs))
    stream = recognizer.stream()
    tap = Tap(source, stream, outputs)
    for event in hear(stream, tap):
        for output in outputs:
            output.event(event, time.perf_counter() - tap.arrived)


def _main_output(args: argparse.Namespace, stack: ExitStack, alone: bool) -> Output:
    """JSON where it is asked for, the screen on a terminal, else text. alone: there is no other output."""
    if args.json:
        return JsonLines(alone)
    if not sys.stdout.isatty():
        return TextLines(alone)
    try:
        from speech_lstm.cli.screen import Screen
    except ImportError:
        say("speech-lstm: for the full screen: pip install 'speech-lstm[mic]'")
        return TextLines(alone)
    return stack.enter_context(Screen(str(args.wav or args.microphone or "default microphone"), args.wake_word))


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
