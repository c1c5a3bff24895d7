"""Loading a model: what it promises when it works, and one clear error when it cannot."""

import dataclasses
import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from speech_lstm import models
from speech_lstm.export.to_onnx import save_onnx
from speech_lstm.runtime.errors import AudioError, DeviceError, ModelError
from speech_lstm.runtime.model.cuda import why_no_cuda
from speech_lstm.runtime.model.metadata import CHECKSUM, FORMAT_VERSION, sealed
from speech_lstm.runtime.model.model import Model

from .conftest import METADATA, Exported

no_cuda = pytest.mark.skipif(why_no_cuda() is None, reason="this machine has a CUDA device")


def test_a_model_turns_batches_of_audio_into_distributions(exported: Exported) -> None:
    model = Model.load(exported.int8, device="cpu")
    assert model.metadata == dataclasses.replace(METADATA, precision="int8")
    assert (model.path, model.device) == (exported.int8, "cpu")
    audio = np.random.default_rng(0).normal(0, 0.1, (3, 4 * 640)).astype(np.float32)
    log_probs, state = model.run(audio, model.initial_state(3))
    assert log_probs.shape == (3, 4, 40) and state.shape == (3, model.state_size)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=2), 1, atol=1e-5)
    assert np.abs(state).max() > 0


def test_a_clip_is_heard_to_its_end(exported: Exported) -> None:
    model = Model.load(exported.fp32, device="cpu")
    audio = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    padded = np.pad(audio, (0, model.metadata.padded_samples(len(audio)) - len(audio)))
    whole, _ = model.run(padded[None], model.initial_state())
    assert len(padded) == 35 * 640
    np.testing.assert_array_equal(model.log_probs(audio), whole[0])
    np.testing.assert_allclose(model.log_probs(audio, block_samples=1280), whole[0], atol=1e-4)
    _, state = model.run(padded[None], model.initial_state())
    assert np.abs(model.log_probs(audio, state) - whole[0]).max() > 1e-3


@pytest.mark.parametrize(
    "audio", [np.zeros((1, 641), "f4"), np.zeros((1, 0), "f4"), np.zeros(640, "f4"), np.zeros((1, 640), "f8")]
)
def test_audio_that_does_not_fit_is_refused(exported: Exported, audio: np.ndarray) -> None:
    model = Model.load(exported.int8, device="cpu")
    with pytest.raises(AudioError, match=r"expected float32 .* multiple of 640 samples"):
        model.run(audio, model.initial_state())


def test_a_state_that_does_not_fit_is_refused(exported: Exported) -> None:
    model = Model.load(exported.int8, device="cpu")
    with pytest.raises(AudioError, match=re.escape(f"expected float32 [1, {model.state_size}]")):
        model.run(np.zeros((1, 640), np.float32), model.initial_state(2))


def test_a_foreign_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.onnx"
    onnx.save(identity("x", "y"), path)
    with pytest.raises(ModelError, match=r"foreign\.onnx: not a speech-lstm model"):
        Model.load(path)


def test_a_network_that_is_not_what_the_metadata_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.onnx"
    save_onnx(identity("audio", "log_probs"), METADATA, path)
    with pytest.raises(ModelError, match="does not fit its metadata: expected float audio"):
        Model.load(path)


def test_fewer_tokens_than_outputs_is_refused(exported: Exported, tmp_path: Path) -> None:
    path = tmp_path / "tokens.onnx"
    save_onnx(onnx.load(exported.fp32), dataclasses.replace(METADATA, tokens=METADATA.tokens[:-1]), path)
    with pytest.raises(ModelError, match=r"log_probs \[batch, frames, 39\]; found .* 40\]"):
        Model.load(path)


def resealed(proto: onnx.ModelProto) -> bytes:
    """A file that was changed, with the checksum of what it is now."""
    next(entry for entry in proto.metadata_props if entry.key == CHECKSUM).value = "0" * 64
    return sealed(proto.SerializeToString())


def test_a_network_that_fails_is_a_model_error(exported: Exported, tmp_path: Path) -> None:
    proto = onnx.load(exported.fp32)
    gather = [node for node in proto.graph.node if node.op_type == "Gather"][-1]  # of the states of the layers
    index = next(node for node in proto.graph.node if gather.input[1] in node.output)
    index.attribute[0].t.CopyFrom(numpy_helper.from_array(np.array(7), "index"))  # of one
    path = tmp_path / "fails.onnx"
    path.write_bytes(resealed(proto))
    model = Model.load(path, device="cpu")
    with pytest.raises(ModelError, match=r"fails\.onnx: the network cannot be run: [^\n]*; export it again[^\n]*$"):
        model.run(np.zeros((1, 640), np.float32), model.initial_state())


