"""Manifests, packed audio, batches, frame labels and augmentation, on the bundled recordings."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from speech_lstm.config import AugmentConfig
from speech_lstm.data.augment import Augmenter, simulate_rooms
from speech_lstm.data.corpus import PackedAudio, Utterance, read_manifest
from speech_lstm.data.dataset import IGNORED, Example, TrainingBatches, collate, frame_labels, make_examples
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

DATA = Path(__file__).parent / "data"
QUIET = AugmentConfig(
    speed_probability=0.0, gain_db=(0.0, 0.0), noise_probability=0.0, room_probability=0.0, lowpass_probability=0.0,
    silence_probability=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    return [utterance for utterance in read_manifest(DATA / "manifest.jsonl") if utterance.text]


@pytest.fixture(scope="module")
def packed(utterances: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> PackedAudio:
    audio = PackedAudio(tmp_path_factory.mktemp("packed"))
    assert audio.pack([utterance.path for utterance in utterances], workers=1) == []
    return audio


def example(*alignment: tuple[int, float, float]) -> Example:
    utterance = Utterance(Path("a.wav"), "text", 1.0, "speaker", "train", "corpus")
    return Example(utterance, tuple(phone for phone, _, _ in alignment), alignment)


def test_manifest_rows_of_a_split(utterances: list[Utterance]) -> None:
    assert len(utterances) == 36
    assert all(utterance.path.exists() for utterance in utterances)
    assert read_manifest(DATA / "manifest.jsonl", split="test") == []


def test_bad_manifest_row_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('\n{"text": "hello"}\n')
    with pytest.raises(SpeechLstmError, match=r"manifest\.jsonl:2: not a manifest row"):
        read_manifest(tmp_path / "manifest.jsonl")


def test_badly_heard_rows_are_not_trained_on(tmp_path: Path) -> None:
    row = {"audio_filepath": "a.wav", "duration": 1, "text": "a", "split": "train"}
    rows = [row, {**row, "asr_word_error": 0.5}, {**row, "asr_word_error": 0.5, "split": "dev"}]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert [utterance.split for utterance in read_manifest(tmp_path / "manifest.jsonl")] == ["train", "dev"]


def test_corrupt_and_missing_files_are_reported_and_skipped(
    utterances: list[Utterance], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corrupt, missing, good = tmp_path / "corrupt.opus", tmp_path / "missing.opus", utterances[0].path
    corrupt.write_bytes(good.read_bytes()[:40])
    audio = PackedAudio(tmp_path / "packed")
    problems = audio.pack([corrupt, missing, good], workers=1)
    assert [str(path) in problem for path, problem in zip((corrupt, missing), problems, strict=True)] == [True, True]
    assert str(corrupt) in capsys.readouterr().err
    assert good in audio and corrupt not in audio and missing not in audio
    again = PackedAudio(tmp_path / "packed")
    assert np.array_equal(again[good], audio[good])
    assert len(again[good]) == pytest.approx(16000 * utterances[0].duration, abs=160)


def test_interrupted_packing_is_mended(utterances: list[Utterance], packed: PackedAudio, tmp_path: Path) -> None:
    first, second = utterances[0].path, utterances[1].path
    PackedAudio(tmp_path).pack([first], workers=1)
    with (tmp_path / "audio.i16").open("ab") as data:
        data.write(b"half a clip")
    audio = PackedAudio(tmp_path)
    audio.pack([first, second], workers=1)
    assert np.array_equal(audio[second], packed[second])


def test_phones_of_an_utterance(utterances: list[Utterance], capsys: pytest.CaptureFixture[str]) -> None:
    zero = next(utterance for utterance in utterances if utterance.text == "zero")
    too_short = replace(zero, duration=0.1)
    (made,) = make_examples([zero, too_short], Lexicon())
    assert " ".join(TOKENS[phone] for phone in made.phones) in {"Z IH R OW", "Z IY R OW"}
    assert "1 of 2 utterances left out" in capsys.readouterr().err


def test_frame_labels_follow_speed_silence_and_delay() -> None:
    said = example((5, 0.20, 0.40), (7, 0.40, 0.60))
    plain = frame_labels(said, 20, speed=1.0, lead=0.0, delay=0)
    assert plain.tolist() == [0] * 5 + [5] * 5 + [7] * 5 + [0] * 5
    delayed = frame_labels(said, 20, speed=1.0, lead=0.0, delay=2)
    assert delayed.tolist() == [0] * 7 + [5] * 5 + [7] * 5 + [0] * 3
    later = frame_labels(said, 20, speed=1.0, lead=0.08, delay=0)
    assert later.tolist() == delayed.tolist()
    fast = frame_labels(said, 20, speed=2.0, lead=0.0, delay=0)
    assert fast.tolist().index(5) in (2, 3) and np.count_nonzero(fast) == 5


def test_short_phone_has_a_frame_and_unaligned_clips_are_ignored() -> None:
    assert 9 in frame_labels(example((9, 0.201, 0.205)), 10, 1.0, 0.0, 0)
    unaligned = replace(example(), phones=(9,))
    assert set(frame_labels(unaligned, 10, 1.0, 0.0, 0)) == {IGNORED}
    assert set(frame_labels(example(), 10, 1.0, 0.0, 0)) == {0}  # nothing is said


def test_collate_pads_to_whole_frames() -> None:
    clips = [np.ones(700, np.float32), np.ones(640, np.float32)]
    batch = collate(clips, [[1, 2], [3]], [np.zeros(2, np.int64), np.zeros(1, np.int64)])
    assert batch.audio.shape == (2, 1280)
    assert batch.labels.tolist() == [[0, 0], [0, IGNORED]]
    assert (batch.phones.tolist(), batch.phone_counts.tolist()) == ([1, 2, 3], [2, 1])
    assert batch.seconds == pytest.approx(1340 / 16000)


def test_batches_keep_their_seconds_and_see_every_clip(utterances: list[Utterance], packed: PackedAudio) -> None:
    examples = make_examples(utterances, Lexicon())
    batches = TrainingBatches(examples, [1.0] * len(examples), packed, Augmenter(QUIET, [], []), 15.0, seed=1, delay=2)
    clips, phones, padded, spoken = 0, 0, 0.0, 0.0
    for batch in itertools.islice(batches, 20):
        clips, phones = clips + len(batch.audio), phones + len(batch.phones)
        padded, spoken = padded + batch.audio.numel() / 16000, spoken + batch.seconds
        assert batch.audio.numel() / 16000 < 15.0 * 1.05
        if clips == len(examples):
            break
    assert clips == len(examples)
    assert phones == sum(len(example.phones) for example in examples)
    assert spoken > 0.75 * padded  # clips of like length together


@pytest.fixture(scope="module")
def rooms() -> list[np.ndarray]:
    return simulate_rooms(2, seed=1)


def test_rooms_have_unit_energy_and_begin_with_the_direct_sound(rooms: list[np.ndarray]) -> None:
    for room in rooms:
        assert np.sum(room**2) == pytest.approx(1.0, rel=1e-3)
        assert np.argmax(np.abs(room)) == 0


def test_augmented_clips_are_finite_and_as_long_as_told(
    utterances: list[Utterance], packed: PackedAudio, rooms: list[np.ndarray]
) -> None:
    noise = np.random.default_rng(0).integers(-3000, 3000, 20000).astype(np.int16)
    always = AugmentConfig(
        speed_probability=1.0, noise_probability=1.0, room_probability=1.0, lowpass_probability=1.0,
        silence_probability=1.0,
    )  # fmt: skip
    augmenter, random = Augmenter(always, [noise], rooms), np.random.default_rng(1)
    for utterance in utterances[::4]:
        samples = packed[utterance.path].astype(np.float32) / 32768
        clip, speed, lead = augmenter(samples, random)
        assert clip.dtype == np.float32 and np.isfinite(clip).all() and np.abs(clip).max() <= 1.0
        assert 0.88 <= speed <= 1.14 and 0 <= lead <= 0.5
        rest = len(clip) - len(samples) / speed - lead * 16000
        assert -2 <= rest <= 8002  # the silence after the speech


def test_strength_zero_leaves_the_clip_alone(utterances: list[Utterance], packed: PackedAudio) -> None:
    samples = packed[utterances[0].path].astype(np.float32) / 32768
    config = replace(QUIET, speed_probability=1.0, noise_probability=1.0, lowpass_probability=1.0)
    clip, speed, lead = Augmenter(config, [], [])(samples, np.random.default_rng(0), strength=0.0)
    assert (speed, lead, len(clip)) == (1.0, 0.0, len(samples))
    assert np.corrcoef(clip, samples)[0, 1] > 0.99


@pytest.mark.parametrize("snr", [0.0, 10.0, 20.0])
def test_noise_is_as_loud_as_asked(utterances: list[Utterance], packed: PackedAudio, snr: float) -> None:
    samples = packed[utterances[20].path].astype(np.float32) / 32768
    noise = np.random.default_rng(0).integers(-3000, 3000, 100000).astype(np.int16)
    augmenter = Augmenter(replace(QUIET, noise_probability=1.0, snr_db=(snr, snr)), [noise], [])
    random = np.random.default_rng(2)
    for _ in range(5):
        clip, _, _ = augmenter(samples, random)
        scale = np.dot(clip, samples) / np.dot(samples, samples)
        left = clip / scale - samples
        assert 10 * np.log10(np.sum(samples**2) / np.sum(left**2)) == pytest.approx(snr, abs=1.0)
