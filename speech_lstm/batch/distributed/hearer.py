"""What the actors of a cluster do: fetch the files of a part, hear them, write the part."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from speech_lstm.batch.distributed.parts import PartFolder
from speech_lstm.batch.distributed.storage import fetch_all
from speech_lstm.batch.listeners import ListenerOptions
from speech_lstm.batch.transcriber import BatchOptions, Transcriber
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.workers import transcribe_files

CAREFUL_ATTEMPT = 3
"""From this attempt at a part on, each file is heard in a process of its own: one of them may have killed the actor."""

MOST_ERRORS = 20
"""Errors of a part that are reported; the part has them all."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShippedListener:
    """A listener whose files go along, since the other machines do not have them; can be pickled.

    `grammar` and `model`: the content of each file by its path relative to the last folder of the option; a model that
    comes with the package is not among them.
    """

    options: ListenerOptions
    grammar: Mapping[str, bytes]
    model: Mapping[str, bytes]

    @classmethod
    def pack(cls, options: ListenerOptions) -> ShippedListener:
        """Read the files. OSError where that fails."""
        grammar = options.grammar if isinstance(options.grammar, str | os.PathLike) else None
        model = options.model if options.model.endswith(".onnx") else None
        return cls(options, _content(grammar), _content(model))

    def unpack(self, folder: Path) -> ListenerOptions:
        """Write the files into a folder; options that name them there."""
        options = self.options
        if self.grammar:
            options = replace(options, grammar=folder / _written(self.grammar, folder))
        if self.model:
            options = replace(options, model=str(folder / _written(self.model, folder)))
        return options


def _content(source: str | os.PathLike[str] | None) -> dict[str, bytes]:
    if source is None:
        return {}
    top = Path(source).absolute()
    files = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
    return {str(path.relative_to(top.parent)): path.read_bytes() for path in files}


def _written(content: Mapping[str, bytes], folder: Path) -> str:
    """The first component of the paths, a file or a folder."""
    for relative, data in content.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Path(next(iter(content))).parts[0]


class Attempts:
    """How often work on a part has begun, counted by an actor for all others."""

    def __init__(self) -> None:
        self._begun: dict[str, int] = {}

    def begin(self, part: str) -> int:
        """One more."""
        self._begun[part] = self._begun.get(part, 0) + 1
        return self._begun[part]


class Hearer:
    """The stage of `map_batches`: holds a transcriber; each row of its input is the names of the files of a part."""

    def __init__(self, listener: ShippedListener, options: BatchOptions, output: PartFolder, attempts: Any) -> None:
        """attempts: handle of an actor of class `Attempts`."""
        self._folder = tempfile.TemporaryDirectory(prefix="speech-lstm-")
        self._listener = listener.unpack(Path(self._folder.name))
        self._options = options
        self._transcriber = Transcriber(self._listener.load(), options)
        self._output = output
        self._attempts = attempts

    def __call__(self, batch: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Hear and write parts; a JSON object about each. Nothing is raised: one part must not end the others' work."""
        return {"summary": [json.dumps(self._part(json.loads(names))) for names in batch["names"]]}

    def _part(self, names: list[str]) -> dict[str, Any]:
        import ray

        begun = time.process_time()
        try:
            attempt = ray.get(self._attempts.begin.remote(self._output.path(names)))
            transcripts = hear(names, self._careful if attempt >= CAREFUL_ATTEMPT else self._transcriber.transcribe)
            self._output.write(names, transcripts)
        except Exception as error:
            log.exception("part with %s", names[0])
            return {"files": len(names), "seconds": 0.0, "problem": f"{type(error).__name__}: {error}"}
        errors = [transcript.error for transcript in transcripts if transcript.error is not None]
        return {
            "files": len(names),
            "seconds": sum(transcript.duration for transcript in transcripts),
            "cpu_seconds": time.process_time() - begun,
            "failed": len(errors),
            "errors": errors[:MOST_ERRORS],
        }

    def _careful(self, paths: Iterable[str]) -> Iterator[Transcript]:
        """As `Transcriber.transcribe`, in processes that may die."""
        remaining = iter(paths)
        while some := list(islice(remaining, self._options.window)):
            yield from transcribe_files(some, self._listener, self._options, jobs=2)


def hear(names: list[str], transcribe_paths: Any) -> list[Transcript]:
    """Transcripts of files by their names, in order; those that are elsewhere are here for as long as they are needed.

    transcribe_paths: `Transcriber.transcribe`, or the like.
    """
    found: dict[str, Transcript] = {}
    here: dict[str, tuple[str, bool]] = {}

    def paths(folder: str) -> Iterator[str]:
        for file in fetch_all(names, Path(folder)):
            if file.error is not None:
                found[file.name] = Transcript(file.name, error=file.error)
                continue
            here[str(file.path)] = file.name, file.copied
            yield str(file.path)

    with tempfile.TemporaryDirectory(prefix="speech-lstm-") as folder:
        for transcript in transcribe_paths(paths(folder)):
            name, copied = here.pop(transcript.file)
            if copied:
                Path(transcript.file).unlink(missing_ok=True)
            found[name] = transcript.called(name)
    return [found[name] for name in names]
