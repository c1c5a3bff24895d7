"""Public speech corpora, as downloaded, to manifests with splits that share no speaker.

The audio stays where it is and is decoded once, so that a manifest lists only files that can be read.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import sys
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from speech_lstm.data.corpus import read_lines
from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio, refuse
from speech_lstm.runtime.errors import AudioError, SpeechLstmError
from speech_lstm.runtime.lexicon.text import normalise

DEV_PERCENT = TEST_PERCENT = 10.0
MAX_CLIPS_PER_WORD = 2**27 - 1  # of the official rule of Speech Commands
BACKGROUND = "_background_noise_"
ESC10_DEV_FOLD = "4"
"""Of the environmental sounds (Piczak 2015, names FOLD-CLIP-TAKE), the part that no model trains on."""


@dataclass(frozen=True)
class Recording:
    """A file that a corpus lists. `text` is "" for noise; `more`: other entries of its manifest row."""

    path: Path
    text: str
    speaker: str
    split: str
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """A manifest that was written, what it holds, and how many files were left out."""

    manifest: Path
    rows: int
    seconds: float
    skipped: int


def prepare(layout: str, source: Path, out: Path, workers: int = 1) -> list[Prepared]:
    """Write out/manifest.jsonl, and for Speech Commands out/noise/manifest.jsonl, from a corpus.

    layout: a key of LAYOUTS, or "tar". Files that are missing, damaged or without words are reported on stderr with
    their path and left out. Raises SpeechLstmError when the source does not have the layout or nothing can be used.
    """
    if layout == "tar":
        return [write_manifest(unpack(source, out), out, workers)]
    if not source.is_dir():
        raise SpeechLstmError(f"{source}: not a folder; expected the unpacked corpus")
    recordings = list(LAYOUTS[layout](source.absolute()))
    speech = [recording for recording in recordings if recording.split != "noise"]
    noise = [recording for recording in recordings if recording.split == "noise"]
    prepared = [write_manifest(speech, out, workers)]
    if noise:
        prepared.append(write_manifest(noise, out / "noise", workers))
    return prepared


def hashed_split(name: str) -> str:
    """train, dev or test from a speaker's name, the same on every machine and for any set of speakers.

    `which_set` of the TensorFlow tutorial (Warden, "Speech Commands", 2018, section 5.9), 10 % for dev and for test.
    """
    number = int(hashlib.sha1(name.encode()).hexdigest(), 16)
    percent = number % (MAX_CLIPS_PER_WORD + 1) * (100.0 / MAX_CLIPS_PER_WORD)
    if percent < DEV_PERCENT:
        return "dev"
    return "test" if percent < DEV_PERCENT + TEST_PERCENT else "train"


def speech_commands(source: Path) -> Iterator[Recording]:
    """WORD/SPEAKER_nohash_N.wav. The speakers in validation_list.txt and testing_list.txt go to dev and test.

    Without these files the official hash rule decides. Background noise has the split "noise".
    """
    listed = {}
    for name, split in (("validation_list.txt", "dev"), ("testing_list.txt", "test")):
        if (source / name).exists():
            lines = read_lines(source / name)
            listed.update({_speaker(PurePosixPath(line).name): split for line in lines if line.strip()})
    clips = [path for path in sorted(source.glob("*/*")) if path.suffix in (".wav", ".flac", ".opus")]
    if not any("_nohash_" in path.name for path in clips):
        raise SpeechLstmError(f"{source}: no clips of Speech Commands; expected files like yes/0a7c2a8d_nohash_0.wav")
    for path in clips:
        if path.parent.name == BACKGROUND:
            yield Recording(path, "", "", "noise", {"category": "background"})
        elif not path.parent.name.startswith("_"):
            speaker = _speaker(path.name)
            split = listed.get(speaker, "train") if listed else hashed_split(speaker)
            yield Recording(path, normalise(path.parent.name), f"sc-{speaker}", split)


def _speaker(name: str) -> str:
    return re.sub(r"_nohash_.*$", "", name)


def librispeech(source: Path) -> Iterator[Recording]:
    """SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-N.flac with SPEAKER-CHAPTER.trans.txt. The subset's name is the split."""
    transcripts = sorted(source.rglob("*.trans.txt"))
    if not transcripts:
        raise SpeechLstmError(f"{source}: no LibriSpeech; expected files like train-clean-100/19/198/19-198.trans.txt")
    for transcript in transcripts:
        subset = transcript.parent.parent.parent.name
        split = re.match("(train|dev|test)-", subset)
        for line in read_lines(transcript):
            name, _, text = line.partition(" ")
            if name:
                speaker = name.split("-")[0]
                yield Recording(
                    transcript.parent / f"{name}.flac", normalise(text), f"ls-{speaker}",
                    split[1] if split else hashed_split(speaker), {"subset": subset},
                )  # fmt: skip


def common_voice(source: Path) -> Iterator[Recording]:
    """clips/*.mp3 with validated.tsv, train.tsv, dev.tsv and test.tsv, of which some may be missing.

    Speakers of test.tsv and dev.tsv stay there and all others train; without these two the hash of the speaker decides.
    """
    tables = {name: _table(source / f"{name}.tsv") for name in ("validated", "train", "dev", "test")}
    if not any(tables.values()):
        raise SpeechLstmError(f"{source}: no Common Voice; expected validated.tsv, or train.tsv, dev.tsv and test.tsv")
    official = {row["client_id"]: split for split in ("train", "dev", "test") for row in tables[split]}
    rows = {row["path"]: row for table in tables.values() for row in table}
    held_out = tables["dev"] or tables["test"]
    for name, row in sorted(rows.items()):
        client = row["client_id"]
        split = official.get(client, "train") if held_out else hashed_split(client)
        more = {key: row[key] for key in ("accents", "accent", "gender", "age") if row.get(key)}
        file = name if name.endswith(".mp3") else f"{name}.mp3"
        yield Recording(source / "clips" / file, normalise(row["sentence"]), f"cv-{client[:16]}", split, more)


