"""Every recurrent cell in the acoustic model: parts equal the whole, in PyTorch and as an exported file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.export.checkpoint import describe
from speech_lstm.export.to_onnx import export_onnx
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model

FRAMES = 50


@pytest.fixture(params=sorted(CELLS))
def cell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_frames_one_by_one_are_the_sequence(cell: str) -> None:
    torch.manual_seed(0)
    layer = CELLS[cell](24).eval()
    x = torch.randn(2, FRAMES, 24)
    state = torch.zeros(2, layer.state_size)
    with torch.no_grad():
        whole, end = layer(x, state)
        parts = []
        for frame in range(FRAMES):
            y, state = layer(x[:, frame : frame + 1], state)
            parts.append(y)
    assert whole.shape == x.shape and end.shape == (2, layer.state_size)
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5) and torch.allclose(state, end, atol=1e-5)


def test_what_was_heard_before_matters(cell: str) -> None:
    torch.manual_seed(0)
    layer = CELLS[cell](24).eval()
    x = torch.randn(1, FRAMES, 24)
    other = x.clone()
    other[0, 0] += 1
    with torch.no_grad():
        first, second = (layer(v, torch.zeros(1, layer.state_size))[0] for v in (x, other))
    assert (first[0, 5] - second[0, 5]).abs().max() > 1e-6


def test_exported_file_streams_like_the_network(cell: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = AcousticModel(len(TOKENS), cell=cell, hidden=32, layers=2).eval()
    path = tmp_path / "model.onnx"
    export_onnx(network, describe(network), path)
    model = Model.load(path, device="cpu")
    assert cell.split("_")[0].upper() in model.metadata.architecture.upper()
    audio = 0.1 * np.random.default_rng(0).standard_normal((2, FRAMES * 640)).astype(np.float32)
    with torch.no_grad():
        expected, _ = network(torch.from_numpy(audio), network.initial_state(2))
    state, parts = model.initial_state(2), []
    for start in range(0, audio.shape[1], 640):
        log_probs, state = model.run(audio[:, start : start + 640], state)
        parts.append(log_probs)
    assert np.abs(np.concatenate(parts, 1) - expected.numpy()).max() < 1e-4
