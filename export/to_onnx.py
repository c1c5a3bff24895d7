"""A PyTorch model to an ONNX file in the model contract: audio and state in, log-probabilities and next state out."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch

from speech_lstm.acoustic.cells.recurrence import DOMAIN, Step
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.export.lstm import as_exported
from speech_lstm.export.recurrences import fold_constants, insert_scans, name_steps
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.metadata import ModelMetadata, sealed, unsealed

OPSET = 17
"""The first with LayerNormalization as one operator."""


def export_onnx(model: AcousticModel, metadata: ModelMetadata, path: Path) -> None:
    """Write a model, in evaluation mode, as a checked fp32 ONNX file with its metadata.

    Uses the TorchScript exporter: it makes one LSTM node of one nn.LSTM layer, which quantization needs.
    """
    model = as_exported(model)
    batch, chunks = 2, 3
    audio = torch.zeros(batch, chunks * metadata.chunk_samples)
    state = torch.zeros(batch, model.state_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    name_steps(model)
    with warnings.catch_warnings():
        # Of the exporter's age, and that LSTMs need one batch size: they do not, as their states are inputs here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (audio, state),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            custom_opsets={DOMAIN: 1} if any(isinstance(module, Step) for module in model.modules()) else {},
            input_names=["audio", "state"],
            output_names=["log_probs", "next_state"],
            dynamic_axes={
                "audio": {0: "batch", 1: "samples"},
                "state": {0: "batch"},
                "log_probs": {0: "batch", 1: "frames"},
                "next_state": {0: "batch"},
            },
        )
        proto = onnx.load(path)
        insert_scans(proto, model, OPSET)
    fold_constants(proto)
    log_probs, next_state = proto.graph.output
    _fix_last_dimension(log_probs, len(metadata.tokens))
    _fix_last_dimension(next_state, model.state_size)
    save_onnx(proto, metadata, path)


def save_onnx(proto: onnx.ModelProto, metadata: ModelMetadata, path: Path) -> None:
    """Check a model, put the metadata and the checksum into it, and write it."""
    onnx.checker.check_model(proto, full_check=True)
    onnx.helper.set_model_props(proto, unsealed(metadata))
    content = sealed(proto.SerializeToString())
    if ModelMetadata.from_props(props_of(proto)) != metadata:
        raise ModelError(f"{path}: the metadata changes when it is written; use plain JSON values in it")
    path.write_bytes(content)


def props_of(proto: onnx.ModelProto) -> dict[str, str]:
    """The metadata of a file by key."""
    return {entry.key: entry.value for entry in proto.metadata_props}


def _fix_last_dimension(value: onnx.ValueInfoProto, size: int) -> None:
    """The exporter leaves sizes that it cannot infer as symbols; the runtime reads the state size from the file."""
    dimension = value.type.tensor_type.shape.dim[-1]
    dimension.ClearField("dim_param")
    dimension.dim_value = size
