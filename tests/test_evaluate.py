"""Evaluation of the shipped model on the bundled recordings, and the counting of phone errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.cli import main
from speech_lstm.evaluation.evaluate import evaluate
from speech_lstm.evaluation.phones import phone_errors
from speech_lstm.export.checkpoint import describe
from speech_lstm.export.to_onnx import export_onnx
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model

from .conftest import Exported

DATA = Path(__file__).parent / "data"
WORDS = Path(__file__).parents[1] / "configs" / "speech_commands_35.txt"


@pytest.mark.parametrize(
    ("heard", "errors"),
    [
        ("DH AH K AE T", 0),
        ("DH IY K AE T", 0),  # the other pronunciation
        ("DH IY K AE", 1),
        ("DH ER K AE T S", 2),
        ("", 5),
        ("K AE T DH AH", 4),
    ],
)
def test_phone_errors_take_the_nearest_pronunciation(heard: str, errors: int) -> None:
    the, cat = [("DH", "AH"), ("DH", "IY")], [("K", "AE", "T")]
    assert phone_errors(heard.split(), [the, cat]) == errors


def test_words_are_right_and_phones_are_heard() -> None:
    model = Model.load("default", device="cpu")
    recognizer = Recognizer(DATA / "words.txt", model=model)
    (score,) = evaluate(model, [DATA / "manifest.jsonl"], "dev", recognizer)
    assert score.skipped == 0 and score.clips == score.inside + score.outside
    assert score.accuracy is not None and score.accuracy >= 0.85
    assert score.phone_error_rate is not None and score.phone_error_rate <= 0.4
    assert score.right_accepted <= min(score.right, score.inside_accepted)
    assert score.outside_accepted <= 0.5 * score.outside


def test_frames_of_30_ms_are_heard_in_their_own_chunks(tmp_path: Path) -> None:
    network = AcousticModel(len(TOKENS), hidden=8, layers=1, frame_ms=30).eval()
    export_onnx(network, describe(network), tmp_path / "fp32.onnx")
    recognizer = Recognizer(DATA / "words.txt", model=Model.load(tmp_path / "fp32.onnx", device="cpu"))
    (score,) = evaluate(recognizer.model, [DATA / "manifest.jsonl"], "dev", recognizer, limit=3)
    assert score.clips == 3 and score.accuracy is not None


def test_command_reports_by_corpus(tmp_path: Path, exported: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in (DATA / "manifest.jsonl").read_text().splitlines()]
    missing = {**rows[0], "audio_filepath": "gone.opus"}
    for name, chosen in (("first", rows[:3]), ("second", [rows[3], missing])):
        folder = tmp_path / name
        folder.mkdir()
        located = [{**row, "audio_filepath": str(DATA / row["audio_filepath"])} for row in chosen]
        (folder / "manifest.jsonl").write_text("".join(json.dumps({**row, "split": "test"}) + "\n" for row in located))
    manifests = [str(tmp_path / name / "manifest.jsonl") for name in ("first", "second")]
    command = ["evaluate", "--model", str(exported.int8), "--device", "cpu", *manifests]
    assert main([*command, "--split", "test", "--grammar", str(WORDS), "--json"]) == 1
    output, errors = capsys.readouterr()
    first, second = map(json.loads, output.splitlines())
    assert (first["corpus"], first["clips"], first["skipped"], first["inside"]) == ("first", 3, 0, 3)
    assert (second["corpus"], second["clips"], second["skipped"]) == ("second", 1, 1)
    assert "gone.opus" in errors

    assert main([*command[:-1], "--split", "test", "--limit", "2"]) == 0
    assert "2 clips" in capsys.readouterr().out
    assert main(command) == 1
    assert "split 'dev'" in capsys.readouterr().err
    assert main([*command, "--split", "test", "--chunk-ms", "50", "--grammar", str(WORDS)]) == 1
    assert "multiples of 40" in capsys.readouterr().err
