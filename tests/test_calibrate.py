"""Calibration and its measure, on the bundled recordings: near misses, the split by speaker, the JSON, the tables."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

import speech_lstm as sl
from benchmarks.rejection import main as measure
from speech_lstm.evaluation.acceptance import Outcome, reliability
from speech_lstm.evaluation.calibrate import (
    BLANK_OFFSETS,
    accepting_threshold,
    equal_weights,
    logistic_regression,
    main,
)
from speech_lstm.evaluation.evaluate import phone_errors
from speech_lstm.evaluation.sounds import music, silence
from speech_lstm.evaluation.trials import AlikeWords, dev_rows, is_held_out, make_trials
from speech_lstm.runtime.decoding.confidence import FEATURES, ConfidenceModel
from speech_lstm.runtime.lexicon.lexicon import Lexicon

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Words, sentences and noise of the bundled recordings, a manifest each."""
    folder = tmp_path_factory.mktemp("manifests")
    rows = [json.loads(line) for line in (DATA / "manifest.jsonl").read_text().splitlines()]
    for row in rows:
        row["audio_filepath"] = str(DATA / row["audio_filepath"])
    kinds = {
        "words": [row for row in rows if "/words/" in row["audio_filepath"]],
        "sentences": [row for row in rows if "/sentences/" in row["audio_filepath"]],
        "noise": [{**row, "text": ""} for row in rows if "/noise/" in row["audio_filepath"]],
    }
    for kind, chosen in kinds.items():
        (folder / f"{kind}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen))
    return {kind: str(folder / f"{kind}.jsonl") for kind in kinds}


def test_a_near_miss_differs_in_one_word_that_sounds_alike_but_not_the_same() -> None:
    said = "turn the music down"
    text = "town down dawn noun round ground gown music muse mystic turn term burn the lovely"
    words = AlikeWords(text.split())
    misses = {words.near_miss(said, random.Random(seed)) for seed in range(20)}
    lexicon = Lexicon()
    assert len(misses) > 3
    for miss in misses:
        ((right, wrong),) = [pair for pair in zip(said.split(), miss.split(), strict=True) if len(set(pair)) == 2]
        phones = lexicon.pronunciations(wrong)[0]
        assert phone_errors(phones, [lexicon.pronunciations(right)]) >= 2
    assert "round" in words.alike("down")


def test_a_speaker_is_on_one_side_and_both_sides_have_clips(manifests: dict[str, str]) -> None:
    rows = dev_rows([Path(manifests["words"])])
    sides = {row["speaker"]: is_held_out(row) for row in rows}
    assert set(sides.values()) == {True, False}
    moved = {**rows[0], "audio_filepath": "elsewhere/other.opus"}
    assert is_held_out(moved) == is_held_out(rows[0])


def test_every_kind_of_trial_weighs_the_same() -> None:
    kinds = np.array(["a"] * 100 + ["b"] * 20 + ["c"] * 3)
    labels = np.tile([True, False], 62)[:123]
    weights = equal_weights(kinds, labels)
    assert weights.sum() == pytest.approx(1) and weights[labels].sum() == pytest.approx(0.5)
    assert weights[kinds == "c"].sum() == 0
    all_right = equal_weights(kinds[:120], np.ones(120, bool))
    assert all_right[:100].sum() == pytest.approx(all_right[100:].sum())


def test_the_threshold_counts_kinds_and_not_trials() -> None:
    probability = np.concatenate([np.linspace(0, 1, 1000), np.zeros(10)])
    kinds = np.array(["speech"] * 1000 + ["noise"] * 10)
    assert accepting_threshold(probability, kinds, 0.1) == pytest.approx(0.8, abs=0.005)


def test_regression_finds_the_probabilities_that_labels_were_drawn_with() -> None:
    rng = np.random.default_rng(0)
    truth = ConfidenceModel(1.0, tuple(np.linspace(0.5, 2, len(FEATURES))))
    features = rng.normal(size=(20_000, len(FEATURES)))
    probability = np.array([truth.probability(row) for row in features])
    found = logistic_regression(features, rng.random(len(features)) < probability, np.full(len(features), 1 / 20_000))
    error = [found.probability(row) - p for row, p in zip(features[:500], probability, strict=False)]
    assert np.abs(error).max() < 0.08


def test_a_feature_that_would_count_against_its_sense_is_left_out() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2000, len(FEATURES)))
    labels = rng.random(2000) < 1 / (1 + np.exp(2 * features[:, 5] - features[:, 0]))
    found = logistic_regression(features, labels, np.full(2000, 1 / 2000))
    assert found.weights[5] == 0 and found.weights[0] > 0.5 and min(found.weights) >= 0


