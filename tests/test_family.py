"""The comparison of the cells, on the recordings of the tests and for seconds only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from benchmarks import family
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import ConfigError, ModelConfig, load_config
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model

TINY = Path(__file__).parents[1] / "configs" / "tiny.toml"


@pytest.mark.parametrize("cell", ["lstm", "xlstm"])
def test_the_size_is_the_largest_within_the_limit(cell: str) -> None:
    config = ModelConfig(cell=cell, layers=2)
    hidden = family.size_within(config, lambda model: family.parameters(model) <= 200_000)

    def count(size: int) -> int:
        return family.parameters(AcousticModel(len(TOKENS), cell, hidden=size, layers=2))

    assert count(hidden) <= 200_000 < count(hidden + 8)


def test_a_cell_comes_with_blocks() -> None:
    model = family.with_cell(load_config(TINY), "gru+convolution=16+feed_forward=2").model
    assert (model.cell, model.convolution, model.feed_forward, model.hidden) == ("gru", 16, 2, 160)
    config = family.with_cell(load_config(TINY), "lstm+seed=2+frame_ms=30+mmi_weight=0.5")
    assert (config.run.seed, config.model.frame_ms, config.objective.mmi_weight) == (2, 30, 0.5)
    for name, said in (
        ("grus", "no cell 'grus'"),
        ("gru+size=3", "size: unknown key"),
        ("gru+convolution=x", "convolution: should be a valid integer"),
        ("gru+mels=40", "all cells hear the same features"),
    ):
        with pytest.raises(ConfigError, match=said):
            family.with_cell(load_config(TINY), name)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_cells_are_compared_and_a_second_run_only_measures_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family.SharingTrainer, "first", None)
    text = TINY.read_text().replace("tiny/manifest", f"{TINY.parent}/tiny/manifest")
    (tmp_path / "tiny.toml").write_text(text.replace("../runs/tiny/packed", "packed"))
    call = [str(tmp_path / "tiny.toml"), "--seconds", "2", "--parameters", "5e4", "--out", str(tmp_path / "out")]
    assert family.main([*call, "--cells", "lstm", "gru"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "family.jsonl").read_text().splitlines()]
    assert [row["cell"] for row in rows] == ["lstm", "gru"]
    assert all(row["parameters"] <= 5e4 and row["hours"] > 0 and row["errors"]["tiny"] > 0 for row in rows)
    assert Model.load(tmp_path / "out" / "gru" / "int8.onnx").metadata.architecture.startswith("GRU 2 x")
    lines = (tmp_path / "out" / "family.md").read_text().splitlines()
    assert len(lines) == 4 and capsys.readouterr().out.splitlines()[-4:] == lines  # progress is before them
    assert (tmp_path / "out" / "family.png").read_bytes().startswith(b"\x89PNG")
    trained = (tmp_path / "out" / "lstm" / "fp32.onnx").stat().st_mtime_ns
    assert family.main([*call, "--cells", "lstm", "gru"]) == 0
    assert (tmp_path / "out" / "lstm" / "fp32.onnx").stat().st_mtime_ns == trained
