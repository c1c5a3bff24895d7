"""`speech-lstm grammar check`: the report and the exit code."""

from pathlib import Path

import pytest

from speech_lstm.cli import main


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.txt"
    path.write_text("kitchenlight on\nkitchenlight off\nstop\n")
    assert main(["grammar", "check", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == ["words: 4, nodes: 3", "guessed: kitchenlight = K IH CH AH N L AY T"]


def test_words_without_pronunciation_and_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.txt"
    path.write_text("play жук\n", encoding="utf-8")
    assert main(["grammar", "check", str(path)]) == 1
    assert "no pronunciation for 'жук'" in capsys.readouterr().out
    path.write_text("stop\nturn [\n")
    assert main(["grammar", "check", str(path)]) == 1
    assert "home.txt, line 2" in capsys.readouterr().err
