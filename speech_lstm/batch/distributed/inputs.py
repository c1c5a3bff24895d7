"""Which recordings to hear: files, folders, patterns, and tables with a column of names, on any storage."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from speech_lstm.batch.distributed.storage import Place, locate
from speech_lstm.batch.inputs import AUDIO_SUFFIXES, find_files, listed_names
from speech_lstm.runtime.errors import SpeechLstmError

TABLE_SUFFIXES = (".parquet", ".jsonl")


@dataclass(frozen=True)
class Listing:
    """`names`: absolute paths and URLs in order, each once. `problems`: what leads to no file, with the reason."""

    names: tuple[str, ...]
    problems: tuple[tuple[str, str], ...] = ()


def list_names(arguments: Iterable[str], column: str, listing: BinaryIO | None = None) -> Listing:
    """Recordings for names of files, folders, patterns and tables; "-" reads names of recordings from `listing`.

    A table is a file or folder that ends in .parquet or .jsonl; relative names in its column are relative to the
    table's folder. SpeechLstmError for a table without the column, or storage that cannot be used.
    """
    found: dict[str, None] = {}
    problems: list[tuple[str, str]] = []
    for argument in listed_names(arguments, listing):
        for name in _expand(argument, problems):
            if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES:
                found.update(dict.fromkeys(_column(name, column, problems)))
            else:
                found[name] = None
    return Listing(tuple(found), tuple(problems))


def _expand(argument: str, problems: list[tuple[str, str]]) -> Iterator[str]:
    """Names of recordings and tables for one argument."""
    of_tables = PurePosixPath(argument).suffix.lower() in TABLE_SUFFIXES
    if "://" not in argument and not of_tables:
        local = find_files([argument])
        problems += local.problems
        yield from (os.path.abspath(file.path) for file in local.files)  # noqa: PTH100 (links stay as they are)
        return
    place = _located(argument)
    suffixes = TABLE_SUFFIXES if of_tables else AUDIO_SUFFIXES
    try:
        if place.filesystem.isdir(place.path):
            paths = [path for path in sorted(place.filesystem.find(place.path)) if _is_wanted(path, suffixes)]
            reason = "no such files in the folder"
        elif any(sign in place.path for sign in "*?["):
            paths = sorted(path for path in place.filesystem.glob(place.path) if not place.filesystem.isdir(path))
            reason = "no file matches the pattern"
        else:
            paths, reason = [place.path], ""
    except Exception as error:  # each storage library has errors of its own
        raise SpeechLstmError(f"{argument}: cannot be listed ({error or type(error).__name__})") from None
    if not paths:
        problems.append((argument, reason))
    yield from map(place.name, paths)


def _located(name: str) -> Place:
    try:
        return locate(name)
    except Exception as error:  # an unknown protocol, a missing package, no connection
        raise SpeechLstmError(f"{name}: {error or type(error).__name__}") from None


def _is_wanted(path: str, suffixes: tuple[str, ...]) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix.lower() in suffixes and not pure.name.startswith(".")


def _column(table: str, column: str, problems: list[tuple[str, str]]) -> Iterator[str]:
    """The recordings that a table names."""
    place = _located(table)
    folder = str(PurePosixPath(place.path).parent)
    rows = _parquet_values if PurePosixPath(table).suffix.lower() == ".parquet" else _json_values
    try:
        with place.filesystem.open(place.path, "rb") as file:
            for number, value in enumerate(rows(file, column), 1):
                if not isinstance(value, str) or not value:
                    problems.append((f"{table}, row {number}", f"{column} is {value!r}; expected a path or URL"))
                elif "://" in value or value.startswith("/"):
                    yield value
                else:
                    yield place.name(os.path.normpath(os.path.join(folder, value)))  # noqa: PTH118
    except KeyError as error:
        raise SpeechLstmError(f"{table} has no column {column!r}, only {error.args[0]}; see --column") from None
    except (OSError, ValueError) as error:
        raise SpeechLstmError(f"{table}: cannot be read as a table ({error})") from None


def _parquet_values(file: BinaryIO, column: str) -> Iterator[Any]:
    """KeyError with the names of the columns."""
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(file)
    if column not in table.schema_arrow.names:
        raise KeyError(", ".join(table.schema_arrow.names))
    for batch in table.iter_batches(columns=[column]):
        yield from batch.column(0).to_pylist()


def _json_values(file: BinaryIO, column: str) -> Iterator[Any]:
    """KeyError with the names of the fields. Empty lines are passed over."""
    for line in file:
        if line.strip():
            row = json.loads(line)
            if column not in row:
                raise KeyError(", ".join(row))
            yield row[column]