def test_bundled_recordings_calibrate_and_measure_a_model(
    manifests: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = [item for kind, path in manifests.items() for item in (f"--{kind}", path)]
    assert main(["default", *sources, "--clips", "12", "-o", str(tmp_path / "fit.json")]) == 0
    written = json.loads((tmp_path / "fit.json").read_text())
    assert json.loads(capsys.readouterr().out) == written
    ConfidenceModel.from_metadata(written["calibration"], 0.04)
    thresholds = written["thresholds"]
    assert 0 < thresholds["accept"] <= thresholds["open"] < 1 and written["decoder"]["blank_offset"] in BLANK_OFFSETS
    assert written["wrong_accepted"] <= 0.1 and written["right_accepted"] > 0.4

    assert measure([*sources, "--limit", "12", "--plot", str(tmp_path / "plot.png")]) == 0
    output = capsys.readouterr().out
    assert "| near miss | " in output and "| silence | " in output and "% right" in output
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_clips_cannot_be_put_in_noise_that_is_not_there(
    manifests: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "noise.jsonl").touch()
    sources = ["--words", manifests["words"], "--sentences", manifests["sentences"]]
    with pytest.raises(SystemExit) as stopped:
        main(["default", *sources, "--noise", str(tmp_path / "noise.jsonl"), "-o", str(tmp_path / "fit.json")])
    assert stopped.value.code == 2 and "without dev recordings of noise" in capsys.readouterr().err


def test_everything_said_is_heard_in_noise_too(manifests: dict[str, str]) -> None:
    words, sentences, noise = ([Path(manifests[kind])] for kind in ("words", "sentences", "noise"))
    trials = make_trials(sl.Model.load("default", "cpu"), words, sentences, noise, 3, snr_db=(20.0, 0.0))
    spoken = [trial for trial in trials if trial.said]
    groups = [spoken[first : first + 2] for first in range(0, len(spoken), 2) if spoken[first].kind == "word"]
    assert [group[0].snr_db for group in groups] == [None, 20.0, 0.0] * (len(groups) // 3) and groups
    clean, faint, loud = (group[0].log_probs for group in groups[:3])
    assert len(faint) == len(loud) == len(clean) + 25  # half a second of noise before it and after it
    silent = [float(np.exp(rows[:10, 0]).mean()) for rows in (faint, loud)]
    assert not np.array_equal(faint, loud) and all(share > 0.5 for share in silent)  # noise is not heard as phones
    assert all(trial.snr_db is None for trial in trials if not trial.said)


def test_reliability_of_sure_and_right_and_of_unsure_and_wrong() -> None:
    outcomes = [Outcome("word", True, True, 0.96)] * 30 + [Outcome("noise", False, False, 0.04)] * 30
    (low, wrong, _), (high, right, count) = reliability(outcomes)
    assert (wrong, right, count) == (0, 1, 30) and (low, high) == pytest.approx((0.04, 0.96))


def test_synthesised_sounds_have_the_level_they_should() -> None:
    rng = np.random.default_rng(1)
    quiet = [np.abs(silence(rng)).max() for _ in range(12)]
    assert min(quiet) == 0 and 0 < max(quiet) < 0.02
    notes = music(rng)
    assert notes.dtype == np.float32 and 0.25 < np.abs(notes).max() <= 0.31
