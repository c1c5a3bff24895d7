"""Manifests, packed audio, batches, frame labels and augmentation, on the bundled recordings."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.utils.data import DataLoader

from speech_lstm.config import AugmentConfig
from speech_lstm.data.augment import Augmenter, simulate_rooms, speech_level
from speech_lstm.data.corpus import PackedAudio, Utterance, read_manifest
from speech_lstm.data.dataset import (
    IGNORED,
    Batch,
    Example,
    TrainingBatches,
    frame_labels,
    make_examples,
    read_alignments,
)
from speech_lstm.data.noise import make_noises
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

DATA = Path(__file__).parent / "data"
QUIET = AugmentConfig(
    speed_probability=0.0, gain_db=(0.0, 0.0), noise_probability=0.0, room_probability=0.0, band_probability=0.0,
    level_db=0.0, quiet_probability=0.0,
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


@pytest.mark.parametrize("wrong", [{"text": None}, {"text": 5}, {"duration": None}])
def test_bad_manifest_row_is_named(wrong: dict[str, object], tmp_path: Path) -> None:
    row = {"audio_filepath": "a.wav", "duration": 1, "text": "a", **wrong}
    (tmp_path / "manifest.jsonl").write_text(f"\n{json.dumps(row)}\n")
    with pytest.raises(SpeechLstmError, match=r"manifest\.jsonl:2: not a manifest row"):
        read_manifest(tmp_path / "manifest.jsonl")


def test_the_corpus_is_the_folder_of_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"audio_filepath": "a.wav", "duration": 1, "text": "a"}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row))
    monkeypatch.chdir(tmp_path)
    (utterance,) = read_manifest(Path("manifest.jsonl"))
    assert utterance.corpus == tmp_path.name


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


def test_packed_audio_that_was_cut_off_is_refused(utterances: list[Utterance], tmp_path: Path) -> None:
    PackedAudio(tmp_path).pack([utterances[0].path, utterances[1].path], workers=1)
    os.truncate(tmp_path / "audio.i16", 100)
    with pytest.raises(SpeechLstmError, match=r"audio\.i16: damaged"):
        PackedAudio(tmp_path)


def test_phones_of_an_utterance(utterances: list[Utterance], capsys: pytest.CaptureFixture[str]) -> None:
    zero = next(utterance for utterance in utterances if utterance.text == "zero")
    too_short = replace(zero, duration=0.1)
    (made,) = make_examples([zero, too_short], Lexicon())
    assert " ".join(TOKENS[phone] for phone in made.tokens) in {"Z IH R OW", "Z IY R OW"}
    assert "1 of 2 utterances left out" in capsys.readouterr().err


def test_clips_that_do_not_fit_their_text_are_left_out(utterances: list[Utterance], tmp_path: Path) -> None:
    rows = [
        {"path": str(u.path), "phones": [["AH", 0.1, 0.2]], "misfit": misfit}
        for u, misfit in zip(utterances, (0.5, 4.0), strict=False)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = make_examples(utterances[:3], Lexicon(), read_alignments(tmp_path / "a.jsonl", 3.0))
    assert [e.utterance for e in made] == [utterances[0], utterances[2]]
    assert made[0].tokens == (TOKENS.index("AH"),) and made[0].alignment and not made[1].alignment


def test_frame_labels_are_spread_between_the_phones() -> None:
    said = example((5, 0.20, 0.24), (7, 0.36, 0.40))
    plain = frame_labels(said, 16, speed=1.0, lead=0.0)
    assert plain.tolist() == [0] * 3 + [5] * 5 + [7] * 5 + [0] * 3  # half-way is 0.30 s; to the sides 0.1 s
    later = frame_labels(said, 16, speed=1.0, lead=0.08)
    assert later.tolist() == [0, 0, *plain.tolist()[:-2]]
    fast = frame_labels(said, 16, speed=2.0, lead=0.0)
    assert fast.tolist().index(7) in (3, 4) and 5 in fast


def test_short_phone_has_a_frame_and_unaligned_clips_are_ignored() -> None:
    assert 9 in frame_labels(example((9, 0.201, 0.205)), 10, 1.0, 0.0)
    assert 9 in frame_labels(example((9, 5.0, 5.1)), 10, 1.0, 0.0)  # after the last frame
    unaligned = replace(example(), tokens=(9,))
    assert set(frame_labels(unaligned, 10, 1.0, 0.0)) == {IGNORED}
    assert set(frame_labels(example(), 10, 1.0, 0.0)) == {0}  # nothing is said


def batches(examples: list[Example], packed: PackedAudio, seed: int = 1) -> list[Batch]:
    made = TrainingBatches(examples, [1.0] * len(examples), packed, Augmenter(QUIET, [], []), 3, 10.0, [seed])
    return list(itertools.islice(made, 6))


def test_streams_are_full_of_clips_that_do_not_overlap(utterances: list[Utterance], packed: PackedAudio) -> None:
    examples = make_examples(utterances, Lexicon())
    made = batches(examples, packed)
    said = {example.tokens for example in examples}
    seen = set()
    for batch in made:
        assert batch.audio.shape == (3, 160000) and batch.labels.shape == (3, 250)
        assert batch.seconds == 30.0
        rows = batch.segments.tolist()
        assert [row for row, _, _ in rows] == sorted(row for row, _, _ in rows)
        for stream in range(3):
            spans = [(first, frames) for row, first, frames in rows if row == stream]
            assert spans[0][0] == 0 and sum(frames for _, frames in spans) == 250
            assert all(a + n == b for (a, n), (b, _) in itertools.pairwise(spans))
        phones = batch.phones.split(batch.phone_counts.tolist())
        seen |= {tuple(part.tolist()) for part in phones}
        assert len(phones) == len(rows)
    assert seen <= said and len(seen) > len(said) / 2
    seconds = {example.tokens: example.utterance.duration for example in examples}
    spoken = sum(
        seconds[tuple(part.tolist())] for batch in made for part in batch.phones.split(batch.phone_counts.tolist())
    )
    assert spoken > 0.75 * 30.0 * len(made)  # the rest are pauses and the ends of streams


def test_clips_lie_in_their_segments(utterances: list[Utterance], packed: PackedAudio) -> None:
    examples = make_examples(utterances, Lexicon())
    by_phones = {example.tokens: packed[example.utterance.path] for example in examples}
    for batch in batches(examples, packed)[:2]:
        phones = batch.phones.split(batch.phone_counts.tolist())
        for (row, first, frames), part in zip(batch.segments.tolist(), phones, strict=True):
            heard = batch.audio[row, first * 640 : (first + frames) * 640].numpy()
            clip = by_phones[tuple(part.tolist())].astype(np.float32)
            assert len(clip) < len(heard) + 640
            match = np.fft.irfft(np.fft.rfft(heard, 2 * len(heard)) * np.conj(np.fft.rfft(clip, 2 * len(heard))))
            assert match.max() > 0.95 * np.linalg.norm(clip) * np.linalg.norm(heard)


def test_seed_alone_decides_the_batches(utterances: list[Utterance], packed: PackedAudio) -> None:
    examples = make_examples(utterances, Lexicon())
    first, again, other = (batches(examples, packed, seed)[0].audio for seed in (1, 1, 2))
    assert first.equal(again) and not first.equal(other)


@pytest.fixture(scope="module")
def rooms() -> list[np.ndarray]:
    return simulate_rooms(2, seed=1)


def test_rooms_have_unit_energy_and_begin_with_the_direct_sound(rooms: list[np.ndarray]) -> None:
    for room in rooms:
        assert np.sum(room**2) == pytest.approx(1.0, rel=1e-3)
        assert 38 <= np.argmax(np.abs(room)) <= 42 and np.sum(room[:80] ** 2) > 0.05  # a pulse of 81 samples


@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_another_speed_keeps_what_is_high(speed: float) -> None:
    """S and F are heard up to 7 kHz, and recognition hears them all."""
    augmenter = Augmenter(replace(QUIET, speed=(speed, speed), speed_probability=1.0), [], [])
    tones = (1000.0, 6800.0 / max(1.0, speed))
    seconds = np.arange(32000) / 16000
    samples = np.sin(2 * np.pi * np.outer(tones, seconds)).sum(0).astype(np.float32)
    heard, _ = augmenter.clip(samples, np.random.default_rng(0), 1.0)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    low, high = (spectrum[abs(np.fft.rfftfreq(len(heard), 1 / 16000) - tone * speed) < 50].max() for tone in tones)
    assert 20 * np.log10(high / low) > -2


def test_augmented_clips_are_finite_and_as_long_as_told(
    utterances: list[Utterance], packed: PackedAudio, rooms: list[np.ndarray]
) -> None:
    noise = np.random.default_rng(0).integers(-3000, 3000, 20000).astype(np.int16)
    always = AugmentConfig(speed_probability=1.0, noise_probability=1.0, room_probability=1.0, band_probability=1.0)
    voice = packed[utterances[0].path]
    augmenter, random = Augmenter(always, [noise], rooms, lambda _: voice), np.random.default_rng(1)
    for utterance in utterances[::4]:
        samples = packed[utterance.path].astype(np.float32) / 32768
        clip, speed = augmenter.clip(samples, random, 1.0)
        assert clip.dtype == np.float32 and np.isfinite(clip).all()
        assert 0.88 <= speed <= 1.14 and abs(len(clip) - len(samples) / speed) <= 2
        assert 0.25 < speech_level(clip) < 4
        heard = augmenter.stream(clip, random, 1.0)
        assert heard.dtype == np.float32 and np.isfinite(heard).all() and np.abs(heard).max() <= 1.0
        assert len(heard) == len(clip)


def test_strength_zero_leaves_the_clip_alone(utterances: list[Utterance], packed: PackedAudio) -> None:
    samples = packed[utterances[0].path].astype(np.float32) / 32768
    config = replace(QUIET, speed_probability=1.0, noise_probability=1.0, band_probability=1.0)
    augmenter, random = Augmenter(config, [], []), np.random.default_rng(0)
    clip, speed = augmenter.clip(samples, random, 0.0)
    heard = augmenter.stream(clip, random, 0.0)
    assert (speed, len(heard)) == (1.0, len(samples))
    assert np.corrcoef(heard, samples)[0, 1] > 0.99


@pytest.mark.parametrize("snr", [0.0, 10.0, 20.0])
def test_noise_is_as_loud_as_asked(utterances: list[Utterance], packed: PackedAudio, snr: float) -> None:
    samples = packed[utterances[20].path].astype(np.float32) / 32768
    noise = np.random.default_rng(0).integers(-3000, 3000, 100000).astype(np.int16)
    config = replace(QUIET, noise_probability=1.0, snr_db=(snr, snr), babble_part=0.0)
    augmenter, random = Augmenter(config, [noise], []), np.random.default_rng(2)
    clip, _ = augmenter.clip(samples, random, 1.0)
    ratios = []
    for _ in range(12):
        heard = augmenter.stream(clip, random, 1.0)
        left = heard * (np.dot(clip, clip) / np.dot(heard, clip)) - clip
        ratios.append(10 * np.log10(speech_level(clip) ** 2 / np.mean(left**2)))
    assert np.median(ratios) == pytest.approx(snr, abs=2.0)  # some hear two noises, some for a part of the time


def test_made_noises_are_loud_and_unlike() -> None:
    noises = make_noises(8, 2.0, seed=3)
    assert all(len(noise) == 32000 and np.abs(noise).max() == 16000 for noise in noises)
    assert all(np.std(noise) > 100 for noise in noises)
    assert max(abs(np.corrcoef(a, b)[0, 1]) for a, b in itertools.combinations(noises, 2)) < 0.2
    again = make_noises(8, 2.0, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(noises, again, strict=True))


def test_noises_are_heard_as_often_as_they_are_long() -> None:
    """A constant has no sound of its own: what is drawn shows in the sign of what is added."""
    short, long = np.full(1600, -9000, np.int16), np.full(14400, 9000, np.int16)
    noisy = Augmenter(replace(QUIET, noise_probability=1.0, snr_db=(0.0, 0.0)), [short, long], [])
    random, silence = np.random.default_rng(5), np.full(800, 1e-3, np.float32)
    signs = [np.sign(np.median(noisy.stream(silence, random, 1.0) - silence)) for _ in range(400)]
    assert 0.82 < sum(sign > 0 for sign in signs) / len(signs) < 0.98


def test_loader_workers_make_the_batches_that_their_seeds_say(utterances: list[Utterance], packed: PackedAudio) -> None:
    """One worker makes those of none; several take turns, the first of them with the same ones; all again each time."""
    examples = make_examples(utterances, Lexicon())

    def loaded(workers: int) -> list[Batch]:
        noisy = Augmenter(replace(QUIET, noise_probability=1.0), make_noises(2, 1.0, seed=1), [])
        made = TrainingBatches(examples, [1.0] * len(examples), packed, noisy, 2, 5.0, [3])
        made.strength.fill_(1.0)
        return list(itertools.islice(DataLoader(made, batch_size=None, num_workers=workers), 4))

    def same(one: list[Batch], other: list[Batch]) -> bool:
        pairs = [(getattr(a, f), getattr(b, f)) for a, b in zip(one, other, strict=True) for f in vars(a)]
        return all(torch.equal(a, b) for a, b in pairs)

    none, two = loaded(0), loaded(2)
    assert same(loaded(1), none)
    assert same(two[::2], none[:2]) and not same(two[1::2], none[:2])
    assert same(loaded(2), two)
