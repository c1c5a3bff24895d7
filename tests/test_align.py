"""Forced alignment of bundled recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.cli import main
from speech_lstm.data.align import Aligner
from speech_lstm.data.dataset import read_alignments
from speech_lstm.runtime.audio import read_audio

DATA = Path(__file__).parent / "data"


def test_phones_of_a_word_are_found_in_order() -> None:
    path = DATA / "words" / "stop_sc-fa52ddf6.opus"
    audio = read_audio(path)
    phones = Aligner().align(audio, "Stop!")
    assert phones is not None and [phone for phone, _, _ in phones] == ["S", "T", "AA", "P"]
    times = [time for _, *times in phones for time in times]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= len(audio) / 16000 + 0.01
    loudest = np.argmax([np.square(part).mean() for part in np.split(audio[:16000], 100)]) / 100
    vowel = phones[2]
    assert vowel[1] - 0.05 <= loudest <= vowel[2] + 0.05


def test_words_that_are_unknown_or_missing_have_no_alignment() -> None:
    audio = read_audio(DATA / "words" / "stop_sc-fa52ddf6.opus")
    aligner = Aligner()
    assert aligner.align(audio, "xyzzyplugh") is None
    assert aligner.align(audio, "") is None
    assert aligner.align(audio[:1000], "stop") is None
    assert aligner.align(audio[:6000], "two hundred and seventy seven thousand wonderful alternatives to it") is None
    assert aligner.align(audio, "stop")


def test_command_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"duration": 1.0, "speaker": "a", "split": "train"}
    clips = {name: str(next(DATA.glob(f"words/{name}_*.opus"))) for name in ("stop", "yes", "happy")}
    rows = [{"audio_filepath": path, "text": name, **row} for name, path in clips.items()]
    rows.append({"audio_filepath": "gone.wav", "text": "gone", **row})
    manifest, out = tmp_path / "manifest.jsonl", tmp_path / "alignments.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["align", str(manifest), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "3 utterances" in captured.out and "gone.wav" in captured.err
    before = out.read_text()
    assert set(read_alignments(out)) == set(clips.values())
    out.write_text(before[:-20])  # killed while writing
    assert main(["align", str(manifest), "--out", str(out), "--workers", "2"]) == 0
    assert "1 utterances" in capsys.readouterr().out
    assert read_alignments(out) == {row["path"]: row["phones"] for row in map(json.loads, before.splitlines())}
