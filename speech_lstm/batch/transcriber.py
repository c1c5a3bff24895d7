"""Files to transcripts in one process: clips of like length in one call of the model, long files piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike, fspath

import numpy as np

from speech_lstm.batch.listeners import Listener
from speech_lstm.batch.transcript import Transcript
from speech_lstm.runtime.audio import SAMPLE_RATE, RawFormat, Report, Samples, read_blocks
from speech_lstm.runtime.audio.levels import lifted
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.options import check_number, check_types
from speech_lstm.runtime.results import AudioWarning, Result

MOST_CLIP_SECONDS = 28.0
"""The search remembers 30 seconds, with the tail."""


@dataclass(frozen=True)
class BatchOptions:
    """`clip_seconds`: a file up to this length is one utterance, in a longer one every command is looked for.

    `channel`: of all files, None for the average. `track`: of containers with several, None for the one that players
    take. `raw`: of files without a header. `batch`: clips in a call of the model. `window`: files that are read
    before clips of like length are put together.
    """

    clip_seconds: float = 10.0
    channel: int | None = None
    batch: int = 16
    window: int = 64
    track: int | None = None
    raw: RawFormat | None = None

    def __post_init__(self) -> None:
        """OptionError for values outside their range."""
        check_types(self)
        check_number("clip_seconds", self.clip_seconds, 0, MOST_CLIP_SECONDS)
        check_number("batch", self.batch, 1)
        check_number("window", self.window, 1)


@dataclass(frozen=True, eq=False)
class _Clip:
    """A file that is one utterance, float32 [n] at 16 kHz, and what is wrong with it."""

    samples: Samples
    error: str | None
    warnings: tuple[str, ...]

    def transcript(self, path: str, results: tuple[Result, ...]) -> Transcript:
        """With what was heard in it."""
        return Transcript(path, len(self.samples) / SAMPLE_RATE, results, self.error, self.warnings)


class Transcriber:
    """A listener and options; keeps nothing between files."""

    def __init__(self, listener: Listener, options: BatchOptions | None = None) -> None:
        self._listener = listener
        self._options = options or BatchOptions()

    def transcribe(self, paths: Iterable[str | PathLike[str]]) -> Iterator[Transcript]:
        """A transcript for every file, in order. What is wrong with a file is in its transcript, nothing is raised."""
        waiting: list[str | PathLike[str]] = []
        for path in paths:
            waiting.append(path)
            if len(waiting) == self._options.window:
                yield from self._window(waiting)
                waiting = []
        yield from self._window(waiting)

    def _window(self, paths: Sequence[str | PathLike[str]]) -> list[Transcript]:
        """Some files that fit into memory as far as they are clips."""
        clips: list[tuple[int, _Clip]] = []
        done: dict[int, Transcript] = {}
        for number, path in enumerate(paths):
            heard = self._hear(path)
            if isinstance(heard, Transcript):
                done[number] = heard
            else:
                clips.append((number, heard))
        clips.sort(key=lambda clip: len(clip[1].samples))
        for start in range(0, len(clips), self._options.batch):
            batch = clips[start : start + self._options.batch]
            found = self._decode([clip.samples for _, clip in batch])
            for (number, clip), results in zip(batch, found, strict=True):
                done[number] = clip.transcript(fspath(paths[number]), results)
        return [done[number] for number in range(len(paths))]

    def _hear(self, path: str | PathLike[str]) -> _Clip | Transcript:
        """The audio of a clip; of a long or broken file all that is in it."""
        limit = round(self._options.clip_seconds * SAMPLE_RATE)
        pieces: list[Samples] = []
        results: list[Result] = []
        search = None
        heard = 0
        found: list[AudioWarning] = []
        error = None
        try:
            for block in self._blocks(path, found.append):
                heard += len(block)
                pieces.append(block)
                if search is None and heard <= limit:
                    continue
                if search is None:
                    search = self._listener.start()
                results += [result for piece in pieces for result in search.accept(piece)]
                pieces.clear()
        except AudioError as problem:
            error = str(problem)
        except (OSError, MemoryError) as problem:
            error = f"{path}: cannot be read ({problem})"
        for warning in found:
            if warning.kind == "damaged":
                error = error or f"{path}: {warning.message}"
        warnings = tuple(warning.message for warning in found if warning.kind != "damaged")
        if search is not None:
            results += search.finish()
            return Transcript(fspath(path), heard / SAMPLE_RATE, tuple(results), error, warnings)
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        if samples.size:
            return _Clip(samples, error, warnings)
        return Transcript(fspath(path), error=error or f"{path}: no samples in the file", warnings=warnings)

    def _blocks(self, path: str | PathLike[str], report: Report) -> Iterator[Samples]:
        options = self._options
        return read_blocks(path, options.channel, track=options.track, raw=options.raw, report=report)

    def _decode(self, clips: Sequence[Samples]) -> Iterator[tuple[Result, ...]]:
        """The results of clips, in one call of the model."""
        metadata = self._listener.model.metadata
        lengths = [metadata.padded_samples(len(clip)) for clip in clips]
        audio = np.zeros((len(clips), max(lengths)), np.float32)
        for row, clip in zip(audio, clips, strict=True):
            row[: len(clip)] = lifted(clip)
        log_probs, _ = self._listener.model.run(audio, self._listener.model.initial_state(len(clips)))
        for rows, clip, length in zip(log_probs, clips, lengths, strict=True):
            rows = rows[metadata.lookahead_frames : length // metadata.samples_per_frame]
            yield self._listener.clip(rows, len(clip) / SAMPLE_RATE)
