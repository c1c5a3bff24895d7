"""Export: the ONNX files compute what PyTorch does, however the audio is cut, and int8 really is int8."""

import copy
import dataclasses
import json
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from speech_lstm.acoustic.model import SETTLING, SETTLING_PEAK, AcousticModel
from speech_lstm.cli import main
from speech_lstm.export.checkpoint import describe, load_checkpoint
from speech_lstm.export.halve import halve
from speech_lstm.export.parity import check_parity, chunked_difference, torch_difference
from speech_lstm.export.quantize import quantizable, quantize, strip_unused_initializers
from speech_lstm.export.to_onnx import export_onnx, save_onnx
from speech_lstm.export.weights import grown, read_network
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.metadata import Corpus
from speech_lstm.runtime.model.model import Model

from .conftest import METADATA, Exported

CLIPS = sorted((Path(__file__).parent / "data" / "words").glob("*.opus"))[:3]


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """One second of real speech, float32 [samples]."""
    return read_audio(CLIPS[0])[: 25 * 640]


def test_onnx_agrees_with_pytorch(exported: Exported, clip: np.ndarray) -> None:
    assert torch_difference(exported.trained, Model.load(exported.fp32, device="cpu"), clip) < 1e-4


@pytest.mark.parametrize("chunk", [1, 2, 3, 8, 25])
def test_chunks_agree_with_the_whole(exported: Exported, clip: np.ndarray, chunk: int) -> None:
    assert chunked_difference(Model.load(exported.fp32, device="cpu"), clip, chunk) < 1e-4


def test_streams_in_a_batch_do_not_touch_each_other(exported: Exported, clip: np.ndarray) -> None:
    model = Model.load(exported.fp32, device="cpu")
    audio = np.stack([clip, clip[::-1], 0 * clip])
    together, _ = model.run(audio, model.initial_state(3))
    for row, expected in zip(audio, together, strict=True):
        alone, _ = model.run(row[None], model.initial_state())
        np.testing.assert_allclose(alone[0], expected, atol=1e-4)


def test_every_lstm_and_projection_is_quantized_and_the_front_end_is_not(exported: Exported) -> None:
    fp32, int8 = onnx.load(exported.fp32), onnx.load(exported.int8)
    expected = quantizable(fp32)
    assert Model.load(exported.int8, device="cpu").metadata.precision == "int8"
    lstms = sum(isinstance(module, torch.nn.LSTM) for module in exported.trained.modules())
    found = Counter(node.op_type for node in int8.graph.node)
    assert expected["LSTM"] == found["DynamicQuantizeLSTM"] == lstms and not found["LSTM"]
    assert expected["projection"] == found["MatMulInteger"] >= 2

    def front_end(proto: onnx.ModelProto) -> Counter[str]:
        return Counter(node.op_type for node in proto.graph.node if node.name.startswith("/frontend/"))

    assert front_end(fp32) == front_end(int8)
    kept = len(int8.graph.initializer)
    strip_unused_initializers(int8)
    assert len(int8.graph.initializer) == kept


def test_quantized_output_stays_close(exported: Exported, clip: np.ndarray) -> None:
    fp32, int8 = (Model.load(path, device="cpu") for path in (exported.fp32, exported.int8))
    assert int8.path.stat().st_size < fp32.path.stat().st_size
    expected, _ = fp32.run(clip[None], fp32.initial_state())
    found, _ = int8.run(clip[None], int8.initial_state())
    assert 0 < np.abs(found - expected).max() < 0.2


def test_a_graph_whose_lstms_cannot_be_quantized_is_an_error(exported: Exported, tmp_path: Path) -> None:
    """Weights that reach an LSTM through another node, as the dynamo exporter's do, are skipped silently otherwise."""
    proto = onnx.load(exported.fp32)
    lstm = next(node for node in proto.graph.node if node.op_type == "LSTM")
    proto.graph.node.insert(0, onnx.helper.make_node("Identity", [lstm.input[1]], ["indirect"]))
    lstm.input[1] = "indirect"
    save_onnx(proto, METADATA, tmp_path / "indirect.onnx")
    with pytest.raises(ModelError, match=r"quantized .* of .*; export it with the TorchScript exporter"):
        quantize(tmp_path / "indirect.onnx", tmp_path / "int8.onnx")
    assert not (tmp_path / "int8.onnx").exists()


