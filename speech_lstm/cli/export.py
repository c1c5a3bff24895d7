"""`speech-lstm export`: a training checkpoint to the fp32 and int8 ONNX files that the runtime loads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from speech_lstm.cli.environment import need
from speech_lstm.cli.options import name, path, share
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import cannot_write, check_folder

if TYPE_CHECKING:
    from speech_lstm.runtime.model.metadata import ModelMetadata

EXAMPLE = """example:
  speech-lstm export runs/default/checkpoint.pt --out models --name default --metadata measured.json

measured.json may hold any of: language, training_data (a list of {"name", "licence", "hours"}), accuracy, thresholds,
decoder and calibration (objects)."""

NEEDED = ("torch", "onnx", "onnxscript", "rapidfuzz")
"""Packages of the extra that exporting imports."""

BEGIN_CLIPS = 120
"""At most so many recordings of each manifest of --begin."""

RECORDED = ("language", "training_data", "accuracy", "thresholds", "decoder", "calibration")
"""The metadata that a checkpoint cannot tell."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "export",
        help="turn a training checkpoint into ONNX files",
        description="Write NAME-fp32.onnx and NAME-int8.onnx and check that they compute what PyTorch does.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=path, metavar="CHECKPOINT", help="a file that `speech-lstm train` wrote")
    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="folder for the ONNX files")
    parser.add_argument("--name", type=name, default="default", help="what the files are called (default: %(default)s)")
    parser.add_argument("--metadata", type=path, metavar="FILE", help="JSON with what was measured, and the like")
    parser.add_argument(
        "--check", nargs="+", type=path, default=[], metavar="FILE", help="recordings to check on, besides noise"
    )
    parser.add_argument(
        "--begin",
        nargs="+",
        type=path,
        default=[],
        metavar="MANIFEST",
        help="let streams begin as after speech of the training split of these, and not only after silence",
    )
    parser.add_argument("--blend", type=path, metavar="ONNX", help="an fp32 model of before, to mix its weights in")
    parser.add_argument(
        "--share", type=share, default=0.5, metavar="PART", help="of the weights of --blend (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export, quantize, check; one line a file."""
    need("export", *NEEDED)
    check_folder(args.out, "--out")
    if not args.checkpoint.exists():
        raise SpeechLstmError(f"{args.checkpoint}: no such file")
    if args.checkpoint.is_file() and not args.checkpoint.stat().st_size:
        raise SpeechLstmError(f"{args.checkpoint}: not a checkpoint: the file is empty (0 bytes)")
    import numpy as np
    import torch

    from speech_lstm.export.checkpoint import load_checkpoint
    from speech_lstm.export.halve import halve
    from speech_lstm.export.parity import check_parity
    from speech_lstm.export.quantize import quantize
    from speech_lstm.export.to_onnx import export_onnx
    from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
    from speech_lstm.runtime.model.model import Model

    speech = [torch.from_numpy(read_audio(file)) for file in recordings_of(args.begin)]
    model, metadata = load_checkpoint(args.checkpoint, args.blend, args.share, speech)
    fp32, int8 = (args.out / f"{args.name}-{kind}.onnx" for kind in ("fp32", "int8"))
    if args.metadata:
        metadata = recorded(metadata, args.metadata)
    noise = np.random.default_rng(0).normal(0, 0.05, 2 * SAMPLE_RATE).astype(np.float32)
    recordings = [noise, *map(read_audio, args.check)]
    try:  # what is there stays until both are whole
        args.out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=args.out, prefix=".speech-lstm-") as folder:
            made = [Path(folder, file.name) for file in (fp32, int8)]
            export_onnx(model, metadata, made[0])
            staying = quantize(*made)
            halve(made[0])
            parity = check_parity(
                model, Model.load(made[0], device="cpu"), Model.load(made[1], device="cpu"), recordings
            )
            for file, target in zip(made, (fp32, int8), strict=True):
                file.replace(target)
    except OSError as error:
        raise cannot_write(f"--out {args.out}", error) from error
    for file in (fp32, int8):
        print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, {metadata.architecture}")
    print(f"fp32 against PyTorch {parity.torch:.1e}, in chunks against the whole {parity.chunked:.1e}")
    print(f"int8 hears {parity.quantized_errors} of {parity.phones} phones otherwise than fp32")
    if staying:
        print(f"int8 has these in fp32, for want of an operator: {', '.join(staying)}")
    return 0


def recordings_of(manifests: Sequence[Path]) -> list[Path]:
    """At most BEGIN_CLIPS recordings of each manifest, longer than 0.1 s, from all over its training split."""
    from speech_lstm.data.corpus import read_manifest

    files: list[Path] = []
    for manifest in manifests:
        found = [utterance.path for utterance in read_manifest(manifest, "train") if utterance.duration > 0.1]
        if not found:
            raise SpeechLstmError(f"{manifest}: has no recording of split 'train' to begin after")
        files += found[:: -(-len(found) // BEGIN_CLIPS)]
    return files


def recorded(metadata: ModelMetadata, file: Path) -> ModelMetadata:
    """The metadata with what a JSON file records."""
    from speech_lstm.runtime.model.metadata import Corpus

    try:
        values = json.loads(read_text(file))
        if not isinstance(values, dict):
            raise SpeechLstmError(f"{file}: expected a JSON object")
        if unknown := sorted(set(values) - set(RECORDED)):
            raise SpeechLstmError(f"{file}: unknown {', '.join(unknown)}; expected any of {', '.join(RECORDED)}")
        if "training_data" in values:
            values["training_data"] = tuple(Corpus(**corpus) for corpus in values["training_data"])
        return replace(metadata, **values)
    except (OSError, ValueError, TypeError) as error:
        raise SpeechLstmError(f"{file}: {error}") from None
