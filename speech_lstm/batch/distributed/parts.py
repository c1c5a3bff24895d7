"""The output: a folder of parts. A part holds the transcripts of certain files, is named after them, and is whole.

Who writes a part twice writes the same name with the same rows, so that nothing has to be locked or undone: a task may
die at any moment and be run again, or run twice at once, and every file is in the output once.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, Literal

from speech_lstm.batch.distributed.storage import Place, locate, persistently
from speech_lstm.batch.settings import NAME, Settings, told
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.writers import JsonLinesWriter
from speech_lstm.runtime.errors import SpeechLstmError

Format = Literal["parquet", "jsonl"]

READERS = 8
"""Parts that are read at once."""


@dataclass(frozen=True)
class PartFolder:
    """Parts in one folder, at a path or URL; can be pickled."""

    url: str
    format: Format = "parquet"

    @cached_property
    def _place(self) -> Place:
        return locate(self.url)

    def __getstate__(self) -> dict[str, Any]:
        """Without the connection."""
        return {"url": self.url, "format": self.format}

    def path(self, names: Sequence[str]) -> str:
        """Where the part of these files belongs."""
        digest = hashlib.sha256(json.dumps(list(names)).encode()).hexdigest()
        return f"{self._place.path}/part-{digest[:24]}.{self.format}"

    def check(self, settings: Settings) -> None:
        """SpeechLstmError where the parts were made with other settings."""
        earlier = self._settings()
        if earlier is not None and (changed := settings.changed(earlier)):
            raise SpeechLstmError(f"{self.url} was made with {told(changed)}; take another folder")

    def prepare(self, settings: Settings) -> None:
        """Make the folder and keep the settings in it. Raises what the storage does, and as `check`."""
        persistently(lambda: self._place.filesystem.makedirs(self._place.path, exist_ok=True))
        self.check(settings)
        if self._settings() is None:
            persistently(lambda: self._commit(settings.text().encode(), f"{self._place.path}/{NAME}"))

    def _settings(self) -> Settings | None:
        """Those that are kept; None where there are none, as from an earlier version."""
        filesystem, path = self._place.filesystem, f"{self._place.path}/{NAME}"
        filesystem.invalidate_cache()
        return Settings.read(filesystem.cat_file(path)) if filesystem.exists(path) else None

    def write(self, names: Sequence[str], transcripts: Sequence[Transcript]) -> None:
        """Write a part under another name and rename it when it is complete. Raises what the storage does."""
        rows = [transcript.to_dict() for transcript in transcripts]
        content = _parquet(rows) if self.format == "parquet" else _json_lines(transcripts)
        persistently(lambda: self._commit(content, self.path(names)))

    def _commit(self, content: bytes, path: str) -> None:
        filesystem = self._place.filesystem
        folder, _, name = path.rpartition("/")
        unfinished = f"{folder}/.{name}-{uuid.uuid4().hex[:12]}.unfinished"
        try:
            filesystem.pipe_file(unfinished, content)
            filesystem.mv(unfinished, path)
        except BaseException:
            with suppress(Exception):  # it may not be there
                filesystem.rm_file(unfinished)
            raise

    def finished(self) -> set[str]:
        """The files in all parts, of either format, as `as_text` has them. SpeechLstmError for a damaged part."""
        paths = self.parts()
        with ThreadPoolExecutor(READERS) as pool:
            return {name for names in pool.map(self._files, paths) for name in names}

    def parts(self) -> list[str]:
        """The paths of all parts."""
        return sorted(p for p in self._listed() if _name(p).startswith("part-") and p.endswith((".parquet", ".jsonl")))

    def _listed(self) -> list[str]:
        """All that is in the folder."""
        filesystem = self._place.filesystem
        filesystem.invalidate_cache()
        if not filesystem.isdir(self._place.path):
            return []
        return [entry["name"] for entry in filesystem.ls(self._place.path, detail=True)]

    def _files(self, path: str) -> list[str]:
        try:
            with locate(self.url).filesystem.open(path, "rb") as file:  # located by the thread that reads
                return list(_parquet_files(file) if path.endswith(".parquet") else _json_files(file))
        except (OSError, ValueError, KeyError) as error:
            raise SpeechLstmError(f"{path} cannot be read ({error}); if it is damaged, delete it") from None

    def tidy(self) -> None:
        """Delete what killed tasks have left. Only when no task writes any more."""
        for path in self._listed():
            if _name(path).startswith(".part-") and path.endswith(".unfinished"):
                with suppress(FileNotFoundError):  # renamed by now
                    self._place.filesystem.rm_file(path)


def as_text(name: str) -> str:
    """A file's name as it is in a part: bytes that are not UTF-8 as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _name(path: str) -> str:
    return os.path.basename(path)  # noqa: PTH119 (paths of other systems)


def _json_lines(transcripts: Sequence[Transcript]) -> bytes:
    return "".join(map(JsonLinesWriter().item, transcripts)).encode()


def _json_files(file: BinaryIO) -> Iterator[str]:
    return (as_text(json.loads(line)["file"]) for line in file)


def _parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    table = pyarrow.Table.from_pylist([_parquet_row(row) for row in rows], _schema())
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _parquet_files(file: BinaryIO) -> Iterator[str]:
    import pyarrow.parquet

    return iter(pyarrow.parquet.ParquetFile(file).read(columns=["file"]).column(0).to_pylist())


def _parquet_row(row: dict[str, Any]) -> dict[str, Any]:
    results = [{**result, "slots": json.dumps(result["slots"], default=str)} for result in row["results"]]
    for result in results:
        result["alternatives"] = json.dumps(result["alternatives"], default=str)
    error = row.get("error")
    about = {"error": None if error is None else as_text(error), "warnings": row.get("warnings", [])}
    return {**row, "file": as_text(row["file"]), "results": results, **about}


def _schema() -> Any:
    """Of a part: what `Transcript.to_dict` has; slots and alternatives, whose values have any type, are JSON."""
    import pyarrow as pa

    word = [("text", pa.string()), ("start", pa.float64()), ("end", pa.float64()), ("confidence", pa.float64())]
    result = [
        ("text", pa.string()),
        ("confidence", pa.float64()),
        ("accepted", pa.bool_()),
        ("intent", pa.string()),
        ("slots", pa.string()),
        ("words", pa.list_(pa.struct(word))),
        ("alternatives", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
    ]
    return pa.schema(
        [
            ("file", pa.string()),
            ("duration", pa.float64()),
            ("results", pa.list_(pa.struct(result))),
            ("error", pa.string()),
            ("warnings", pa.list_(pa.string())),
        ]
    )
