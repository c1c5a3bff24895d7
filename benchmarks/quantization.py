"""Ways to store a model in fewer bits: accuracy, size and speed of each, as a table.

    python -m benchmarks.quantization [--model models/default-fp32.onnx] [--suite configs/suite.toml] [--clips 300]

Commands of the suite ([commands.NAME]: best hypothesis right, also accepted), clean and in its first noise. CPU is that
of the network alone, blocks of 80 ms and of 10 s, least of several turns that the variants take. "Rounded" weights have
the values that so many bits allow, in blocks of 32, and are computed with in fp32: ONNX Runtime has no such operator.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

import speech_lstm.runtime  # noqa: F401  # turns off what onnxruntime would report to its maker

# isort: split
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from speech_lstm.evaluation.clips import audible, read_clips, spread
from speech_lstm.evaluation.run_suite import run_suite
from speech_lstm.evaluation.suite import Suite, load_suite
from speech_lstm.export.halve import halve
from speech_lstm.export.quantize import FRONT_END, PROJECTIONS, quantize, strip_unused_initializers
from speech_lstm.export.recurrences import fold_constants
from speech_lstm.export.to_onnx import props_of, save_onnx
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.model.model import Model

BLOCK = 32
"""Weights that share a scale at 4 bits."""

CALIBRATION_CLIPS = 20
MEASURES = ("right", "right and accepted")


def front_end(path: Path) -> list[str]:
    """Names of the nodes that are never quantized."""
    return [node.name for node in onnx.load(path).graph.node if node.name.startswith(FRONT_END)]


def finished(path: Path, metadata: ModelMetadata) -> Path:
    """With the metadata that a quantizer drops, and without the weights that it leaves behind."""
    proto = onnx.load(path)
    strip_unused_initializers(proto)
    save_onnx(proto, metadata, path)
    return path


def in_fp32(source: Path, target: Path) -> Path:
    """Weights stored in half precision become fp32 again."""
    proto = onnx.load(source)
    metadata = ModelMetadata.from_props(props_of(proto))
    fold_constants(proto)
    save_onnx(proto, metadata, target)
    return target


def in_halves(source: Path, target: Path) -> Path:
    """Large weights in fp16, as the fp32 model ships; computing in fp32."""
    target.write_bytes(source.read_bytes())
    halve(target)
    return target


def dynamic(source: Path, target: Path) -> Path:
    """As the int8 model ships."""
    quantize(source, target)
    return target


def lstm_alone(source: Path, target: Path) -> Path:
    """Dynamic int8 of the LSTMs, what else there is stays as it is."""
    quantize_dynamic(source, target, op_types_to_quantize=["LSTM"], weight_type=QuantType.QUInt8)
    return target


class Clips(CalibrationDataReader):
    """Audio that the ranges of activations are taken from."""

    def __init__(self, model: Model, clips: Sequence[Samples]) -> None:
        self.inputs = iter(
            {
                "audio": np.pad(clip, (0, -len(clip) % model.metadata.chunk_samples))[None],
                "state": model.initial_state(),
            }
            for clip in clips
        )

    def get_next(self) -> dict[str, Any] | None:
        """As ONNX Runtime asks for it."""
        return next(self.inputs, None)


def static(source: Path, target: Path, clips: Sequence[Samples]) -> Path:
    """Static int8 of the projections, the only operators that have it, and dynamic of the LSTMs."""
    between = target.with_suffix(".static.onnx")
    quantize_static(
        source, between, Clips(Model.load(source, "cpu"), clips), op_types_to_quantize=list(PROJECTIONS),
        nodes_to_exclude=front_end(source), weight_type=QuantType.QInt8,
    )  # fmt: skip
    return lstm_alone(between, target)


def four_bits(source: Path, target: Path) -> Path:
    """MatMulNBits for the projections, the only products with weights, and dynamic int8 of the LSTMs."""
    between = target.with_suffix(".nbits.onnx")
    quantizer = MatMulNBitsQuantizer(
        onnx.load(source), block_size=BLOCK, is_symmetric=True, accuracy_level=4, nodes_to_exclude=front_end(source)
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(between))
    return lstm_alone(between, target)


def rounded(source: Path, target: Path, bits: int) -> Path:
    """Weights of LSTMs and projections with the values that so many bits allow, symmetric, by block of inputs."""
    proto = onnx.load(source)
    read = {
        name
        for node in proto.graph.node
        if node.op_type in ("LSTM", *PROJECTIONS) and not node.name.startswith(FRONT_END)
        for name in node.input[1:3]
    }
    for weight in proto.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.name in read and values.ndim >= 2:
            along = values if values.ndim == 3 else values.T  # inputs last, as an LSTM has them
            weight.CopyFrom(
                numpy_helper.from_array(_round(along, bits) if values.ndim == 3 else _round(along, bits).T, weight.name)
            )
    onnx.save(proto, target)
    return target


def _round(values: np.ndarray, bits: int) -> np.ndarray:
    blocks = values.reshape(-1, BLOCK)
    most = 2 ** (bits - 1) - 1
    scales = np.maximum(np.abs(blocks).max(1, keepdims=True), 1e-9) / most
    return (np.round(blocks / scales) * scales).reshape(values.shape).astype(np.float32)


def make(source: Path, folder: Path, clips: Sequence[Samples]) -> Iterator[tuple[str, Path]]:
    """Name and file of each variant that can be made of a model."""
    fp32 = in_fp32(source, folder / "fp32.onnx")
    metadata = ModelMetadata.from_props(props_of(onnx.load(fp32)))
    yield "fp32", fp32
    ways: dict[str, Callable[[Path, Path], Path]] = {
        "weights in fp16, computed in fp32": in_halves,
        "int8 dynamic, as shipped": dynamic,
        "int8 dynamic LSTMs, static projections": lambda a, b: static(a, b, clips),
        "int8 dynamic LSTMs, 4-bit projections": four_bits,
        "weights rounded to 6 bits": lambda a, b: rounded(a, b, 6),
        "weights rounded to 4 bits": lambda a, b: rounded(a, b, 4),
    }
    for number, (name, way) in enumerate(ways.items()):
        yield name, finished(way(fp32, folder / f"{number}.onnx"), metadata)


def cpu(model: Model, audio: Samples, block: int) -> float:
    """Milliseconds per second of audio."""
    begin = time.process_time()
    model.log_probs(audio, block_samples=block)
    return 1000 * (time.process_time() - begin) / (len(audio) / SAMPLE_RATE)


def commands_only(suite: Suite, snr_db: Sequence[float], clips: int) -> Suite:
    """What is measured."""
    commands = {name: replace(one, clips=clips, outside=()) for name, one in suite.commands.items()}
    noises = dict(list(suite.noises.items())[:1])
    none: dict[str, Any] = {"phones": None, "wake": None, "acceptance": None, "late": None, "rooms": {}}
    return replace(suite, commands=commands, noises=noises, snr_db=tuple(snr_db), **none)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/default-fp32.onnx"), metavar="FP32")
    parser.add_argument("--suite", type=Path, default=Path("configs/suite.toml"), metavar="TOML")
    parser.add_argument("--snr", nargs="*", type=float, default=(6.0,), metavar="DB", help="default: 6")
    parser.add_argument("--clips", type=int, default=300, help="of each test at most (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=5, help="that CPU is the least of (default: %(default)s)")
    args = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # quantizers talk of shapes
    suite = commands_only(load_suite(args.suite), args.snr, args.clips)
    other = [clip for one in suite.commands.values() for path in suite.all_located(one.outside or one.manifests)
             for clip in read_clips(path, suite)]  # fmt: skip
    clips = [audio for _, audio in audible(spread(other, CALIBRATION_CLIPS))]
    heard = np.concatenate(clips)[: 30 * SAMPLE_RATE]
    with tempfile.TemporaryDirectory() as folder:
        files = dict(make(args.model, Path(folder), clips))
        models = {name: Model.load(path, "cpu") for name, path in files.items()}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
        for _ in range(args.turns):
            for name, model in models.items():
                times[name].append((cpu(model, heard, 1280), cpu(model, heard, 10 * SAMPLE_RATE)))
        titles: list[str] = []
        for name, model in models.items():
            rows = [
                r for r in run_suite(suite, model)["rows"] if r["measure"] in MEASURES and not r["corpus"] + r["group"]
            ]
            if not titles:
                titles = [f"{row['test']}, {row['condition']}: {row['measure']}" for row in rows]
                print(f"| weights | {' | '.join(titles)} | MB | ms/s in 80 ms | in 10 s |")
                print("|---" + "|---:" * (len(titles) + 3) + "|")
            shares = [f"{row['value']:.1%}" for row in rows]
            costs = [f"{files[name].stat().st_size / 1e6:.1f}"]
            costs += [f"{min(turns):.2f}" for turns in zip(*times[name], strict=True)]
            if "rounded" in name:  # no file that anyone would run
                costs = [""] * 3
            print(f"| {name} | {' | '.join(shares + costs)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
