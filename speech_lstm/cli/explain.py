"""`speech-lstm explain`: a picture of what happens inside the network while it hears a recording."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from speech_lstm.cli.options import name, path, positive
from speech_lstm.runtime.errors import SpeechLstmError

EXAMPLE = """example:
  speech-lstm explain turn_on.wav --text "turn on the light" --out turn_on.png

Of ONNX files fp32 LSTMs can be drawn, of checkpoints LSTMs and sLSTMs."""

NEEDED = ("matplotlib", "torch", "torchaudio", "onnx", "rapidfuzz")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "explain",
        help="draw the gates and the memory of the network",
        description="Draw a PNG: waveform, log-mel, gates and cell state of a layer, phone posteriors, aligned words.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=path, metavar="FILE", help="a recording")
    parser.add_argument("--text", type=name, help="what is said in it, to show when each word was said")
    parser.add_argument(
        "--model", default="default", help="a shipped model, an fp32 .onnx file or a checkpoint (default: %(default)s)"
    )
    parser.add_argument("--layer", type=positive, default=1, metavar="N", help="whose gates (default: %(default)s)")
    parser.add_argument("--out", type=path, metavar="PNG", help="default: the name of the recording, with .png")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw, and print the name of the picture."""
    if missing := [module for module in NEEDED if importlib.util.find_spec(module) is None]:
        raise SpeechLstmError(f"explain needs {', '.join(missing)}: pip install 'speech-lstm[train,explain]'")

    from speech_lstm.evaluation.explain import draw, load_network, look_inside
    from speech_lstm.runtime.audio import read_audio

    network = load_network(args.model)
    inside = look_inside(network, read_audio(args.file), args.text or "", args.layer - 1)
    target = args.out or Path(args.file.name).with_suffix(".png")
    title = f"{args.file.name}, layer {args.layer} of {network.layers} ({network.cell})"
    try:
        draw(inside, title, target)
    except OSError as error:
        raise SpeechLstmError(f"{target}: cannot be written: {error.strerror or error}") from None
    print(target)
    return 0
