"""Where transcripts go: one document on stdout, or a file for every input, written so that it is whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO

from speech_lstm.batch.inputs import InputFile
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.writers import Writer
from speech_lstm.runtime.errors import SpeechLstmError


class Output(Protocol):
    """Takes transcripts in the order of the inputs."""

    def is_done(self, file: InputFile) -> bool:
        """Whether an earlier run has finished this file."""

    def write(self, file: InputFile, transcript: Transcript) -> None:
        """OSError where it cannot be written."""

    def close(self) -> None:
        """All files are written."""


class StreamOutput:
    """Everything as one document on a text stream."""

    def __init__(self, writer: Writer, stream: TextIO | None = None) -> None:
        self._writer = writer
        self._stream = stream or sys.stdout
        self._first = True
        self._put(writer.start())

    def is_done(self, file: InputFile) -> bool:
        """Never: what was printed is gone."""
        return False

    def write(self, file: InputFile, transcript: Transcript) -> None:
        """SpeechLstmError where the stream takes no more: the rest would be lost as well."""
        self._put(self._writer.item(transcript, self._first))
        self._first = False

    def close(self) -> None:
        """End the document."""
        self._put(self._writer.end())

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SpeechLstmError(f"the output cannot be written: {error.strerror or error}") from None


class FolderOutput:
    """A document for every input: its whole name and the suffix of the format, beside it or under a folder."""

    def __init__(self, writer: Writer, folder: Path | None, files: Sequence[InputFile]) -> None:
        """folder: None for beside the inputs. SpeechLstmError where two inputs would share an output."""
        self._writer = writer
        self._folder = folder
        owners: dict[Path, InputFile] = {}
        for file in files:
            other = owners.setdefault(self.path(file), file)
            if other is not file:
                raise SpeechLstmError(
                    f"{other.path} and {file.path} would both be written to {self.path(file)}; "
                    "name a folder that holds both, or use --beside"
                )

    def path(self, file: InputFile) -> Path:
        """Where the transcript of a file is."""
        place = file.path if self._folder is None else self._folder / file.relative
        return place.with_name(place.name + self._writer.suffix)

    def is_done(self, file: InputFile) -> bool:
        """Whether its document is there and not older than the file."""
        try:
            return self.path(file).stat().st_mtime >= file.path.stat().st_mtime
        except OSError:
            return False

    def write(self, file: InputFile, transcript: Transcript) -> None:
        """Nothing for a file of which nothing could be read, so that `--resume` tries it again."""
        if transcript.error is None or transcript.results:
            write_atomically(self.path(file), self._writer.document(transcript))

    def close(self) -> None:
        """Nothing is left to do."""


def write_atomically(path: Path, text: str) -> None:
    """A file that has all of the text or is as it was before; folders are made. OSError where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".speech-lstm-{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
