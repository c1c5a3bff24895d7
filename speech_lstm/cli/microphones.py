"""`speech-lstm microphones`: the audio inputs and how loud each is. `devices` is its earlier name."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.options import number, seconds
from speech_lstm.runtime.errors import DeviceError

if TYPE_CHECKING:
    from speech_lstm.runtime.audio.portaudio import InputDevice

EXAMPLE = """example:
  speech-lstm microphones
  speech-lstm microphones --seconds 3"""


@dataclass(frozen=True)
class Level:
    """What an input gave."""

    decibels: float | None
    """Loudest block in dB of full scale; None: no audio but zeros."""
    problem: str = ""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "microphones",
        aliases=["devices"],
        help="list the audio inputs with their level",
        description="List the audio inputs, hear each for a moment, and show how loud it is. Speak meanwhile.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=duration, default=1.0, metavar="S", help="hear each that long; 0: only list (default: 1)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line and input")
    parser.set_defaults(run=run)


def duration(text: str) -> float:
    """argparse type: a time, or 0."""
    return 0.0 if number(text) == 0 else seconds(text)


def run(args: argparse.Namespace) -> int:
    """1 where there is no input at all."""
    from speech_lstm.runtime.audio.portaudio import input_devices

    devices = input_devices()
    if not devices:
        raise DeviceError("no audio input is connected")
    for device in devices:
        level = measure(device, args.seconds) if args.seconds > 0 else None
        if args.json:
            print(json.dumps({**asdict(device), "level": asdict(level) if level else None}), flush=True)
        else:
            print_device(device, level)
    return 0


def measure(device: InputDevice, seconds: float) -> Level:
    """Hear an input for a while."""
    import numpy as np

    from speech_lstm.runtime.audio.microphone import Microphone
    from speech_lstm.runtime.results import MicrophoneLost

    loudest = 0.0
    try:
        with Microphone(device.index) as microphone:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                item = microphone.read(timeout=left)
                if isinstance(item, MicrophoneLost):
                    return Level(None, item.reason)
                if isinstance(item, np.ndarray):
                    loudest = max(loudest, float(np.mean(np.square(item))))
    except DeviceError as error:
        return Level(None, str(error))
    return Level(round(10 * float(np.log10(loudest)), 1)) if loudest else Level(None)


def print_device(device: InputDevice, level: Level | None) -> None:
    """Two lines an input: what it is, and its level."""
    mark = "*" if device.default else " "
    kind = f"{device.host}, {device.channels} channels, {device.sample_rate:.0f} Hz"
    print(f"{mark} {device.index:3} {device.name} ({kind})", flush=True)
    if level is None:
        return
    if level.problem:
        print(f"      {level.problem}", flush=True)
    elif level.decibels is None:
        from speech_lstm.runtime.audio.portaudio import permission_hint

        print(f"      nothing but zeros; {permission_hint()}", flush=True)
    else:
        filled = round(max(0.0, 60 + level.decibels) / 2)
        print(f"      {'#' * filled}{'.' * (30 - filled)} {level.decibels:.0f} dB", flush=True)
