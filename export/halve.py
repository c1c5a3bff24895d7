"""Large weights of an fp32 model stored in half precision, for a file of half the size. All computing stays fp32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from speech_lstm.export.to_onnx import props_of, save_onnx
from speech_lstm.runtime.model.metadata import ModelMetadata

LARGE = 10_000
"""Weights from this size on are stored in half precision."""


def halve(path: Path) -> None:
    """Rewrite an fp32 ONNX file: each large weight becomes float16 and a Cast.

    ONNX Runtime folds the casts when it loads the file. The front end is made of constants and stays as it is.
    `load_checkpoint` has rounded the weights to half precision. Those that the export computed from others are no such
    numbers and stay fp32, so the outputs do not change.
    """
    proto = onnx.load(path)
    metadata = ModelMetadata.from_props(props_of(proto))
    casts = []
    for weight in proto.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= LARGE and (values.astype(np.float16) == values).all():
            name, half = weight.name, f"{weight.name}_half"
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
            casts.append(onnx.helper.make_node("Cast", [half], [name], name=f"{name}_cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    save_onnx(proto, metadata, path)