def test_weights_in_half_precision_change_nothing_but_the_size(exported: Exported, tmp_path: Path) -> None:
    path = tmp_path / "halved.onnx"
    path.write_bytes(exported.fp32.read_bytes())
    halve(path)
    fp32, halved = (Model.load(file, device="cpu") for file in (exported.fp32, path))
    audio = read_audio(CLIPS[0])[None, :6400]
    expected, found = (model.run(audio, model.initial_state()) for model in (fp32, halved))
    assert all(map(np.array_equal, expected, found))
    matrices = [p for p in exported.trained.parameters() if p.numel() >= 10_000]
    saved = exported.fp32.stat().st_size - path.stat().st_size
    assert saved == pytest.approx(2 * sum(p.numel() for p in matrices), abs=1000)
    assert halved.metadata == fp32.metadata


def test_parity_on_real_recordings(exported: Exported) -> None:
    fp32, int8 = (Model.load(path, device="cpu") for path in (exported.fp32, exported.int8))
    parity = check_parity(exported.trained, fp32, int8, [read_audio(path) for path in CLIPS])
    assert max(parity.torch, parity.chunked) < 1e-4
    assert 0 <= parity.quantized_errors <= parity.phones


def test_parity_notices_other_weights(exported: Exported) -> None:
    fp32, int8 = (Model.load(path, device="cpu") for path in (exported.fp32, exported.int8))
    other = type(exported.trained)(len(TOKENS), hidden=64, layers=2)
    with pytest.raises(ModelError, match="differs from PyTorch"):
        check_parity(other, fp32, int8, [read_audio(CLIPS[0])])


def test_metadata_that_json_cannot_hold_is_refused(exported: Exported, tmp_path: Path) -> None:
    metadata = dataclasses.replace(METADATA, calibration={"pair": (1, 2)})
    with pytest.raises(ModelError, match="use plain JSON values"):
        save_onnx(onnx.load(exported.int8), metadata, tmp_path / "pair.onnx")
    assert not (tmp_path / "pair.onnx").exists()


@pytest.fixture
def checkpoint(exported: Exported, tmp_path: Path) -> Path:
    """A checkpoint whose averaged weights are those of the tiny model and whose last ones are not."""
    trained = exported.trained
    weights = {name: value.clone() for name, value in trained.state_dict().items()}
    path = tmp_path / "checkpoint.pt"
    config = {"model": {"hidden": trained.hidden, "layers": trained.layers, "mels": trained.mels, "dropout": 0.1}}
    last = {name: 0 * value for name, value in weights.items()}
    torch.save({"config": config, "tokens": list(TOKENS), "model": last, "average": weights}, path)
    return path


def test_the_command_exports_the_averaged_weights_with_what_was_measured(
    exported: Exported, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], clip: np.ndarray
) -> None:
    measured = tmp_path / "measured.json"
    training_data = [{"name": "LibriSpeech", "licence": "CC BY 4.0", "hours": 6.1}]
    measured.write_text(json.dumps({"training_data": training_data, "decoder": {"blank_offset": 2.75}}))
    options = ["--out", str(tmp_path), "--name", "tiny", "--metadata", str(measured), "--check", *map(str, CLIPS)]
    assert main(["export", str(checkpoint), *options]) == 0
    assert "phones otherwise than fp32" in capsys.readouterr().out
    settled = copy.deepcopy(exported.trained)
    settled.settle()
    assert torch_difference(settled, Model.load(tmp_path / "tiny-fp32.onnx", device="cpu"), clip) < 1e-4
    metadata = Model.load(tmp_path / "tiny-int8.onnx", device="cpu").metadata
    assert metadata.training_data == (Corpus("LibriSpeech", "CC BY 4.0", 6.1),)
    assert metadata.decoder == {"blank_offset": 2.75} and metadata.accuracy == {}
    assert metadata.architecture == "LSTM 2 x 64" and metadata.tokens == TOKENS
    assert metadata.parameters == sum(parameter.numel() for parameter in exported.trained.parameters())