@pytest.mark.parametrize("kind", ["flipped", "cut", "longer"])
def test_a_damaged_file_is_refused_before_native_code_reads_it(exported: Exported, tmp_path: Path, kind: str) -> None:
    content = bytearray(exported.int8.read_bytes())
    if kind == "flipped":
        content[len(content) // 2] ^= 1
    path = tmp_path / "damaged.onnx"
    path.write_bytes(bytes(content[100:]) if kind == "cut" else bytes(content) + b"\0" * (kind == "longer"))
    with pytest.raises(ModelError, match=r"damaged\.onnx: damaged: the checksum does not match"):
        Model.load(path, device="cpu")


def test_a_model_that_onnxruntime_refuses_is_one_line(exported: Exported, tmp_path: Path) -> None:
    proto = onnx.load(exported.fp32)
    proto.ir_version = 999
    path = tmp_path / "future.onnx"
    path.write_bytes(resealed(proto))
    with pytest.raises(ModelError, match=r"^[^\n]*future\.onnx: ONNX Runtime \S+ cannot load the model: [^\n]*$"):
        Model.load(path, device="cpu")


def test_a_newer_format_says_to_upgrade(exported: Exported, tmp_path: Path) -> None:
    proto = onnx.load(exported.int8)
    next(entry for entry in proto.metadata_props if entry.key == "format_version").value = str(FORMAT_VERSION + 1)
    path = tmp_path / "newer.onnx"
    path.write_bytes(resealed(proto))
    with pytest.raises(ModelError, match=r"newer\.onnx: .* pip install --upgrade speech-lstm"):
        Model.load(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("whisper", "no model 'whisper'; expected an .onnx file or a shipped model's name"),
        ("gone.onnx", "gone.onnx: cannot be read: No such file"),
        (Path(__file__).parent, "cannot be read: Is a directory"),
    ],
)
def test_a_missing_model_is_named(name: str | Path, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model.load(name)


def test_wrong_options_are_refused(exported: Exported) -> None:
    with pytest.raises(DeviceError, match="'tpu', expected 'auto', 'cpu' or 'cuda'"):
        Model.load(exported.int8, device="tpu")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads is 0"):
        Model.load(exported.int8, threads=0)


@no_cuda
def test_cuda_without_cuda_names_the_reason(exported: Exported) -> None:
    with pytest.raises(DeviceError, match=r"cannot be used: (no NVIDIA driver|the NVIDIA driver|this ONNX Runtime)"):
        Model.load(exported.int8, device="cuda")


@no_cuda
def test_auto_falls_back_with_one_log_line_and_silence_elsewhere(exported: Exported) -> None:
    code = (
        "import logging; logging.basicConfig(level='INFO')\n"
        "from speech_lstm.runtime.model.model import Model\n"
        f"assert [Model.load({str(exported.int8)!r}).device for _ in range(2)] == ['cpu', 'cpu']"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout
    assert re.fullmatch(r"INFO:speech_lstm\.runtime\.model\.model:using the CPU: .*\n", done.stderr)


def test_cuda_libraries_that_are_missing_are_a_fallback_or_an_error(
    exported: Exported,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A machine whose driver has a device while the libraries of CUDA do not load."""
    session = onnxruntime.InferenceSession(exported.fp32, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    if "CUDAExecutionProvider" in session.get_providers():
        pytest.skip("CUDA works here")
    monkeypatch.setattr("speech_lstm.runtime.model.model.why_no_cuda", lambda: None)
    capfd.readouterr()
    with caplog.at_level(logging.INFO):
        assert Model.load(exported.fp32).device == "cpu"
    with pytest.raises(DeviceError, match="cannot load the CUDA and cuDNN libraries"):
        Model.load(exported.fp32, device="cuda")
    assert len(caplog.messages) == 1
    with caplog.at_level(logging.INFO):
        assert Model.load(exported.int8).device == "cpu"
    with pytest.raises(DeviceError, match="has int8 LSTMs, for which CUDA has no kernels; take an fp32 file"):
        Model.load(exported.int8, device="cuda")
    assert len(caplog.messages) == 2
    assert capfd.readouterr() == ("", "")


def test_shipped_models_are_found_by_name_and_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("default-fp32", "default-int8", "small-int8"):
        (tmp_path / f"{name}.onnx").touch()
    monkeypatch.setattr(models, "files", lambda _: tmp_path)
    assert list(models.shipped()) == ["default-fp32", "default-int8", "small-int8"]
    assert models.find("default", "cpu") == tmp_path / "default-int8.onnx"
    assert models.find("default", "cuda") == tmp_path / "default-fp32.onnx"
    assert models.find("default-fp32", "cpu") == tmp_path / "default-fp32.onnx"
    assert models.find("small", "cuda") == tmp_path / "small-int8.onnx"
    assert models.find("large", "cpu") is None


def identity(source: str, target: str) -> onnx.ModelProto:
    """A valid network that is not one of ours."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in (source, target)]
    graph = helper.make_graph([helper.make_node("Identity", [source], [target])], "other", values[:1], values[1:])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    proto.ir_version = 8
    return proto
