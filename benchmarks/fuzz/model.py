"""Model files: loaded, and run once if they load. Most are refused because the checksum of the network differs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.fuzz.harness import Sample
from speech_lstm import models
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model


def make() -> ModelTarget:
    """For the harness."""
    return ModelTarget()


class ModelTarget:
    """Files as they are."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()

    def samples(self) -> Sequence[Sample]:
        """The shipped model."""
        path = models.find("default", "cpu")
        assert path is not None
        return [Sample(path.name, path.read_bytes())]

    def attempt(self, name: str, content: bytes) -> str:
        """Load it, run it, and recognise a word."""
        path = Path(self._folder.name, name)
        path.write_bytes(content)
        model = Model.load(path, "cpu")
        silence = np.zeros((1, model.metadata.chunk_samples), np.float32)
        model.run(silence, model.initial_state())
        Recognizer(["left", "right"], model=model).recognize(silence[0])
        return "a model"
