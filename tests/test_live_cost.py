"""`speech-lstm benchmark --latency`: delays of real words and the cost of live use, with room for a busy machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.cli import main
from speech_lstm.cli.live_cost import speech_end

DATA = Path(__file__).parent / "data"


def test_latency_report(capsys: pytest.CaptureFixture[str]) -> None:
    clips = map(str, sorted((DATA / "words").glob("*.opus")))
    grammar = str(DATA / "words.txt")
    assert main(["benchmark", *clips, "--grammar", grammar, "--device", "cpu", "--latency", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["recordings"] == 20 and report["commands"] >= 8
    assert 40 < report["audio_delay_median"] <= 300 + 80
    assert report["compute_median"] < 30
    assert report["idle_percent"] < 3 and report["idle_armed_percent"] < 3
    assert 20 < report["resident_megabytes"] <= 120


def test_too_few_commands_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    (clip,) = map(str, (DATA / "words").glob("backward_*"))
    assert main(["benchmark", clip, "--phrases", "backward", "--device", "cpu", "--latency"]) == 1
    assert "1 of 1 recordings gave a command" in capsys.readouterr().err


def test_the_end_of_speech_is_where_it_gets_quiet() -> None:
    tone = np.sin(np.arange(8000) / 5).astype(np.float32)
    hum = 0.001 * np.ones(8000, np.float32)
    assert speech_end(np.concatenate([hum, tone, hum])) == pytest.approx(1.0, abs=0.011)
