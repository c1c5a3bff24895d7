"""An exported fp32 model back to the weights of a network, so that training can go on from a shipped model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.export.quantize import FRONT_END
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.model import Model

GATES = (0, 2, 3, 1)
"""Where nn.LSTM's gates (input, forget, cell, output) are among ONNX's (input, output, forget, cell)."""


def read_weights(path: Path, model: AcousticModel) -> dict[str, Tensor]:
    """The state dictionary of an exported LSTM model of the same sizes as `model`; ModelError if it does not fit.

    It may lack the convolution and the last layers: see `grown`.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf's errors have no common base class
        raise ModelError(f"{path}: cannot be read as an ONNX model ({error})") from None
    try:
        values = {name: torch.tensor(value).float() for name, value in _weights(graph, model).items()}
        found = grown(values, model)
    except (IndexError, KeyError, ValueError):
        raise ModelError(f"{path}: not a model that `speech-lstm export` wrote") from None
    if {name: value.shape for name, value in found.items()} != {
        name: tuple(value.shape) for name, value in model.state_dict().items()
    }:
        raise ModelError(f"{path}: holds another network than the configuration's, or one that is not an LSTM")
    return found


def read_network(path: Path) -> AcousticModel:
    """The network of an exported fp32 LSTM model, in evaluation mode; ModelError for a file with another one."""
    metadata = Model.load(path, device="cpu").metadata
    cells, *blocks = metadata.architecture.split(", ")
    cell, *sizes = cells.replace(" x ", " ").split()
    if cell != "LSTM" or len(sizes) != 2 or blocks not in ([], ["convolution"]):
        raise ModelError(f"{path}: is {metadata.architecture}; of an ONNX file only an LSTM can be read")
    filters = [w.dims[0] for w in onnx.load(path).graph.initializer if w.name.startswith("convolution.filters.weight")]
    network = AcousticModel(
        len(metadata.tokens), layers=int(sizes[0]), hidden=int(sizes[1]), convolution=filters[0] if filters else 0
    )
    network.load_state_dict(read_weights(path, network))
    network.start.copy_(torch.tensor(_start(onnx.load(path).graph, network.state_size)))
    return network.eval()


def _start(graph: onnx.GraphProto, size: int) -> np.ndarray:
    """`AcousticModel.start` of a file, float32 [size]; zeros where nothing is added, as in earlier files."""
    added = [node.input[1] for node in graph.node if node.op_type == "Add" and node.input[0] == "state"]
    constants = [node.attribute[0].t for node in graph.node if node.op_type == "Constant" and node.output[0] in added]
    if len(constants) != len(added):
        raise ModelError("what is added to the state is not a constant; not a model that `speech-lstm export` wrote")
    return numpy_helper.to_array(constants[0]) if constants else np.zeros(size, np.float32)


def grown(weights: dict[str, Tensor], model: AcousticModel) -> dict[str, Tensor]:
    """The weights, and those of the convolution and of the last LSTM layers if only `model` has them.

    What has come adds nothing until it has learned: the convolution's projection is zero, and so is what a layer's
    cells take in (g of `LstmCell`). Anything else that is lacking stays so.
    """
    parts = {_part(name) for name in weights}
    first = sum(part.startswith("cells.") for part in parts)  # of the layers that come
    come = {"convolution"} - parts
    if model.cell == "lstm":
        come |= {f"{kind}.{layer}" for kind in ("cells", "norms") for layer in range(first, model.layers)}
    new = {name: value.clone() for name, value in model.state_dict().items() if _part(name) in come}
    for name, value in new.items():
        if name.startswith("convolution.project."):
            value.zero_()
        elif ".lstm." in name:
            value.chunk(4)[2].zero_()  # i, f, g, o
    return weights | new


def _part(name: str) -> str:
    """The part of the network that a weight belongs to: `cells.0`, `norms.0`, `convolution`, `output`, ..."""
    first, second, *_ = name.split(".")
    return f"{first}.{second}" if second.isdecimal() else first


def _weights(graph: onnx.GraphProto, model: AcousticModel) -> dict[str, np.ndarray]:
    """Those of a graph, by their names in the network; IndexError, KeyError or ValueError for another graph."""
    values = {weight.name.removesuffix("_half"): numpy_helper.to_array(weight) for weight in graph.initializer}
    found = {name: values[name] for name in model.state_dict() if name in values}
    products = [
        node.input[1]
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in values and not node.name.startswith(FRONT_END)
    ]
    project, *inner, output = products
    found["project.weight"], found["output.weight"] = values[project].T, values[output].T
    if "convolution.filters.weight" in found:
        (of_convolution,) = inner
        found["convolution.project.weight"] = values[of_convolution].T
    for layer, node in enumerate(node for node in graph.node if node.op_type == "LSTM"):
        weight_ih, weight_hh, biases = (values[name][0] for name in node.input[1:4])
        cell = f"cells.{layer}.lstm"
        found[f"{cell}.weight_ih_l0"], found[f"{cell}.weight_hh_l0"] = _gates(weight_ih), _gates(weight_hh)
        found[f"{cell}.bias_ih_l0"], found[f"{cell}.bias_hh_l0"] = map(_gates, np.split(biases, 2))
    return found


def _gates(values: np.ndarray) -> np.ndarray:
    """Reorder the four gates along the first dimension."""
    parts = np.split(values, 4)
    return np.concatenate([parts[index] for index in GATES])
