"""The twelve labels of Speech Commands, counted on the recordings of the tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.test12 import COMMANDS, SILENCE, UNKNOWN, Confusions, label_of, main

WORDS = Path(__file__).parent / "data" / "words"


def test_labels() -> None:
    assert label_of({"text": "yes"}) == "yes" and label_of({"text": "", "label": "_unknown_"}) == UNKNOWN
    assert label_of({"text": "happy"}) == UNKNOWN and label_of({"text": ""}) == SILENCE


def test_accuracy_is_over_all_clips() -> None:
    found = Confusions()
    for pair, count in {("yes", "yes"): 3, ("yes", UNKNOWN): 1, (SILENCE, SILENCE): 4}.items():
        found.counts[pair] = count
    assert found.share("yes") == 0.75 and found.share() == 7 / 8
    assert found.table().splitlines()[2:] == [
        "| yes | 4 | 75.0% | _unknown_ 1 |",
        "| _silence_ | 4 | 100.0% |  |",
        "| all | 8 | 87.50% | |",
    ]


@pytest.mark.parametrize("model", ["default"])
def test_the_shipped_models_hear_the_labels(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "nothing.wav", np.zeros(16000, np.float32), 16000)
    rows = [{"audio_filepath": "nothing.wav", "text": "", "split": "test"}]
    rows += [
        {"audio_filepath": str(clip), "text": clip.stem.split("_")[0], "split": "test"}
        for clip in sorted(WORDS.glob("*_sc*.opus"))
    ]
    rows.append({"audio_filepath": "missing.wav", "text": "yes", "split": "train"})
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main([model, str(tmp_path / "manifest.jsonl")]) == 0
    lines = capsys.readouterr().out.splitlines()
    label = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:3] for line in lines if line.startswith("| ")}
    assert label[SILENCE] == ["1", "100.0%"] and label["all"][0] == "18"
    assert float(label["all"][1].strip("%")) >= 80 and set(label) <= {"label", *COMMANDS, UNKNOWN, SILENCE, "all"}
