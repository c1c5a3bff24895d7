"""int8 dynamic quantization of an exported model: every LSTM and projection, no other recurrence."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from speech_lstm.export.recurrences import reads
from speech_lstm.export.to_onnx import props_of, save_onnx
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.metadata import ModelMetadata

FRONT_END = "/frontend/"
"""Where the exporter puts the nodes of the log-mel front end, whose rounding errors would drown quiet speech."""

PROJECTIONS = ("MatMul", "Gemm")

STAYING = ("RNN", "GRU", "Scan", "Conv")
"""Operators that ONNX Runtime would not quantize, or, the convolution, gains nothing by."""


def quantize(source: Path, target: Path) -> tuple[str, ...]:
    """fp32 ONNX file -> int8 ONNX file whose metadata says so; returns the operators left in fp32.

    ModelError if another operator stayed fp32. The weights of projections are unsigned: ONNX Runtime multiplies signed
    ones with saturation on x86 processors without VNNI. Those of LSTMs are signed, whatever is asked for.
    """
    proto = onnx.load(source)
    metadata = ModelMetadata.from_props(props_of(proto))
    front_end = [node.name for node in proto.graph.node if node.name.startswith(FRONT_END)]
    if not front_end:
        raise ModelError(f"{source}: no nodes of the front end are named {FRONT_END}..., so it cannot be left out")
    expected = quantizable(proto)
    target.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # quantize_dynamic warns on the root logger that shapes were not inferred before
    try:
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["LSTM", *PROJECTIONS],
            weight_type=QuantType.QUInt8,
            nodes_to_exclude=front_end,
        )
    finally:
        root.setLevel(level)
    proto = onnx.load(target)
    found = Counter(node.op_type for node in proto.graph.node)
    done = {"LSTM": found["DynamicQuantizeLSTM"], "projection": found["MatMulInteger"]}
    if done != expected:
        target.unlink()
        raise ModelError(f"{source}: quantized {done} of {expected}; export it with the TorchScript exporter")
    strip_unused_initializers(proto)
    staying = [node for node in proto.graph.node if node.op_type in STAYING]
    kinds = " and ".join(sorted({node.op_type for node in staying}))
    save_onnx(proto, replace(metadata, precision=f"int8, {kinds} in fp32" if kinds else "int8"), target)
    return tuple(f"{node.op_type} {node.name}" for node in staying)


def quantizable(proto: onnx.ModelProto) -> dict[str, int]:
    """How many LSTMs, and products of activations with weights outside the front end, a graph has."""
    weights = {initializer.name for initializer in proto.graph.initializer}
    nodes = [node for node in proto.graph.node if not node.name.startswith(FRONT_END)]
    return {
        "LSTM": sum(node.op_type == "LSTM" for node in nodes),
        "projection": sum(node.op_type in PROJECTIONS and node.input[1] in weights for node in nodes),
    }


def strip_unused_initializers(proto: onnx.ModelProto) -> None:
    """Drop weights that no node reads, in place."""
    used = {name for node in proto.graph.node for name in reads(node)} | {value.name for value in proto.graph.output}
    kept = [initializer for initializer in proto.graph.initializer if initializer.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
