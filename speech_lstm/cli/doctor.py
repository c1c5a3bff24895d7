"""`speech-lstm doctor`: what is installed, what works, and how to mend what does not."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech_lstm import TELEMETRY_OFF, __version__
from speech_lstm.cli.environment import installed_version, onnxruntime_clash
from speech_lstm.runtime.errors import DeviceError, ModelError

EXAMPLE = """example:
  speech-lstm doctor"""


@dataclass(frozen=True)
class Finding:
    """One line of the report. A problem makes the exit code 1."""

    about: str
    text: str
    problem: bool = False


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor",
        help="check the installation",
        description="Print versions, providers, models and audio devices, and what is wrong with them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when everything that is installed works, 1 when something is broken."""
    problems = 0
    for finding in findings():
        problems += finding.problem
        print(f"{'PROBLEM ' if finding.problem else '        '}{finding.about:<12} {finding.text}")
    print("\nnothing is wrong" if not problems else f"\n{problems} wrong, see PROBLEM above")
    return 1 if problems else 0


def findings() -> Iterator[Finding]:
    """All checks, cheap ones first."""
    yield Finding("speech-lstm", f"{__version__} in {Path(__file__).parents[1]}")
    yield Finding("python", f"{platform.python_version()} ({platform.platform()}) {sys.executable}")
    yield from _libraries()
    yield from _onnxruntime()
    yield from _models()
    yield from _microphone()


def _libraries() -> Iterator[Finding]:
    for name in ("numpy", "soxr", "hassil", "PyYAML"):
        version = installed_version(name)
        yield Finding(name, version or "missing; pip install --force-reinstall speech-lstm", problem=version is None)
    try:
        import soundfile

        yield Finding("soundfile", f"{soundfile.__version__} with {soundfile.__libsndfile_version__}")
    except (ImportError, OSError) as error:
        yield Finding("soundfile", f"{error}; pip install soundfile, and on Debian: apt-get install libsndfile1", True)


def _onnxruntime() -> Iterator[Finding]:
    clash = onnxruntime_clash()
    if clash:
        yield Finding("onnxruntime", clash, problem=True)
    try:
        import onnxruntime

        distribution = "onnxruntime-gpu" if installed_version("onnxruntime-gpu") else "onnxruntime"
        providers = ", ".join(name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
        yield Finding("onnxruntime", f"{onnxruntime.__version__} ({distribution}); built for: {providers}")
        yield _telemetry()
    except (ImportError, AttributeError) as error:  # AttributeError: the folder is left half deleted
        yield Finding("onnxruntime", f"cannot be used ({error}); pip install --force-reinstall speech-lstm", True)


def _telemetry() -> Finding:
    """Nothing leaves the device, unless somebody has imported ONNX Runtime before this package."""
    if TELEMETRY_OFF and os.environ.get("ORT_DISABLE_TELEMETRY") == "1":
        return Finding("telemetry", "off: nothing leaves this machine, and ONNX Runtime is told so before it starts")
    return Finding("telemetry", "ONNX Runtime was started with its own; import speech_lstm before it", problem=True)


def _models() -> Iterator[Finding]:
    """Each shipped model must load on the CPU; CUDA is tried where ONNX Runtime was built for it."""
    try:
        import onnxruntime

        import speech_lstm.models
        from speech_lstm.runtime.model.model import Model

        providers = onnxruntime.get_available_providers()
    except (ImportError, AttributeError):
        return  # reported by _onnxruntime
    paths = sorted(Path(speech_lstm.models.__file__).parent.glob("*.onnx"))
    if not paths:
        yield Finding("model", "none is shipped; pip install --force-reinstall speech-lstm", problem=True)
    for path in paths:
        try:
            metadata = Model.load(path, device="cpu").metadata
        except ModelError as error:
            yield Finding("model", str(error), problem=True)
        else:
            yield Finding("model", f"{path.stem}, {metadata.architecture}, {path.stat().st_size / 1e6:.2f} MB")
    if paths and "CUDAExecutionProvider" in providers:
        try:
            Model.load("default", device="cuda")
            yield Finding("cuda", "works")
        except DeviceError as error:
            yield Finding("cuda", f"not used: {error}")


def _microphone() -> Iterator[Finding]:
    if installed_version("sounddevice") is None:
        yield Finding("microphone", "not set up; to listen live: pip install 'speech-lstm[mic]'")
        return
    try:
        import sounddevice
    except OSError as error:
        yield Finding("microphone", f"{error}; on Debian: apt-get install libportaudio2", problem=True)
        return
    try:
        inputs = [device for device in sounddevice.query_devices() if device["max_input_channels"]]
    except sounddevice.PortAudioError as error:
        yield Finding("microphone", f"the inputs cannot be listed: {error}", problem=True)
        return
    if not inputs:
        yield Finding("microphone", f"sounddevice {sounddevice.__version__}; no input device is connected")
    for device in inputs:
        text = f"{device['name']} ({device['max_input_channels']} channels, {device['default_samplerate']:.0f} Hz)"
        yield Finding("microphone", text)