def _table(path: Path) -> list[dict[str, str]]:
    """Rows of a table with tabs; none if the file is missing."""
    if not path.exists():
        return []
    try:
        rows = list(csv.DictReader(read_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise SpeechLstmError(f"{path}: not a table with tabs: {error}") from None
    if rows and not {"client_id", "path", "sentence"} <= set(rows[0]):
        raise SpeechLstmError(f"{path}: columns are {', '.join(rows[0])}; expected client_id, path and sentence")
    for number, row in enumerate(rows, 2):
        if None in (row["client_id"], row["path"], row["sentence"]):
            raise SpeechLstmError(f"{path}:{number}: the row is cut off")
    return rows


LAYOUTS = {"speech_commands": speech_commands, "librispeech": librispeech, "common_voice": common_voice}


def unpack(source: Path, out: Path) -> list[Recording]:
    """Unpack a tar of one folder, with a manifest and its audio, as the folder `out`; the manifest's recordings."""
    if source.exists() and not source.is_file():
        raise SpeechLstmError(f"{source}: not a file; expected a tar")
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                name = PurePosixPath(*PurePosixPath(member.name).parts[1:])  # the folder of the tar becomes `out`
                content = archive.extractfile(member) if member.isfile() else None
                if content is None or not name.parts:
                    continue
                if ".." in name.parts:
                    raise SpeechLstmError(f"{source}: {member.name} would be outside of {out}")
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                with content, (out / name).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SpeechLstmError(f"{source}: cannot be unpacked to {out}: {str(error).splitlines()[0]}") from error
    manifest = out / "manifest.jsonl"
    if not manifest.exists():
        raise SpeechLstmError(f"{source}: no manifest; expected NAME/manifest.jsonl and audio files in the tar")
    recordings = []
    for number, line in enumerate(read_lines(manifest), 1):
        try:
            row = json.loads(line)
            path, text = out.absolute() / row.pop("audio_filepath"), row.pop("text")
        except (ValueError, KeyError, TypeError) as error:
            raise SpeechLstmError(f"{manifest}:{number}: not a manifest row ({error!r})") from error
        row.pop("duration", None)
        if not text and "split" not in row:
            held_out = row.get("source") == "ESC-10" and path.name.split("-")[0] == ESC10_DEV_FOLD
            row["noise_split"] = "dev" if held_out else "train"
        recordings.append(
            Recording(path, text, row.pop("speaker", ""), row.pop("split", "train" if text else "noise"), row)
        )
    return recordings


def write_manifest(recordings: Sequence[Recording], out: Path, workers: int = 1) -> Prepared:
    """Write out/manifest.jsonl with the recordings that can be read. Noise is what has the split "noise"."""
    shared = _speakers_in_several_splits(recordings)
    if shared:
        raise SpeechLstmError(f"{out}: speakers in more than one split: {', '.join(shared[:5])} ({len(shared)} in all)")
    out.mkdir(parents=True, exist_ok=True)
    manifest, partial = out / "manifest.jsonl", out / "manifest.partial"
    rows, seconds = 0, 0.0
    with partial.open("w", encoding="utf-8") as file:
        for recording, duration in zip(recordings, _durations(recordings, workers), strict=True):
            if isinstance(duration, str):
                print(f"skipped: {duration}", file=sys.stderr)
                continue
            file.write(json.dumps(_row(recording, duration, out.absolute()), ensure_ascii=False) + "\n")
            rows += 1
            seconds += duration
    if not rows:
        partial.unlink()
        raise SpeechLstmError(f"{out}: none of the {len(recordings)} files can be used")
    partial.replace(manifest)
    return Prepared(manifest, rows, seconds, len(recordings) - rows)


def _row(recording: Recording, duration: float, out: Path) -> dict[str, Any]:
    path = recording.path
    row: dict[str, Any] = {
        "audio_filepath": path.relative_to(out).as_posix() if path.is_relative_to(out) else str(path),
        "duration": round(duration, 3),
        "text": recording.text,
    }
    more = dict(recording.more)
    if recording.split == "noise":
        row["split"] = more.pop("noise_split", "train")
    else:
        row |= {"speaker": recording.speaker, "split": recording.split}
    return row | more


def _speakers_in_several_splits(recordings: Iterable[Recording]) -> list[str]:
    splits: dict[str, set[str]] = {}
    for recording in recordings:
        splits.setdefault(recording.speaker, set()).add(recording.split)
    return sorted(speaker for speaker, found in splits.items() if speaker and len(found) > 1)


def _durations(recordings: Sequence[Recording], workers: int) -> Iterator[float | str]:
    """Seconds of each recording, or why it cannot be used."""
    if workers == 1:
        yield from map(_duration, recordings)
    else:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(_duration, recordings, chunksize=64)


def _duration(recording: Recording) -> float | str:
    if not recording.text and recording.split != "noise":
        return f"{recording.path}: no words in the transcript"
    try:
        return len(read_audio(recording.path, report=refuse)) / SAMPLE_RATE
    except AudioError as error:
        return str(error)
