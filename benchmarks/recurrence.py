"""How ONNX Runtime repeats a step that it has no operator for: Scan, Loop, or a chunk of steps one after another.

    python -m benchmarks.recurrence [--size 320] [--turns 7]

CPU per second of audio (25 frames of 40 ms) of one cell's recurrence, fp32, one stream, for chunks of several lengths;
the least of several turns that the ways take. An unrolled graph is made for one length. All ways are checked to agree.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.cells.recurrence import Step
from speech_lstm.export.recurrences import step_graph

# isort: split
import onnxruntime  # after speech_lstm, which turns off what it would report to its maker

FRAMES_A_SECOND = 25
CHUNKS = (2, 25, 250)
LONGEST_UNROLLED = 25
OPSET = 17
STEPS = {"slstm": "sLSTM", "mlstm": "mLSTM", "lstm_attention": "attention over 48 frames"}

Way = Callable[[onnx.GraphProto, int], list[onnx.NodeProto]]
"""Nodes from `x` [1, frames, inputs] and `state` to `y` and `after`. The body: (state, x) -> (after, y)."""


def scan(body: onnx.GraphProto, frames: int) -> list[onnx.NodeProto]:
    """As the package exports it."""
    return [
        helper.make_node(
            "Scan", ["state", "x"], ["after", "y"], body=body, num_scan_inputs=1, scan_input_axes=[1],
            scan_output_axes=[1],
        )
    ]  # fmt: skip


def loop(body: onnx.GraphProto, frames: int) -> list[onnx.NodeProto]:
    """Frame by frame out of `x`, whatever its length."""
    x = body.input[1].name
    inner = onnx.GraphProto(name="loop")
    inner.node.append(helper.make_node("Gather", ["x", "frame"], [x], axis=1))
    inner.node.extend(body.node)
    inner.node.append(helper.make_node("Identity", ["go_on"], ["goes_on"]))
    inner.input.append(helper.make_tensor_value_info("frame", TensorProto.INT64, []))
    inner.input.append(helper.make_tensor_value_info("go_on", TensorProto.BOOL, []))
    inner.input.append(body.input[0])
    inner.output.append(helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []))
    inner.output.extend(body.output)
    return [
        helper.make_node("Constant", [], ["axis"], value=numpy_helper.from_array(np.array(1, np.int64))),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["frames"]),
        helper.make_node("Loop", ["frames", "", "state"], ["after", "ys"], body=inner),
        helper.make_node("Transpose", ["ys"], ["y"], perm=[1, 0, 2]),
    ]


def unrolled(body: onnx.GraphProto, frames: int) -> list[onnx.NodeProto]:
    """A copy of the step for each of so many frames."""
    (state, x), (after, y) = ([value.name for value in values] for values in (body.input, body.output))
    made = {name for node in body.node for name in node.output} | {state, x}
    nodes = [
        helper.make_node("Split", ["x"], [f"{x}.{t}" for t in range(frames)], axis=1),
        helper.make_node("Identity", ["state"], [f"{after}.-1"]),
        helper.make_node("Constant", [], ["one"], value=numpy_helper.from_array(np.array([1], np.int64))),
    ]
    for t in range(frames):
        names = {name: f"{name}.{t}.in" for name in made} | {state: f"{after}.{t - 1}", after: f"{after}.{t}"}
        nodes.append(helper.make_node("Squeeze", [f"{x}.{t}", "one"], [names[x]]))
        for node in body.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{node.name}.{t}"
            copy.input[:] = [names.get(name, name) for name in node.input]
            copy.output[:] = [names[name] for name in node.output]
            nodes.append(copy)
        nodes.append(helper.make_node("Unsqueeze", [names[y], "one"], [f"ys.{t}"]))
    nodes.append(helper.make_node("Concat", [f"ys.{t}" for t in range(frames)], ["y"], axis=1))
    nodes.append(helper.make_node("Identity", [f"{after}.{frames - 1}"], ["after"]))
    return nodes


WAYS: dict[str, Way] = {"Scan": scan, "Loop": loop, "unrolled": unrolled}


def build(step: Step, way: Way, frames: int) -> bytes:
    """An ONNX file of the recurrence alone."""
    body = step_graph(step, "step", OPSET)
    weights = list(body.initializer)
    del body.initializer[:]
    length: int | str = frames if way is unrolled else "frames"
    sizes: dict[str, list[int | str | None]] = {
        "x": [1, length, step.inputs],
        "state": [1, step.state_size],
        "y": [1, length, step.outputs],
    }
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes[name if name != "after" else "state"])
        for name in ("x", "state", "y", "after")
    }
    inputs, outputs = [values["x"], values["state"]], [values["y"], values["after"]]
    graph = helper.make_graph(way(body, frames), "recurrence", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def open_session(content: bytes) -> onnxruntime.InferenceSession:
    """One thread that does not spin."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def measure(step: Step, turns: int) -> dict[tuple[str, int], float]:
    """Milliseconds of CPU per second of audio by way and frames in a chunk."""
    random = np.random.default_rng(0)
    found: dict[tuple[str, int], float] = {}
    for frames in CHUNKS:
        x = random.standard_normal((1, frames, step.inputs)).astype(np.float32)
        state = np.zeros((1, step.state_size), np.float32)
        sessions = {
            name: open_session(build(step, way, frames))
            for name, way in WAYS.items()
            if way is not unrolled or frames <= LONGEST_UNROLLED
        }
        outputs = {name: session.run(None, {"x": x, "state": state}) for name, session in sessions.items()}
        for one in outputs.values():
            for part, expected in zip(one, outputs["Scan"], strict=True):
                np.testing.assert_allclose(part, expected, atol=1e-5)
        calls = max(1, 500 // frames)
        for _ in range(turns):
            for name, session in sessions.items():
                begin = time.process_time()
                for _ in range(calls):
                    session.run(None, {"x": x, "state": state})
                spent = (time.process_time() - begin) * 1000 / (calls * frames / FRAMES_A_SECOND)
                found[name, frames] = min(spent, found.get((name, frames), spent))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--turns", type=int, default=7)
    args = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    print("| recurrence | chunk | " + " | ".join(WAYS) + " |\n|---|---:" + "|---:" * len(WAYS) + "|")
    for cell, name in STEPS.items():
        torch.manual_seed(0)
        step = next(module for module in CELLS[cell](args.size).modules() if isinstance(module, Step))
        found = measure(step.eval(), args.turns)
        for frames in CHUNKS:
            cells = [f"{found[way, frames]:.2f}" if (way, frames) in found else "" for way in WAYS]
            print(f"| {name} | {frames * 40} ms | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
