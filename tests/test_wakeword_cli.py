"""`speech-lstm wakeword` on phrases."""

from __future__ import annotations

import pytest

from speech_lstm.cli import main


def report(capsys: pytest.CaptureFixture[str], *phrases: str) -> str:
    assert main(["wakeword", "check", *phrases]) == 0
    return capsys.readouterr().out


def test_a_good_phrase_has_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(capsys, "okay computer").splitlines()
    assert lines[0].startswith("okay computer: OW K EY K AH M P Y UW T ER")
    assert not any("warning" in line for line in lines)
    [half] = [line for line in lines if line.startswith("  sensitivity 0.5:")]
    assert half.endswith("0.5 false alarms an hour of speech")


@pytest.mark.parametrize(
    ("phrase", "warning"),
    [("cat", "short: 3 phones"), ("thank you", "common:"), ("another", "sounds like other speech")],
)
def test_bad_phrases_are_warned_about(capsys: pytest.CaptureFixture[str], phrase: str, warning: str) -> None:
    assert f"warning: {warning}" in report(capsys, phrase)


def test_more_false_alarms_than_wanted_are_admitted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(capsys, "one").splitlines()
    assert 5 < float(lines[-5].split(",")[1].split()[0]) <= 3600


def test_guessed_words_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert "guessed: how to say 'zorblax'" in report(capsys, "hey zorblax")
    assert main(["wakeword", "check", "!"]) == 1
    assert "has no words" in capsys.readouterr().err