def test_models_that_are_there_stay_until_the_new_ones_are_whole(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [tmp_path / f"tiny-{kind}.onnx" for kind in ("fp32", "int8")]
    for file in old:
        file.write_text("before")
    options = ["export", str(checkpoint), "--out", str(tmp_path), "--name", "tiny"]
    assert main([*options, "--check", str(tmp_path / "none.wav")]) == 1
    assert "none.wav" in capsys.readouterr().err
    command = f"ulimit -f 100; exec {sys.executable} -m speech_lstm.cli {shlex.join(options)}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 1 and f"--out {tmp_path}: cannot be written" in done.stderr, done.stderr
    assert [file.read_text() for file in old] == ["before", "before"]
    assert not list(tmp_path.glob(".*"))


def test_a_settled_model_begins_as_after_silence(clip: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = AcousticModel(len(TOKENS), hidden=32, layers=2, convolution=4).eval()
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    silence = torch.zeros(1, round(SETTLING / model.frame_seconds) * model.frame_samples)
    with torch.inference_mode():
        _, after = model(silence, model.initial_state(1))
        expected, expected_state = model(torch.from_numpy(clip[None]), after)
    unsettled = copy.deepcopy(model)
    model.settle()
    export_onnx(model, describe(model), tmp_path / "fp32.onnx")
    settled = Model.load(tmp_path / "fp32.onnx", device="cpu")
    log_probs, state = settled.run(clip[None], settled.initial_state())
    np.testing.assert_allclose(log_probs, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(state + after.numpy(), expected_state.numpy(), atol=1e-4)
    torch.testing.assert_close(read_network(tmp_path / "fp32.onnx").start, model.start)
    assert not unsettled.start.any() and torch_difference(unsettled, settled, clip) > 1e-3


def test_streams_begin_with_the_mean_of_what_speech_leaves_behind(
    exported: Exported, checkpoint: Path, tmp_path: Path, clip: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "manifest.jsonl"
    rows = [
        {"audio_filepath": str(file), "duration": 1.0, "text": "x", "speaker": "s", "split": split}
        for file, split in [*((file, "train") for file in CLIPS), (CLIPS[0].with_name("missing.opus"), "dev")]
    ]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    options = ["export", str(checkpoint), "--out", str(tmp_path), "--name", "tiny", "--begin", str(manifest)]
    assert main(options) == 0
    network, frame = copy.deepcopy(exported.trained), exported.trained.frame_samples
    silence = torch.zeros(round(SETTLING / network.frame_seconds) * frame)
    states = []
    for file in CLIPS:
        audio = torch.from_numpy(read_audio(file))
        whole = audio[: len(audio) // frame * frame]
        heard = torch.cat([whole * SETTLING_PEAK / whole.abs().max(), silence])
        with torch.inference_mode():
            states.append(network(heard[None], network.initial_state(1))[1])
    start = torch.cat(states).mean(0)
    start[: network.state_size - network.memory_size] = 0  # nothing was heard just before
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(clip[None]), start[None])
    begun = Model.load(tmp_path / "tiny-fp32.onnx", device="cpu")
    np.testing.assert_allclose(begun.run(clip[None], begun.initial_state())[0], expected.numpy(), atol=1e-4)
    manifest.write_text(json.dumps(rows[-1]))
    capsys.readouterr()
    assert main(options) == 1
    assert "manifest.jsonl: has no recording of split 'train'" in capsys.readouterr().err


def test_weights_of_a_convolution_come_back_from_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = AcousticModel(len(TOKENS), hidden=32, layers=2, convolution=4)
    for parameter in model.parameters():
        parameter.data += torch.rand_like(parameter)
    export_onnx(model, describe(model), tmp_path / "fp32.onnx")
    weights = read_network(tmp_path / "fp32.onnx").state_dict()
    assert weights.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(weights[name], value)


def test_only_whole_layers_and_a_whole_convolution_come_to_weights() -> None:
    network = AcousticModel(len(TOKENS), hidden=32, layers=3, convolution=4)
    weights = network.state_dict()
    assert grown(weights, network).keys() == weights.keys()
    for gone in ("norms.1.weight", "cells.0.lstm.bias_hh_l0", "convolution.filters.bias", "project.weight"):
        left = {name: value for name, value in weights.items() if name != gone}
        assert gone not in grown(left, network)
    fewer = {name: value for name, value in weights.items() if not name.startswith(("cells.2", "norms.2", "conv"))}
    assert grown(fewer, network).keys() == weights.keys()
    others = AcousticModel(len(TOKENS), cell="gru", hidden=32, layers=3)
    fewer = {name: value for name, value in others.state_dict().items() if not name.startswith(("cells.2", "norms.2"))}
    assert grown(fewer, others).keys() == fewer.keys()  # what a layer of them adds at first is not known


def test_weights_come_back_where_sizes_are_alike_and_not_from_other_cells(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = AcousticModel(len(TOKENS), hidden=60, layers=1, convolution=4)  # its convolution gives 60 values as well
    for parameter in model.parameters():
        parameter.data += torch.rand_like(parameter)
    export_onnx(model, describe(model), tmp_path / "alike.onnx")
    weights = read_network(tmp_path / "alike.onnx").state_dict()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(weights[name], value)
    other = AcousticModel(len(TOKENS), cell="gru", hidden=16, layers=1)
    export_onnx(other, describe(other), tmp_path / "gru.onnx")
    with pytest.raises(ModelError, match="is GRU 1 x 16; of an ONNX file only an LSTM can be read"):
        read_network(tmp_path / "gru.onnx")


def test_weights_of_an_earlier_model_are_mixed_in(exported: Exported, checkpoint: Path, tmp_path: Path) -> None:
    model = copy.deepcopy(exported.trained)
    for parameter in model.parameters():
        parameter.data += torch.rand_like(parameter)  # of equal weights the exporter would write one
    export_onnx(model, METADATA, tmp_path / "before.onnx")
    later = torch.load(checkpoint, weights_only=True)
    later["average"] = {name: 3 * value for name, value in model.state_dict().items()}
    torch.save(later, tmp_path / "later.pt")
    mixed, _ = load_checkpoint(tmp_path / "later.pt", tmp_path / "before.onnx", share=0.25)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(mixed.state_dict()[name], 2.5 * value, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_what_is_no_checkpoint_is_one_clear_line(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    assert main(["export", str(path), "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "other.pt: not a checkpoint" in printed.err and len(printed.err.splitlines()) == 1


def test_a_checkpoint_of_another_program_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    assert main(["export", str(tmp_path / "other.pt"), "--out", str(tmp_path)]) == 1
    assert "not a checkpoint of `speech-lstm train`: lacks config, tokens" in capsys.readouterr().err


def test_a_checkpoint_of_other_tokens_is_refused(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(torch.load(checkpoint) | {"tokens": ["<blank>", "a", "b"]}, checkpoint)
    assert main(["export", str(checkpoint), "--out", str(tmp_path)]) == 1
    assert "its tokens are not this package's phones" in capsys.readouterr().err


def test_unknown_metadata_is_refused(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "measured.json").write_text('{"accurracy": {}}')
    options = ["--out", str(tmp_path), "--metadata", str(tmp_path / "measured.json")]
    assert main(["export", str(checkpoint), *options]) == 1
    assert "unknown accurracy; expected any of language" in capsys.readouterr().err
