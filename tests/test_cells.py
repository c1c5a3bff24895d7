"""Every recurrent cell in the acoustic model: parts equal the whole, in PyTorch and as an exported file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import onnx
import torch

from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.cells.mlstm import MlstmStep, chunkwise
from speech_lstm.acoustic.cells.recurrence import repeat
from speech_lstm.acoustic.cells.slstm import SlstmCell
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.export.checkpoint import describe
from speech_lstm.export.halve import halve
from speech_lstm.export.parity import torch_difference
from speech_lstm.export.quantize import quantize
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


@dataclass(frozen=True)
class Files:
    """A small network with a cell, and its files."""

    network: AcousticModel
    fp32: Path
    int8: Path
    staying: tuple[str, ...]


@pytest.fixture(scope="module", params=sorted(CELLS))
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    torch.manual_seed(0)
    network = AcousticModel(len(TOKENS), cell=request.param, hidden=32, layers=2).eval()
    for parameter in network.cells.parameters():  # what begins with zeros must count
        parameter.data += 0.05 * torch.randn_like(parameter)
    folder = tmp_path_factory.mktemp(request.param)
    fp32, int8 = folder / "fp32.onnx", folder / "int8.onnx"
    export_onnx(network, describe(network), fp32)
    staying = quantize(fp32, int8)
    halve(fp32)
    return Files(network, fp32, int8, staying)


def noise(streams: int, frames: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((streams, frames * 640)).astype(np.float32)


def in_chunks(model: Model, audio: np.ndarray, frames: int = 1) -> np.ndarray:
    state, parts = model.initial_state(len(audio)), []
    for start in range(0, audio.shape[1], frames * 640):
        log_probs, state = model.run(audio[:, start : start + frames * 640], state)
        parts.append(log_probs)
    return np.concatenate(parts, 1)


def test_exported_file_streams_like_the_network(files: Files) -> None:
    model = Model.load(files.fp32, device="cpu")
    assert files.network.cell.split("_")[0].upper() in model.metadata.architecture.upper()
    assert model.metadata.precision == "fp32"
    audio = noise(2, FRAMES)
    with torch.no_grad():
        expected, _ = files.network(torch.from_numpy(audio), files.network.initial_state(2))
    assert np.abs(in_chunks(model, audio) - expected.numpy()).max() < 1e-4
    assert np.abs(in_chunks(model, audio, FRAMES) - expected.numpy()).max() < 1e-4
    assert torch_difference(files.network, model, audio[0]) < 1e-4  # the state, too


def test_int8_streams_close_to_fp32_and_says_what_it_is(files: Files) -> None:
    fp32, int8 = (Model.load(path, device="cpu") for path in (files.fp32, files.int8))
    audio = noise(1, FRAMES)
    assert np.abs(in_chunks(int8, audio) - in_chunks(fp32, audio)).mean() < 0.1
    kinds = {"rnn": "RNN", "gru": "GRU", "slstm": "Scan", "mlstm": "Scan", "xlstm": "Scan", "lstm_attention": "Scan"}
    kind = kinds.get(files.network.cell)
    assert int8.metadata.precision == (f"int8, {kind} in fp32" if kind else "int8")
    assert {name.split()[0] for name in files.staying} == ({kind} if kind else set())
    operators = Counter(node.op_type for node in onnx.load(files.int8).graph.node)
    assert len(files.staying) == sum(operators[name] for name in ("RNN", "GRU", "Scan", "LSTM"))
    assert operators["DynamicQuantizeLSTM"] == (2 if files.network.cell.startswith("lstm") else 0)


def test_every_cell_trains(cell: str) -> None:
    """To say, after a pause, which of two inputs it began with."""
    torch.manual_seed(0)
    layer, head = CELLS[cell](16), torch.nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], 0.01)
    which = torch.arange(8) % 2
    x = torch.zeros(8, 20, 16)
    x[torch.arange(8), 0, which] = 3.0
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(head(layer(x, torch.zeros(8, layer.state_size))[0][:, -1]), which)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())
        optimizer.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize("extreme", [1.0, 100.0])
def test_slstm_is_what_the_paper_says(extreme: float) -> None:
    """Equations 8 to 17 and 15 to 17 (the stabiliser) of Beck et al. 2024, one head after another, in float64."""
    random = np.random.default_rng(1)
    size, frames, head = 16, 1000, 4
    cell = SlstmCell(size).eval()
    torch.nn.init.normal_(cell.step.recurrent, std=0.3)
    x = random.standard_normal((frames, size)).astype(np.float32)
    with torch.no_grad():
        cell.input.weight.mul_(extreme)
        heard = cell(torch.from_numpy(x)[None], torch.zeros(1, cell.state_size))[0][0].numpy()
        given = cell.input(torch.from_numpy(x)).double().numpy().reshape(frames, 4, 4, head)
    recurrent = cell.step.recurrent.detach().double().numpy()
    h, c, n, m = (np.zeros((4, head)) for _ in range(4))
    expected = np.zeros((frames, 4, head))
    for t in range(frames):
        for k in range(4):
            z, i, f, o = given[t, k] + (h[k] @ recurrent[k]).reshape(4, head)
            log_f = -np.logaddexp(0, -f)
            new = i if t == 0 else np.maximum(i, log_f + m[k])
            c[k] = np.exp(log_f + m[k] - new) * c[k] + np.exp(i - new) * np.tanh(z) if t else np.tanh(z)
            n[k] = np.exp(log_f + m[k] - new) * n[k] + np.exp(i - new) if t else 1.0
            m[k] = new
            h[k] = c[k] / n[k] / (1 + np.exp(-o))
            expected[t, k] = h[k]
    assert np.isfinite(heard).all()
    assert np.abs(heard - expected.reshape(frames, size)).max() < (1e-4 if extreme == 1 else 1e-2)


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("way", ["steps", "blocks"])
def test_mlstm_is_what_the_paper_says(scale: float, way: str) -> None:
    """Equations 19 to 27 of Beck et al. 2024 in float64, with gates from -3 to 3 and from -300 to 300."""
    random = np.random.default_rng(2)
    head, frames = 8, 1000
    step = MlstmStep(4 * head)
    x = random.standard_normal((frames, step.inputs)).astype(np.float32)
    x[:, -8:] *= scale
    inputs, state = torch.from_numpy(x)[None], torch.zeros(1, step.state_size)
    if way == "steps":
        heard, end = repeat(step, inputs, state)
    else:
        query, key, value, enter, keep = (part.transpose(1, 2) for part in step.split(inputs))
        blocks, memory = chunkwise(query, key, value, enter, keep, step.memory(state))
        heard, end = blocks.transpose(1, 2).flatten(2), torch.cat([part.flatten(1) for part in memory], 1)
    q, k, v = (x[:, 32 * part : 32 * part + 32].astype(float).reshape(frames, 4, head) for part in range(3))
    i, f = x[:, 96:100].astype(float), x[:, 100:].astype(float)
    c, n, m = np.zeros((4, head, head)), np.zeros((4, head)), np.zeros(4)
    expected = np.zeros((frames, 4, head))
    for t in range(frames):
        for each in range(4):
            log_f = -np.logaddexp(0, -f[t, each])
            new = max(i[t, each], log_f + m[each])
            keep, take = np.exp(log_f + m[each] - new), np.exp(i[t, each] - new)
            key = k[t, each] / np.sqrt(head)
            c[each] = keep * c[each] + take * np.outer(key, v[t, each])
            n[each], m[each] = keep * n[each] + take * key, new
            floor = max(abs(n[each] @ q[t, each]), np.exp(min(-new, 700)))
            expected[t, each] = c[each].T @ q[t, each] / floor
    assert heard.isfinite().all() and end.isfinite().all()
    wrong = np.abs(heard[0].numpy() - expected.reshape(frames, -1)) / np.maximum(
        1, np.abs(expected.reshape(frames, -1))
    )
    assert wrong.max() < 1e-3 and np.median(wrong) < 1e-5
    assert (
        np.abs(step.memory(end)[0][0].numpy() - c).max() < 1e-3
        and np.abs(step.memory(end)[2][0].numpy() - m).max() < 1e-3
    )
