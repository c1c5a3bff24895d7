"""Speech corpora as manifests: one JSON object a line, NeMo style, and their audio packed for fast training.

A manifest row has `audio_filepath` (relative to the manifest), `duration` in seconds, `text`, `speaker` and `split`.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from speech_lstm.runtime.audio import read_audio, refuse
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import AudioError, SpeechLstmError
from speech_lstm.writing import cannot_write

SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Utterance:
    """One recording: where it is, what is said, by whom. `duration` in seconds."""

    path: Path
    text: str
    duration: float
    speaker: str
    split: str
    corpus: str


def read_lines(path: Path) -> list[str]:
    """The lines of a text file in UTF-8. SpeechLstmError where it is none."""
    try:
        return read_text(path).splitlines()
    except OSError as error:
        raise SpeechLstmError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpeechLstmError(f"{path}: not a text file in UTF-8: {error.reason}") from error


def read_manifest(path: Path, split: str | None = None) -> list[Utterance]:
    """The utterances of a manifest, of one split or all."""
    utterances = []
    corpus = path.absolute().parent.name
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            utterance = Utterance(
                path.parent / row["audio_filepath"],
                _text(row["text"]),
                float(row["duration"]),
                row.get("speaker", ""),
                row.get("split", "train"),
                corpus,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise SpeechLstmError(f"{path}:{number}: not a manifest row ({error!r})") from error
        if split is None or utterance.split == split:
            utterances.append(utterance)
    return utterances


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text is {value!r}")
    return value


def _decode(path: Path) -> np.ndarray | str:
    """Samples as int16 at 16 kHz, or what is wrong with the file."""
    try:
        info = soundfile.info(path)
        if info.samplerate == SAMPLE_RATE and info.channels == 1:
            samples, _ = soundfile.read(path, dtype="float32")
            if not len(samples) or not np.isfinite(samples).all():
                return f"{path}: no usable samples"
        else:
            samples = read_audio(path, report=refuse)
    except (AudioError, RuntimeError) as error:
        return str(error) if str(path) in str(error) else f"{path}: {error}"
    return np.clip(np.round(samples * 32767.0), -32768, 32767).astype(np.int16)


class PackedAudio:
    """The audio of many utterances in one memory-mapped int16 file, so that a random clip costs no decoding.

    `pack` decodes whatever the folder lacks; a corrupt or missing file is reported with its path and left out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index: dict[str, tuple[int, int]] = {}
        index = folder / "index.jsonl"
        if index.exists():
            for line in index.read_text(encoding="utf-8").splitlines():
                try:
                    path, start, length = json.loads(line)
                except (ValueError, TypeError):
                    raise SpeechLstmError(f"{index}: damaged; delete its folder, it is made anew") from None
                self._index[path] = (start, length)
            data = folder / "audio.i16"
            if not data.exists() or data.stat().st_size < 2 * self._end:
                raise SpeechLstmError(f"{data}: damaged; delete its folder, it is made anew")
        self._samples: np.ndarray | None = None

    @property
    def _end(self) -> int:
        """Samples that are packed."""
        return max((start + length for start, length in self._index.values()), default=0)

    def __contains__(self, path: Path) -> bool:
        return str(path) in self._index

    def __getitem__(self, path: Path) -> np.ndarray:
        """int16 [samples], 16 kHz."""
        if self._samples is None:
            self._samples = np.memmap(self.folder / "audio.i16", dtype=np.int16, mode="r")
        start, length = self._index[str(path)]
        return self._samples[start : start + length]

    def pack(self, paths: Iterable[Path], workers: int | None = None) -> list[str]:
        """Decode the files that are not packed yet; returns a message for each file left out."""
        missing = [path for path in paths if path not in self]
        if not missing:
            return []
        try:
            return self._pack(missing, workers)
        except OSError as error:
            raise cannot_write(str(self.folder), error) from None

    def _pack(self, missing: list[Path], workers: int | None) -> list[str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        problems = []
        data_path = self.folder / "audio.i16"
        end = self._end
        data_path.touch()
        os.truncate(data_path, end * 2)  # what an interrupted run wrote past the index
        with (
            data_path.open("ab") as data,
            (self.folder / "index.jsonl").open("a", encoding="utf-8") as index,
            ProcessPoolExecutor(workers or os.cpu_count()) as pool,
        ):
            for path, samples in zip(missing, _in_order(pool, missing), strict=True):
                if isinstance(samples, str):
                    problems.append(samples)
                    print(f"skipped: {samples}", file=sys.stderr)
                    continue
                samples.tofile(data)
                data.flush()
                index.write(json.dumps([str(path), end, len(samples)]) + "\n")
                index.flush()
                self._index[str(path)] = (end, len(samples))
                end += len(samples)
        self._samples = None
        return problems


def _in_order(pool: ProcessPoolExecutor, paths: list[Path]) -> Iterator[np.ndarray | str]:
    return pool.map(_decode, paths, chunksize=64)
