"""Other ways to repeat a step and to store weights, which benchmarks compare: they are the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks import quantization
from benchmarks.recurrence import STEPS, measure
from speech_lstm import models
from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.cells.recurrence import Step
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.model.model import Model

DATA = Path(__file__).parent / "data"


@pytest.mark.filterwarnings("ignore:Iterating over a tensor")
@pytest.mark.parametrize("cell", STEPS)
def test_scan_loop_and_unrolled_steps_agree(cell: str) -> None:
    step = next(module for module in CELLS[cell](32).modules() if isinstance(module, Step))
    found = measure(step.eval(), turns=1)  # which compares the outputs
    assert {way for way, frames in found if frames == 2} == {"Scan", "Loop", "unrolled"}


def test_fewer_bits_make_smaller_files_that_hear_nearly_the_same(tmp_path: Path) -> None:
    clips = [read_audio(path) for path in sorted((DATA / "sentences").glob("*.opus"))[:2]]
    made = dict(quantization.make(models.find("default", "cuda") or Path(), tmp_path, clips))
    heard = {name: Model.load(path, "cpu").log_probs(clips[0]).argmax(1) for name, path in made.items()}
    agreement = {name: float(np.mean(tokens == heard["fp32"])) for name, tokens in heard.items()}
    size = {name: path.stat().st_size for name, path in made.items()}
    assert agreement["weights in fp16, computed in fp32"] == 1.0
    assert min(agreement.values()) > 0.8
    assert size["int8 dynamic, as shipped"] < size["weights in fp16, computed in fp32"] < size["fp32"]
