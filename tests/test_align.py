"""Forced alignment of bundled recordings by the shipped model."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.cli import main
from speech_lstm.data.align import align, best_path, build_trellis
from speech_lstm.data.dataset import read_alignments
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.errors import PronunciationError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.model.model import Model

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load("default", device="cpu")


def test_phones_of_a_word_are_found_in_order(model: Model) -> None:
    audio = read_audio(DATA / "words" / "stop_sc-fa52ddf6.opus")
    found = align(model, audio, "Stop!", Lexicon())
    assert found is not None and [phone for phone, _, _ in found.phones] == ["S", "T", "AA", "P"]
    times = [time for _, *times in found.phones for time in times]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= len(audio) / 16000 + 0.4
    loudest = np.argmax([np.square(part).mean() for part in np.split(audio[:16000], 100)]) / 100
    vowel = found.phones[2]
    assert vowel[1] - 0.3 <= loudest <= vowel[2] + 0.1  # heard a little late
    wrong = align(model, audio, "happy", Lexicon())
    assert wrong is not None and wrong.misfit > found.misfit + 1


def test_the_pronunciation_that_was_said_is_chosen(model: Model) -> None:
    path = next(DATA.glob("words/zero_*.opus"))
    audio = read_audio(path)
    found = [align(model, audio, "zero", Lexicon({"zero": said})) for said in ("Z IH R OW", "Z IY R OW", "B AA B")]
    scores = [each.misfit for each in found if each is not None]
    chosen = align(model, audio, "zero", Lexicon({"zero": ["B AA B", "Z IH R OW", "Z IY R OW"]}))
    assert chosen is not None and chosen.misfit == pytest.approx(min(scores))


def test_words_that_are_missing_or_do_not_fit_have_no_alignment(model: Model) -> None:
    audio = read_audio(DATA / "words" / "stop_sc-fa52ddf6.opus")
    assert align(model, audio, "", Lexicon()) is None
    long = "two hundred and seventy seven thousand wonderful alternatives to it"
    assert align(model, audio[:6000], long, Lexicon()) is None
    with pytest.raises(PronunciationError):
        align(model, audio, "стоп", Lexicon())


@pytest.mark.parametrize("seed", range(4))
def test_best_path_is_the_best_of_all_paths(seed: int) -> None:
    tokens = ("<blank>", "A", "B", "C")
    words = [[("A",), ("A", "B")], [("B",), ("C", "C")]]
    log_probs = np.log(np.random.default_rng(seed).dirichlet(np.ones(4), 5)).astype(np.float32)
    allowed = {tuple(phone for part in choice for phone in part) for choice in itertools.product(*words)}
    scores = {}
    for path in itertools.product(range(4), repeat=5):
        said = tuple(tokens[a] for a, b in zip(path, (None, *path), strict=False) if a != b and a)
        if said in allowed:
            scores[path] = sum(float(log_probs[t, token]) for t, token in enumerate(path))
    trellis = build_trellis(words, tokens)
    found, score = best_path(log_probs, trellis)
    assert score == pytest.approx(max(scores.values()), abs=1e-5)
    assert scores[tuple(trellis.tokens[found].tolist())] == pytest.approx(score, abs=1e-5)


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
    assert read_alignments(out) == {
        row["path"]: [tuple(phone) for phone in row["phones"]] for row in map(json.loads, before.splitlines())
    }
