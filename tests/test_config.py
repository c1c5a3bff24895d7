"""Training configurations that cannot be used: one line with the file and the key, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pydantic")
pytest.importorskip("torch")

import torch

from speech_lstm.cli import main
from speech_lstm.config import AugmentConfig, Config, ConfigError, ModelConfig, load_config

ROOT = Path(__file__).parents[1]
TINY = ROOT / "configs" / "tiny.toml"

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

WRONG = """
data.manifests = [5]
data.manifests = []
data.manifests = [""]
data.manifests = "one.jsonl"
data.packed = ""
data.packed = "nul\\u0000"
data.most_misfit = -1.0
data.max_seconds = 0
data.repeat = 3
data.repeat = {tiny = "twice"}
data.repeat = {tiny = -1}
data.alignments = 5
data.words = 35
model.cell = 5
model.mels = 0
model.mels = 1000
model.hidden = 0
model.hidden = "big"
model.hidden = 320.0
model.hidden = true
model.hidden = 1000000
model.layers = 0
model.layers = -1
model.dropout = 2
model.dropout = 1
model.dropout = -0.1
model.convolution = -1
model.convolution = 1000
model.feed_forward = 17
model.feed_forward = 1.5
model.lookahead_frames = -1
model.lookahead_frames = 51
model.frame_ms = 20
model.frame_ms = "40"
augment.speed = [0, 0]
augment.speed = [1.1, 0.9]
augment.speed = [1.0]
augment.speed = [0.9, 1.0, 1.1]
augment.speed = 1.0
augment.speed = [1e-9, 1.0]
augment.speed_probability = 1.5
augment.warp = [1.14, 0.88]
augment.warp_probability = 1.5
augment.shuffle_probability = 1.5
augment.shuffle_probability = 0.5
augment.curve_probability = 1.5
augment.curve_db = 61
augment.room_probability = 2
augment.noise_probability = -0.5
augment.band_probability = 7
augment.quiet_probability = 1.01
augment.babble_part = nan
augment.rooms = -1
augment.rooms = 1000000000
augment.made_noises = 1000000000
augment.snr_db = "loud"
augment.snr_db = [25, -3]
augment.snr_db = [-1e6, 1e6]
augment.gain_db = ["low", "high"]
augment.gain_db = [-inf, 0]
augment.level_db = -1
augment.time_masks = -3
augment.time_mask_frames = 101
augment.mel_masks = -1
augment.mel_mask_bands = 65
augment.mask_frames = 0
objective.mmi_weight = -1
objective.bigram_smoothing = 0
objective.carry = 3
objective.alignment_weight = 2
objective.alignment_weight = 0.5
objective.alignment_hours = -1
objective.intermediate_weight = 1
objective.intermediate_weight = -0.1
objective.intermediate_layer = 0
objective.intermediate_layer = 33
optimizer.hours = -1
optimizer.hours = 0
optimizer.hours = inf
optimizer.hours = 2026-01-01
optimizer.streams = 0
optimizer.streams = 2.0
optimizer.streams = 10000
optimizer.stream_seconds = 0
optimizer.stream_seconds = -17.4
optimizer.rate = -1
optimizer.rate = 0
optimizer.rate = "fast"
optimizer.matrix_rate = -1
optimizer.warmup_steps = -1
optimizer.decay_part = 5
optimizer.weight_decay = -1
optimizer.clip_norm = -1
optimizer.clip_norm = 0
optimizer.average = 2
optimizer.average = 1
optimizer.augment_ramp_hours = -1
run.folder = ""
run.start = ["a.pt"]
run.seed = -1
run.seed = 1.5
run.seed = 100000000000000000000000
run.threads = 0
run.threads = 1000000
run.workers = -1
run.bfloat16 = "no"
run.bfloat16 = 1
run.checkpoint_seconds = -1
run.evaluate_seconds = -1
run.evaluate_clips = 0
run.folders = "unknown"
nets.layers = 3
"""


def told(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `train` says against a file: one line that begins with its name."""
    assert main(["train", str(path)]) == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) <= 2 and all("left out" in line for line in error[:-1]), error  # the notes on utterances
    start = f"speech-lstm: error: {path}: "
    assert error[-1].startswith(start)
    return error[-1].removeprefix(start)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the decoded audio, which all runs share."""
    return tmp_path_factory.mktemp("packed")


def with_value(folder: Path, name: str, value: str) -> Path:
    """A small configuration with one value of its own."""
    table, key = name.split(".")
    tables = {"data": {"manifests": f'["{TINY.parent}/tiny/manifest.jsonl"]'}, "run": {"folder": '"run"'}}
    tables.setdefault(table, {})[key] = value
    lines = [f"[{each}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()) for each, values in tables.items()]
    path = folder / "wrong.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("line", WRONG.strip().splitlines())
def test_a_value_that_cannot_be_used(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, _, value = line.partition(" = ")
    table, key = name.split(".")
    error = told(with_value(tmp_path, name, value), capsys)
    assert table in error and (key in error or table == "nets"), error
    assert not (tmp_path / "run").exists()


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('seed = 1\n[data]\nmanifests = ["m"]\n[model]\nlayers = 0\nhidden = "big"\n')
    error = told(path, capsys)
    assert error == (
        "model.hidden: should be a valid integer, got 'big'; "
        "model.layers: should be greater than or equal to 1, got 0; seed: unknown key"
    )


def test_whole_numbers_serve_where_fractions_do(tmp_path: Path) -> None:
    config = load_config(with_value(tmp_path, "optimizer.hours", "3"))
    assert config.optimizer.hours == 3.0 and isinstance(config.optimizer.hours, float)
    assert config.augment == AugmentConfig() and isinstance(config, Config)
    with pytest.raises(ValueError, match="layers"):
        ModelConfig(layers=0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("model.cell", '"transformer"', "model.cell transformer: no cell 'transformer'; there are gru, lstm"),
        ("model.hidden", "30", "model.cell lstm_attention: the size of an LSTM with attention must be a multiple of 8"),
        ("optimizer.stream_seconds", "0.6", "optimizer.stream_seconds: no clip of the training data fits"),
        ("data.repeat", "{tiny = 0}", "no clip of the training data fits"),
        ("data.alignments", '"EMPTY"', "data.alignments: {folder}/EMPTY has no times of the training utterances"),
        ("data.manifests", '["EMPTY"]', "data.manifests: no training utterances in {folder}/EMPTY"),
        ("run.start", '"missing.pt"', "run.start: {folder}/missing.pt: cannot be read: No such file or directory"),
        ("run.start", '"EMPTY"', "run.start: {folder}/EMPTY: not a checkpoint of `speech-lstm train`"),
        ("run.start", '"wrong.toml"', "run.start: {folder}/wrong.toml: not a checkpoint of `speech-lstm train`"),
        ("run.start", '"."', "run.start: {folder}: cannot be read: Is a directory"),
        ("run.start", '"other.pt"', "run.start: {folder}/other.pt: not a checkpoint of `speech-lstm train`"),
        ("run.start", '"missing.onnx"', "run.start: {folder}/missing.onnx: cannot be read as an ONNX model"),
        ("run.start", '"empty.onnx"', "run.start: {folder}/empty.onnx: not a model that `speech-lstm export` wrote"),
        ("run.start", f'"{ROOT}/models/default-int8.onnx"', "default-int8.onnx: not a model that `speech-lstm export`"),
    ],
)
def test_a_value_that_does_not_suit_what_is_there(
    name: str, value: str, said: str, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(tmp_path / "EMPTY").touch()
    Path(tmp_path / "empty.onnx").touch()
    torch.save([1, 2], tmp_path / "other.pt")
    path = with_value(tmp_path, name, value)
    text = path.read_text().replace("[data]", f'[data]\npacked = "{packed}"')
    small = "speed_probability = 0.0\nroom_probability = 0.0\nnoise_probability = 0.0"
    cell = '\n[model]\ncell = "lstm_attention"'
    text = text.replace("[model]", cell.strip()) if name == "model.hidden" else text
    path.write_text(f"{text}\n[augment]\n{small}\n")
    error = told(path, capsys)
    assert said.format(folder=tmp_path) in error, error


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_a_run_whose_checkpoint_is_damaged(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = with_value(tmp_path, "augment.room_probability", "0.0")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(content)
    assert main(["train", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "checkpoint.pt: not a checkpoint of `speech-lstm train`" in error


@pytest.mark.parametrize("content", ["5\n", "{}\n", '{"path": "a.wav", "phones": [["AA", 0.1]]}\n', "\x00\n"])
def test_alignments_that_are_none(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alignments.jsonl").write_text(content)
    path = with_value(tmp_path, "data.alignments", '"alignments.jsonl"')
    assert main(["train", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "alignments.jsonl:1: not an alignment by `speech-lstm align`" in error


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[model]\nmels = 6\nconvolution = 4\n[augment]\nmel_mask_bands = 2", "convolution needs at least 8 mels"),
        (
            "[objective]\nintermediate_weight = 0.3\nintermediate_layer = 5",
            "intermediate_layer 5 is above model.layers 4",
        ),
    ],
)
def test_blocks_that_do_not_suit_the_model(table: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "blocks.toml"
    path.write_text(f'[data]\nmanifests = ["m.jsonl"]\n{table}\n')
    with pytest.raises(ConfigError, match=said):
        load_config(path)


def test_words_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = with_value(tmp_path, "data.words", '"missing.txt"')
    assert main(["train", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "missing.txt: cannot be read: No such file or directory" in error
