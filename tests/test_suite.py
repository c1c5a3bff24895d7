"""The evaluation suite: on the bundled recordings as a whole, and its parts against what is known of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech_lstm.cli import main
from speech_lstm.config import ConfigError
from speech_lstm.data.phone_bigram import PhoneBigram, best_phones
from speech_lstm.evaluation.bootstrap import Count, change, estimate
from speech_lstm.evaluation.clips import audible, read_clips
from speech_lstm.evaluation.commands import hear
from speech_lstm.evaluation.conditions import Condition, conditions_of, in_noise, late_states
from speech_lstm.evaluation.measures import acceptance_curve
from speech_lstm.evaluation.report import BEGIN, END
from speech_lstm.evaluation.rooms import response
from speech_lstm.evaluation.run_suite import run_suite
from speech_lstm.evaluation.suite import BEFORE, Room, load_suite, matching
from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import Command

DATA = Path(__file__).parent / "data"
SUITE = DATA / "suite.toml"
FULL = Path(__file__).parents[1] / "configs" / "suite.toml"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load("default", "cpu")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of the shipped model, one clip of each corpus."""
    folder = tmp_path_factory.mktemp("suite")
    assert (
        main(["evaluate", "default", "--suite", str(SUITE), "--device", "cpu", "--limit", "1", "--out", str(folder)])
        == 0
    )
    assert (folder / "results.png").read_bytes().startswith(b"\x89PNG")
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    found["folder"] = folder
    return found


def rows_of(results: dict[str, Any], **wanted: object) -> list[dict[str, Any]]:
    return [row for row in results["rows"] if all(row[key] == value for key, value in wanted.items())]


def test_every_test_is_measured_in_every_condition(results: dict[str, Any]) -> None:
    suite = load_suite(SUITE)
    names = [condition.name for condition in conditions_of(suite)]
    assert {"clean", "rain, 15 dB", "small room", "after 4 s of quiet speech"} <= set(names)
    for test, measure in (("phones", "phone error"), ("36 words", "right"), ("36 words", "right in a stream")):
        assert [row["condition"] for row in rows_of(results, test=test, measure=measure, corpus="", group="")] == names
    waiting = rows_of(results, test="wake word: happy", measure="missed at sensitivity 0.5", corpus="", group="")
    assert [row["condition"] for row in waiting][:3] == ["clean", "rain, 10 dB", "small room"]
    for row in results["rows"]:
        assert row["low"] <= row["value"] <= row["high"] or row["units"] == 1
        assert ("change" in row) == (row["condition"] != "clean")
    assert results["acceptance"]["kinds"] and results["wake words"]["happy"]["hours"] > 0


def test_noise_makes_it_worse_and_groups_are_told_apart(results: dict[str, Any]) -> None:
    clean, loud = (
        rows_of(results, test="phones", condition=name, corpus="", group="")[0] for name in ("clean", "rain, 0 dB")
    )
    assert clean["value"] + 0.1 < loud["value"] and loud["change"] == pytest.approx(
        loud["value"] - clean["value"], abs=1e-4
    )
    (learners,) = rows_of(results, test="phones", condition="clean", group="learners")
    (corpus,) = rows_of(results, test="phones", condition="clean", corpus="speechocean762")
    assert learners["value"] == corpus["value"]


def test_tables_and_the_model_card_have_the_values(results: dict[str, Any], tmp_path: Path) -> None:
    clean = rows_of(results, test="phones", condition="clean", corpus="", group="")[0]
    value = f"| clean | {100 * clean['value']:.1f} % ["
    assert value in (results["folder"] / "results.md").read_text()
    assert (FULL.parents[1] / "models" / "README.md").read_text().count(BEGIN) == 1
    card = tmp_path / "card.md"
    card.write_text(f"# Mine\n\n{BEGIN}\nof another model\n{END}\n\nafter\n")
    command = ["evaluate", "--card", str(card), "--results", str(results["folder"] / "results.json")]
    assert main(command) == 0 and main(command) == 0
    text = card.read_text()
    assert text.startswith("# Mine\n") and text.endswith("\n\nafter\n") and text.count(BEGIN) == 1
    assert value in text and "of another model" not in text
    assert "after 4 s of silence" in text and "after 1 s of silence" not in text


