"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from speech_lstm.runtime.decoding.confidence import ConfidenceModel
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.metadata import Corpus, ModelMetadata

if TYPE_CHECKING:
    from speech_lstm.acoustic.model import AcousticModel

METADATA = ModelMetadata(
    architecture="LSTM 2 x 64",
    parameters=100_000,
    tokens=TOKENS,
    language="en",
    sample_rate=16000,
    chunk_samples=640,
    frame_seconds=0.04,
    training_data=(Corpus("made up", "CC0", 1.5),),
    accuracy={"made up: phone error, %": 12.5},
    thresholds={"accept": 0.5},
    decoder={"blank_offset": 2.5},
    calibration=ConfidenceModel().to_metadata(),
)


def pytest_configure() -> None:
    """Let programs that tests start hear Ctrl-C, also where a shell runs the tests in the background and ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Exported:
    """A tiny untrained model and its ONNX files."""

    trained: AcousticModel
    fp32: Path
    int8: Path


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A tiny model with random weights, exported and quantized."""
    import torch  # slow to import, and most tests do without

    from speech_lstm.acoustic.model import AcousticModel
    from speech_lstm.export.quantize import quantize
    from speech_lstm.export.to_onnx import export_onnx

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    trained = AcousticModel(len(TOKENS), hidden=64, layers=2)
    for parameter in trained.parameters():
        parameter.data = parameter.data.half().float()  # as `load_checkpoint` gives them
    export_onnx(trained, METADATA, folder / "tiny-fp32.onnx")
    quantize(folder / "tiny-fp32.onnx", folder / "tiny-int8.onnx")
    return Exported(trained, folder / "tiny-fp32.onnx", folder / "tiny-int8.onnx")


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A temporary folder that every user may look into, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def as_ordinary_user() -> Callable[[], AbstractContextManager[None]]:
    """In `with as_ordinary_user():` file permissions count, also where the tests run as root."""

    @contextmanager
    def ordinary_user() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(before)

    return ordinary_user
