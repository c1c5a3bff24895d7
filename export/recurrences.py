"""Recurrences that ONNX has no operator for, as Scan nodes over their step; and constants, computed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from speech_lstm.acoustic.cells.recurrence import DOMAIN, PLACEHOLDER, Step

FOLDED = ("Neg", "MatMul", "Concat", "Slice", "Unsqueeze", "Squeeze", "Transpose", "Reshape", "Cast")
"""Operators that are computed at export where all they read is known."""


def name_steps(model: nn.Module) -> None:
    """Tell each step where in the model it is: its placeholder in the graph says so."""
    for path, module in model.named_modules():
        if isinstance(module, Step):
            module.path = path


def insert_scans(proto: onnx.ModelProto, model: nn.Module, opset: int) -> None:
    """Put a Scan in place of each placeholder, in place. The step's weights become weights of the graph around it."""
    for node in proto.graph.node:
        if (node.domain, node.op_type) == (DOMAIN, PLACEHOLDER):
            path = onnx.helper.get_node_attr_value(node, "path").decode()
            step = model.get_submodule(path)
            assert isinstance(step, Step)
            body = step_graph(step, path, opset)
            proto.graph.initializer.extend(body.initializer)
            del body.initializer[:]
            x, state = node.input
            y, after = node.output
            scan = onnx.helper.make_node(
                "Scan", [state, x], [after, y], name=node.name, body=body, num_scan_inputs=1, scan_input_axes=[1],
                scan_output_axes=[1],
            )  # fmt: skip
            node.CopyFrom(scan)
    kept = [imported for imported in proto.opset_import if imported.domain != DOMAIN]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)


def step_graph(step: Step, path: str, opset: int) -> onnx.GraphProto:
    """The step as a graph of (state, x) to (state, y), every name with the step's path before it."""
    x, state = torch.zeros(2, step.inputs), torch.zeros(2, step.state_size)
    file: Any = io.BytesIO()  # which the exporter takes, though it does not say so
    torch.onnx.export(
        step, (x, state), file, dynamo=False, opset_version=opset, input_names=["x", "state"],
        output_names=["y", "after"], dynamic_axes={name: {0: "batch"} for name in ("x", "state", "y", "after")},
    )  # fmt: skip
    graph = onnx.compose.add_prefix(onnx.load_from_string(file.getvalue()), f"{path}/").graph
    for values in (graph.input, graph.output):
        first, second = list(values)
        del values[:]
        values.extend([second, first])  # Scan has states first
    del graph.value_info[:]
    return graph


def reads(node: onnx.NodeProto) -> set[str]:
    """What a node reads, the graphs in it included."""
    graphs = [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    inner = {name for graph in graphs for part in graph.node for name in reads(part)}
    return {*node.input, *inner}


def fold_constants(proto: onnx.ModelProto) -> None:
    """Compute whatever follows from weights alone, in place: a quantizer only sees weights that are stored as such."""
    graph = proto.graph
    known = {weight.name: weight for weight in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "Constant":
            name = node.output[0]
            value = onnx.helper.get_node_attr_value(node, "value")
            known[name] = numpy_helper.from_array(numpy_helper.to_array(value), name)
            kept.append(node)
        elif node.op_type in FOLDED and all(name in known for name in node.input):
            inputs = {name: numpy_helper.to_array(known[name]) for name in node.input}
            (value,) = ReferenceEvaluator(node).run(None, inputs)
            known[node.output[0]] = numpy_helper.from_array(np.asarray(value), node.output[0])
            graph.initializer.append(known[node.output[0]])
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in graph.node for name in reads(node)}
    weights = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)