def test_a_card_without_marks_is_left_alone(results: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Mine\n")
    assert main(["evaluate", "--card", str(card), "--results", str(results["folder"] / "results.json")]) == 1
    assert BEGIN in capsys.readouterr().err and card.read_text() == "# Mine\n"


def test_the_same_run_gives_the_same_results(model: Model) -> None:
    suite = replace(load_suite(SUITE), commands={}, wake=None, acceptance=None, late=None, rooms={}, snr_db=(0.0,))
    first, second = (run_suite(suite, model, RecognizerOptions(blank_offset=1.25), limit=1) for _ in range(2))
    assert first == second and first["model"]["blank_offset"] == 1.25


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate"],
        ["evaluate", "a.onnx", "b.onnx", "--suite", str(SUITE)],
        ["evaluate", "manifest.jsonl", "--out", "folder"],
        ["evaluate", "--card", "models/README.md"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_a_wrong_suite_file_is_named_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    for text, wrong in (
        ("snr = [3]", "snr: unknown key"),
        ("path = 'x'", "path: unknown key"),
        ("[phones]\nmanifest = 'x'", r"phones\.manifest: unknown key"),
        ("[phones]\nmanifests = ['x']", r"phones\.texts: missing"),
        ("[phones]\nmanifests = []\ntexts = ['x']", r"phones\.manifests"),
        ("[phones]\nmanifests = ['x']\ntexts = ['x']\nclips = 0", r"phones\.clips: should be greater .* got 0"),
        ("[noises.rain]\nfolder = 'x'\nmix = ['*']", r"noises\.rain\.mix\.0"),
        ("[rooms.hall]\nsize = [3, 4]\nreverberation = 1\ndistance = -1", r"rooms\.hall\.size.*rooms\.hall\.distance"),
        ("snr_db = 'loud'", "snr_db: should be a valid array, got 'loud'"),
        ("resamples = 0", "resamples"),
        ("rooms = 3", "rooms: should be an object, got 3"),
        ("[late]\nafter = ['music']", "music"),
        ("seed = 1", "no tests"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=wrong) as raised:
            load_suite(path)
        assert str(path) in str(raised.value)


def test_the_full_suite_hears_no_noise_of_training() -> None:
    suite = load_suite(FULL)
    patterns = [pattern for noise in suite.noises.values() for part in noise.mix for pattern in part]
    assert suite.acceptance and all("/4-" in pattern for pattern in [*patterns, *suite.acceptance.noise])


def test_the_suite_of_age_hears_every_kind_of_stream_from_a_second_to_an_hour() -> None:
    late = load_suite(FULL.with_name("age.toml")).late
    assert late is not None and set(late.after) == set(BEFORE)
    assert min(late.seconds) == 1 and max(late.seconds) == 3600


def test_greedy_and_bigram_agree_where_the_bigram_is_flat() -> None:
    random = np.random.default_rng(0)
    flat = PhoneBigram(np.full(4, 0.25), np.full((4, 4), 0.2), np.full(4, 0.2))
    log_probs = np.log(random.dirichlet(np.full(5, 0.05), size=(3, 12)) + 1e-6).astype(np.float32)
    sharp = np.where(log_probs == log_probs.max(-1, keepdims=True), 0, -50).astype(np.float32)
    for frames, found in zip((12, 7, 9), best_phones(sharp, [12, 7, 9], flat), strict=True):
        row = sharp[(12, 7, 9).index(frames), :frames].argmax(-1)
        assert found == [int(t) for t, before in zip(row, [0, *row], strict=False) if t and t != before]


def test_intervals_cover_the_truth_and_follow_speakers() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for trial in range(60):
        right = random.random(80) < 0.7
        found = estimate([Count(str(i), "", float(hit), 1) for i, hit in enumerate(right)], 300, trial)
        covered += found.low <= 0.7 <= found.high
    assert covered >= 51  # 95 % of 60, four deviations below
    rates = random.random(20)
    counts = [
        Count(f"{s}-{i}", f"{s}", float(random.random() < rate), 1) for s, rate in enumerate(rates) for i in range(20)
    ]
    by_speaker = estimate(counts, 500, 0)
    by_clip = estimate([Count(c.clip, "", c.hits, c.total) for c in counts], 500, 0)
    assert by_speaker.units == 20 and by_clip.units == 400 and by_speaker.value == by_clip.value
    assert by_speaker.high - by_speaker.low > 1.5 * (by_clip.high - by_clip.low)
    difference = change(counts, counts, 500, 0)
    assert difference is not None and difference.low == difference.value == difference.high == 0


def test_files_of_noise_may_lie_anywhere(tmp_path: Path) -> None:
    (tmp_path / "rain").mkdir()
    for name in ("4-a.wav", "4-b.wav", "1-c.wav"):
        (tmp_path / "rain" / name).touch()
    expected = [tmp_path / "rain" / "4-a.wav", tmp_path / "rain" / "4-b.wav"]
    assert matching(tmp_path, ["*/4-*"]) == matching(Path("elsewhere"), [f"{tmp_path}/*/4-*"]) == expected
    with pytest.raises(ConfigError, match="no noise 5-"):
        matching(tmp_path, ["5-*"])


def test_noise_has_the_ratio_within_the_clip() -> None:
    clip = read_audio(DATA / "words" / "happy_sc-67c7fecb.opus")
    noise = np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE).astype(np.float32)
    heard = in_noise(clip, noise, 6.0)
    added = heard - np.pad(clip, (len(heard) - len(clip)) // 2)
    assert 10 * math.log10(np.mean(clip**2) / np.mean(added**2)) == pytest.approx(6.0, abs=0.01)
    assert np.std(added[: SAMPLE_RATE // 2]) == pytest.approx(np.std(added), rel=0.1)


def test_a_room_reverberates_as_long_as_asked() -> None:
    pytest.importorskip("pyroomacoustics")
    heard = response(Room((4.0, 3.5, 2.5), 0.3, 1.5))
    left = np.cumsum(heard[::-1].astype(np.float64) ** 2)[::-1]  # Schroeder 1965
    decibels = 10 * np.log10(left / left[0])
    early, later = (int(np.argmax(decibels < level)) for level in (-5, -25))
    assert 3 * (later - early) / SAMPLE_RATE == pytest.approx(0.3, rel=0.4)
    assert np.sum(heard**2) == pytest.approx(1.0, rel=1e-3)


def test_late_states_are_those_of_a_stream_that_heard_it_all() -> None:
    suite, model = load_suite(SUITE), Model.load(FULL.parents[1] / "models" / "default-fp32.onnx", "cpu")
    states = late_states(suite, model)
    assert set(states) == {condition for condition in conditions_of(suite) if condition.after}
    silence = np.zeros((1, 4 * SAMPLE_RATE + SAMPLE_RATE // 2 + 320), np.float32)  # and the pause, in whole chunks
    _, state = model.run(silence, model.initial_state())
    assert np.abs(states[Condition(after="silence", seconds=4.0)] - state).max() < 1e-4
    speech, quiet = (states[Condition(after=after, seconds=4.0)] for after in ("speech", "quiet speech"))
    assert np.abs(speech - quiet).max() > 1e-3


def test_a_clip_is_heard_as_recognize_and_streams_hear_it(model: Model) -> None:
    recognizer = Recognizer(DATA / "words.txt", model=model)
    clip = next(clip for clip in read_clips(DATA / "wake.jsonl", load_suite(SUITE)) if clip.words == ("happy",))
    ((_, audio),) = audible([clip])
    heard, alone = hear(recognizer, audio, recognizer.model.initial_state()), recognizer.recognize(audio)
    stream = recognizer.stream()
    events = [event for event in [*stream.accept(audio), *stream.finish()] if isinstance(event, Command)]
    assert heard.result.text == alone.text == "happy"
    assert heard.result.confidence == pytest.approx(alone.confidence, abs=0.05)
    assert [e.result.text for e in heard.events if isinstance(e, Command)] == [e.result.text for e in events]


def test_acceptance_curve_counts() -> None:
    heard = [(0.9, True, True), (0.4, True, True), (0.7, True, False), (0.6, False, False), (0.1, False, False)]
    curve = acceptance_curve(heard, steps=2)
    assert curve["threshold"] == [0.0, 0.5, 1.0]
    assert curve["right"] == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-4)
    assert curve["wrong"] == pytest.approx([1 / 3, 1 / 3, 0], abs=1e-4) and curve["outside"] == [1.0, 0.5, 0.0]
