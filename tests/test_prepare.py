"""Manifests from small trees in the layouts of the public corpora."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speech_lstm.cli import main
from speech_lstm.data.corpus import read_manifest
from speech_lstm.data.prepare import hashed_split

DATA = Path(__file__).parent / "data"


def write_sound(path: Path, seconds: float = 0.5, rate: int = 16000) -> None:
    """Noise in the format that the name's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)), rate)


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Manifest rows by the file's name."""
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    return {Path(row["audio_filepath"]).name: row for row in map(json.loads, lines)}


def test_hash_rule_gives_the_published_splits() -> None:
    """Bundled clips are of speakers whom the official lists of Speech Commands put into validation."""
    dev = {path.name.split("_sc-")[1][:8] for path in (DATA / "words").glob("*_sc-*.opus")}
    assert len(dev) > 10 and {hashed_split(speaker) for speaker in dev} == {"dev"}
    splits = [hashed_split(str(number)) for number in range(5000)]
    assert abs(splits.count("dev") - 500) < 70 and abs(splits.count("test") - 500) < 70


def test_speech_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "sc", tmp_path / "out"
    speakers = [f"{number:08x}" for number in range(40)]
    for speaker in speakers:
        write_sound(source / "yes" / f"{speaker}_nohash_0.wav")
    write_sound(source / "no" / f"{speakers[0]}_nohash_3.wav")
    write_sound(source / "_background_noise_" / "white_noise.wav", 2)
    (source / "_background_noise_" / "README.md").write_text("about")
    (source / "no" / "deadbeef_nohash_0.wav").write_bytes(b"RIFF, but nothing else")
    (source / "no" / "feedbeef_nohash_0.wav").touch()

    assert main(["prepare", "speech_commands", str(source), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "no/deadbeef_nohash_0.wav" in captured.err and "no/feedbeef_nohash_0.wav" in captured.err
    assert "2 files skipped" in captured.err and "41 recordings" in captured.out
    utterances = read_manifest(out / "manifest.jsonl")
    assert {u.speaker: u.split for u in utterances} == {f"sc-{name}": hashed_split(name) for name in speakers}
    assert {u.text for u in utterances} == {"yes", "no"} and {u.split for u in utterances} == {"train", "dev", "test"}
    assert all(u.path.exists() and u.duration == 0.5 for u in utterances)
    (noise,) = read_manifest(out / "noise" / "manifest.jsonl")
    assert noise.text == "" and noise.duration == 2.0 and noise.path.name == "white_noise.wav"

    (source / "validation_list.txt").write_text(f"yes/{speakers[0]}_nohash_0.wav\n")
    (source / "testing_list.txt").write_text(f"yes/{speakers[1]}_nohash_0.wav\n")
    assert main(["prepare", "speech_commands", str(source), "--out", str(out), "--workers", "2"]) == 0
    by_split = {split: {u.speaker for u in read_manifest(out / "manifest.jsonl", split)} for split in ("dev", "test")}
    assert by_split == {"dev": {f"sc-{speakers[0]}"}, "test": {f"sc-{speakers[1]}"}}


def test_librispeech(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "LibriSpeech"
    for subset, speaker in (("train-clean-100", 19), ("dev-other", 700), ("test-clean", 61), ("extra", 5)):
        chapter = source / subset / str(speaker) / "198"
        write_sound(chapter / f"{speaker}-198-0000.flac")
        lines = [f"{speaker}-198-0000 HE DIDN'T KNOW", f"{speaker}-198-0001 GONE"]
        (chapter / f"{speaker}-198.trans.txt").write_text("\n".join(lines) + "\n")
    assert main(["prepare", "librispeech", str(source), "--out", str(tmp_path / "out")]) == 0
    errors = capsys.readouterr().err
    assert "4 files skipped" in errors and str(source / "dev-other/700/198/700-198-0001.flac") in errors
    rows = rows_of(tmp_path / "out")
    found = {row["speaker"]: (row["split"], row["text"]) for row in rows.values()}
    text = "he didn't know"
    assert found == {
        "ls-19": ("train", text), "ls-700": ("dev", text), "ls-61": ("test", text), "ls-5": (hashed_split("5"), text),
    }  # fmt: skip


def common_voice_table(path: Path, rows: list[tuple[str, str, str]]) -> None:
    """A table with quotation marks as the releases have them: unescaped."""
    lines = ["client_id\tpath\tsentence\tgender\tage", *("\t".join((*row, "", "twenties")) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("end", "reason"), [(b"client9\tcl", ":3: the row is cut off"), (b"\xff", ": not a text file in UTF-8")]
)
def test_a_damaged_table_is_named(end: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "validated.tsv"
    common_voice_table(table, [("client1", "clip1.mp3", "hello")])
    with table.open("ab") as file:
        file.write(end)
    assert main(["prepare", "common_voice", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert f"{table}{reason}" in capsys.readouterr().err


def test_common_voice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "en", tmp_path / "out"
    clips = [(f"client{number % 4}", f"clip{number}.mp3", f'"Clip number {number}!') for number in range(8)]
    for _, name, _ in clips:
        write_sound(source / "clips" / name, rate=48000)
    (source / "clips" / "clip7.mp3").write_text("an error page instead of audio")
    common_voice_table(source / "validated.tsv", [*clips, ("client9", "clip9.mp3", "...")])
    assert main(["prepare", "common_voice", str(source), "--out", str(out)]) == 0
    captured = capsys.readouterr().err
    assert "2 files skipped" in captured and "clip7.mp3" in captured and "clip9.mp3: no words" in captured
    assert {row["split"] for row in rows_of(out).values()} <= {hashed_split(f"client{n}") for n in range(4)}

    for split, row in (("train", clips[0]), ("dev", clips[1]), ("test", clips[2])):
        common_voice_table(source / f"{split}.tsv", [row])
    assert main(["prepare", "common_voice", str(source), "--out", str(out)]) == 0
    rows = rows_of(out)
    splits = {row["speaker"]: row["split"] for row in rows.values()}
    assert splits == {"cv-client0": "train", "cv-client1": "dev", "cv-client2": "test", "cv-client3": "train"}
    assert rows["clip4.mp3"]["text"] == "clip number four" and rows["clip4.mp3"]["age"] == "twenties"
    assert "gender" not in rows["clip4.mp3"] and rows["clip4.mp3"]["duration"] == pytest.approx(0.5, abs=0.1)


def pack(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    """A tar with a manifest and two sounds."""
    folder = tmp_path / "mine"
    for name in ("a.wav", "b.wav"):
        write_sound(folder / "sub" / name)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with tarfile.open(tmp_path / "mine.tar.gz", "w:gz") as archive:
        archive.add(folder, "mine")
    return tmp_path / "mine.tar.gz"


def test_tar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"duration": 9.0, "text": "hello", "speaker": "x", "split": "dev", "age": 9}
    tar = pack(tmp_path, [{"audio_filepath": f"sub/{name}.wav", **row} for name in ("a", "b", "gone")])
    out = tmp_path / "out"
    assert main(["prepare", "tar", str(tar), "--out", str(out)]) == 0
    errors = capsys.readouterr().err
    assert "1 files skipped" in errors and str(out / "sub" / "gone.wav") in errors
    assert rows_of(out)["a.wav"] == {"audio_filepath": "sub/a.wav", **row, "duration": 0.5}
    assert (out / "sub" / "b.wav").exists() and len(rows_of(out)) == 2


def test_what_is_not_a_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = {"duration": 0.5, "text": "hello", "speaker": "x"}
    splits = {"a": "train", "b": "dev"}
    tar = pack(tmp_path, [{"audio_filepath": f"sub/{k}.wav", "split": v, **shared} for k, v in splits.items()])
    (tmp_path / "cut.tar.gz").write_bytes(tar.read_bytes()[:3000])
    (tmp_path / "empty").mkdir()
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.add(tmp_path / "mine" / "manifest.jsonl", "mine/../../evil.jsonl")
    for layout, source, complaint in (
        ("tar", tar, "speakers in more than one split: x"),
        ("tar", tmp_path / "cut.tar.gz", "cannot be unpacked"),
        ("tar", tmp_path / "evil.tar", "would be outside"),
        ("tar", tmp_path / "none.tar", "cannot be unpacked"),
        ("speech_commands", tmp_path / "empty", "expected files like"),
        ("librispeech", tmp_path / "empty", "files like train-clean-100"),
        ("common_voice", tmp_path / "empty", "expected validated.tsv"),
        ("common_voice", tmp_path / "none", "not a folder"),
    ):
        assert main(["prepare", layout, str(source), "--out", str(tmp_path / "out")]) == 1
        assert complaint in capsys.readouterr().err
