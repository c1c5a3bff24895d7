"""The acoustic model: a validated ONNX Runtime session that turns audio into log-probabilities of tokens."""

from __future__ import annotations

import logging
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from speech_lstm import models
from speech_lstm.runtime.content import read_content
from speech_lstm.runtime.errors import AudioError, DeviceError, ModelError
from speech_lstm.runtime.model.cuda import PROVIDER, why_no_cuda
from speech_lstm.runtime.model.metadata import DAMAGED, EXPORT_AGAIN, ModelMetadata, is_damaged, read_metadata
from speech_lstm.runtime.options import check_number

Device = Literal["auto", "cpu", "cuda"]

FATAL = 4
"""ONNX Runtime's severity above errors: whatever goes wrong is raised as our own error, so it need not log as well."""

logger = logging.getLogger(__name__)

onnxruntime.disable_telemetry_events()  # those of Windows; the others are off since `import speech_lstm`


class Model:
    """An acoustic model on one device. Holds no stream's state and may be shared by threads."""

    def __init__(self, session: Any, content: bytes, path: Path) -> None:
        """An ONNX Runtime session over the content of a file. ModelError if that is not a model in the contract."""
        try:
            self.metadata = read_metadata(session.get_modelmeta().custom_metadata_map, content)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None
        self.path = path
        self.device: Literal["cpu", "cuda"] = "cuda" if PROVIDER in session.get_providers() else "cpu"
        self.state_size = _check_signature(session, self.metadata, path)
        self._session = session

    @classmethod
    def load(cls, model: str | PathLike[str] = "default", device: Device = "auto", threads: int = 1) -> Model:
        """Load a model by the name of a shipped one or the path of an .onnx file.

        device: "cuda" raises DeviceError where CUDA does not work; "auto" uses it where it does, else the CPU.
        threads: of ONNX Runtime inside one operator.
        ModelError if the file is missing, damaged, foreign, or of a newer format.
        """
        if not isinstance(device, str) or device not in ("auto", "cpu", "cuda"):
            raise DeviceError(f"device is {device!r}, expected 'auto', 'cpu' or 'cuda'")
        check_number("threads", threads, 1)
        if device != "cpu":
            problem = why_no_cuda()
            if problem is None:
                path, content = _read(model, "cuda")
                problem = why_not_on_cuda(content, path)
            if problem is None:
                session = _session(content, path, threads, [PROVIDER, "CPUExecutionProvider"])
                if PROVIDER in session.get_providers():  # ONNX Runtime falls back to the CPU without an error
                    return cls(session, content, path)
                problem = (
                    f"ONNX Runtime {onnxruntime.__version__} cannot load the CUDA and cuDNN libraries that it was "
                    "built for; pip install 'onnxruntime-gpu[cuda,cudnn]'"
                )
            if device == "cuda":
                raise DeviceError(f"CUDA was asked for and cannot be used: {problem}")
            _log_fallback(problem)
        path, content = _read(model, "cpu")
        return cls(_session(content, path, threads, ["CPUExecutionProvider"]), content, path)

    def initial_state(self, batch: int = 1) -> NDArray[np.float32]:
        """float32 [batch, state_size]: the state before any audio."""
        return np.zeros((batch, self.state_size), np.float32)

    def run(
        self, audio: NDArray[np.float32], state: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Advance streams by some audio.

        audio: float32 [batch, samples] at metadata.sample_rate, -1..1, samples a multiple of metadata.chunk_samples.
        state: float32 [batch, state_size], from `initial_state` or the last call.
        Returns log_probs, float32 [batch, frames, tokens], and the next state. AudioError for audio that does not fit,
        ModelError for a network that fails.
        """
        unit = self.metadata.chunk_samples
        if audio.dtype != np.float32 or audio.ndim != 2 or not audio.shape[1] or audio.shape[1] % unit:
            raise AudioError(
                f"audio is {audio.dtype} {list(audio.shape)}, expected float32 [batch, samples] "
                f"with a multiple of {unit} samples"
            )
        if state.dtype != np.float32 or state.shape != (len(audio), self.state_size):
            expected = [len(audio), self.state_size]
            raise AudioError(f"state is {state.dtype} {list(state.shape)}, expected float32 {expected}")
        try:
            log_probs, next_state = self._session.run(("log_probs", "next_state"), {"audio": audio, "state": state})
        except Exception as error:  # ONNX Runtime's errors have no common base class
            raise ModelError(f"{self.path}: the network cannot be run: {_first_line(error)}; {EXPORT_AGAIN}") from error
        return log_probs, next_state

    def log_probs(
        self, audio: NDArray[np.float32], state: NDArray[np.float32] | None = None, block_samples: int | None = None
    ) -> NDArray[np.float32]:
        """What is said in a whole clip, heard to its end: float32 [frames, tokens].

        audio: float32 [samples], at least one; the silence that the model's metadata asks for is put after it. state:
        that the model begins with, None for a fresh one. block_samples: in one call, a multiple of
        metadata.chunk_samples; by default all.
        """
        padded = np.pad(audio, (0, self.metadata.padded_samples(len(audio)) - len(audio)))
        state = self.initial_state() if state is None else state
        blocks = []
        for start in range(0, len(padded), block_samples or len(padded)):
            block, state = self.run(padded[None, start : start + (block_samples or len(padded))], state)
            blocks.append(block[0])
        return np.concatenate(blocks)[self.metadata.lookahead_frames :]


def why_not_on_cuda(content: bytes, path: Path) -> str | None:
    """Why the CUDA provider would leave a model file to the CPU, which it does without a word; None if it would not."""
    if b"DynamicQuantizeLSTM" not in content:
        return None
    return f"{path.name} has int8 LSTMs, for which CUDA has no kernels; take an fp32 file (one is in the repository)"


def _read(model: str | PathLike[str], device: Literal["cpu", "cuda"]) -> tuple[Path, bytes]:
    """Find and read the file for a name or path on a device."""
    if not isinstance(model, str | PathLike) or not str(model):
        raise ModelError(f"model is {model!r}; expected the name of a shipped model, or the path of an .onnx file")
    path = models.find(model, device) if isinstance(model, str) else None
    if path is None:
        path = Path(model)
        if not path.exists() and path.suffix != ".onnx":
            shipped = ", ".join(models.shipped()) or "none"
            raise ModelError(f"no model {str(model)!r}; expected an .onnx file or a shipped model's name ({shipped})")
    try:
        content = read_content(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None
    if is_damaged(content):
        raise ModelError(f"{path}: {DAMAGED}")
    return path, content


def _session(content: bytes, path: Path, threads: int, providers: list[str]) -> Any:
    """An ONNX Runtime session over the bytes of a model file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = FATAL
    try:
        if PROVIDER in providers:
            return _cuda_session(content, options, providers)
        # without the fallback, which would try the CPU again and print why
        return onnxruntime.InferenceSession(content, options, providers=providers, enable_fallback=0)
    except Exception as error:  # ONNX Runtime's errors have no common base class
        raise ModelError(
            f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load the model: {_first_line(error)}; "
            f"{EXPORT_AGAIN}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _cuda_session(content: bytes, options: Any, providers: list[str]) -> Any:
    """A session that tries CUDA, without the prints and log lines of ONNX Runtime about libraries it does not find."""
    warning = 2
    onnxruntime.set_default_logger_severity(FATAL)
    try:
        if hasattr(onnxruntime, "preload_dlls"):  # since 1.21: finds the libraries of PyPI's nvidia packages
            with redirect_stdout(StringIO()):
                onnxruntime.preload_dlls()
        return onnxruntime.InferenceSession(content, options, providers=providers)
    finally:
        onnxruntime.set_default_logger_severity(warning)


@cache
def _log_fallback(problem: str) -> None:
    """Log once a process and reason."""
    logger.info("using the CPU: %s", problem)


def _check_signature(session: Any, metadata: ModelMetadata, path: Path) -> int:
    """The state size, from a session that has the inputs and outputs of the model contract; else ModelError."""
    values = {value.name: value for value in (*session.get_inputs(), *session.get_outputs())}
    state = values["state"].shape[-1] if "state" in values else None
    tokens = len(metadata.tokens)
    contract = {"audio": (2, None), "state": (2, state), "log_probs": (3, tokens), "next_state": (2, state)}
    fits = (
        set(values) == set(contract)
        and [value.name for value in session.get_inputs()] == ["audio", "state"]
        and isinstance(state, int)
        and all(
            values[name].type == "tensor(float)"
            and len(values[name].shape) == rank
            and (last is None or values[name].shape[-1] == last)
            for name, (rank, last) in contract.items()
        )
    )
    if not fits:
        found = ", ".join(f"{name} {value.type} {value.shape}" for name, value in values.items())
        raise ModelError(
            f"{path}: the network does not fit its metadata: expected float audio [batch, samples], state and "
            f"next_state [batch, state_size], log_probs [batch, frames, {tokens}]; found {found}; {EXPORT_AGAIN}"
        )
    assert isinstance(state, int)
    return state
