"""The picture of a network at work, and the numbers in it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

import torch

from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.cli import main
from speech_lstm.evaluation.explain import load_network, look_inside
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.tokens import TOKENS

CLIP = next((Path(__file__).parent / "data" / "words").glob("backward_*.opus"))


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
def test_gates_are_those_that_make_the_output(cell: str) -> None:
    torch.manual_seed(0)
    layer = CELLS[cell](16)
    x, state = torch.randn(2, 30, 16), 0.1 * torch.rand(2, layer.state_size)
    with torch.no_grad():
        gates, (y, _) = layer.gates(x, state), layer(x, state)  # type: ignore[operator]
    assert all(gates[name].min() >= 0 and gates[name].max() <= 1 for name in ("input", "forget", "output"))
    read = gates["cell"].tanh() if cell == "lstm" else gates["cell"]
    assert torch.allclose(gates["output"] * read, y, atol=1e-5)


def test_the_command_draws_the_shipped_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "backward.picture"  # a PNG whatever it is called
    assert main(["explain", str(CLIP), "--text", "backward", "--out", str(picture)]) == 0
    assert capsys.readouterr().out.split() == [str(picture)]
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20_000


def test_a_settled_network_is_seen_from_where_it_begins() -> None:
    torch.manual_seed(0)
    network = AcousticModel(len(TOKENS), hidden=16, layers=1).eval()
    network.settle()
    inside = look_inside(network, read_audio(CLIP))
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(inside.audio[None]), network.initial_state(1))
    assert network.start.any() and np.allclose(inside.posteriors, expected[0].exp().numpy(), atol=1e-5)


def test_words_lie_in_their_order_in_the_recording() -> None:
    inside = look_inside(load_network("default"), read_audio(CLIP), "backward")
    ((word, start, end),) = inside.words
    assert word == "backward" and 0 <= start < end <= len(inside.audio) / 16000
    assert np.allclose(inside.posteriors.sum(1), 1, atol=1e-4)


def test_a_cell_without_gates_is_one_clear_line() -> None:
    with pytest.raises(SpeechLstmError, match="'gru' has no gates to draw; lstm, slstm have"):
        look_inside(AcousticModel(len(TOKENS), cell="gru", hidden=16, layers=1).eval(), read_audio(CLIP))


def test_without_matplotlib_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else there(name))
    assert main(["explain", str(CLIP)]) == 1
    assert "pip install 'speech-lstm[train,explain]'" in capsys.readouterr().err
