"""Where transcripts go: one document on stdout, or a file for every input, written so that it is whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TextIO

from speech_lstm.batch.inputs import InputFile
from speech_lstm.batch.settings import NAME, Settings, told
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.writers import Writer
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import WholeWriter, cannot_write, check_folder, stream_name, write_atomically

NEVER = 1 << 63
"""Later than any time of a file."""


class Output(Protocol):
    """Takes transcripts in the order of the inputs."""

    def begin(self) -> None:
        """Before the first transcript. SpeechLstmError where nothing can be written."""

    def is_done(self, file: InputFile) -> bool:
        """Whether an earlier run has finished this file."""

    def stale(self, files: Sequence[InputFile]) -> str:
        """What there is to say about documents of these files that were made otherwise; "" if nothing."""

    def write(self, file: InputFile, transcript: Transcript) -> None:
        """OSError with the name of the file where it cannot be written."""

    def close(self) -> None:
        """All files are written."""


class StreamOutput:
    """Everything as one document on a text stream."""

    def __init__(self, writer: Writer, stream: TextIO | None = None) -> None:
        self._writer = writer
        self._stream = stream or sys.stdout
        self._whole = WholeWriter(self._stream)
        self._first = True

    def begin(self) -> None:
        """Begin the document."""
        self._put(self._writer.start())

    def is_done(self, file: InputFile) -> bool:
        """Never: what was printed is gone."""
        return False

    def stale(self, files: Sequence[InputFile]) -> str:
        """Nothing."""
        return ""

    def write(self, file: InputFile, transcript: Transcript) -> None:
        """SpeechLstmError where the stream takes no more: the rest would be lost as well."""
        self._put(self._writer.item(transcript, self._first))
        self._first = False

    def close(self) -> None:
        """End the document."""
        self._put(self._writer.end())

    def _put(self, text: str) -> None:
        try:
            self._whole.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            with suppress(OSError):
                self._whole.write(self._writer.end())  # a few bytes may fit, and make a document of what is there
            raise cannot_write(stream_name(self._stream), error) from None


class FolderOutput:
    """A document for every input: its whole name and the suffix of the format, beside it or under a folder."""

    def __init__(self, writer: Writer, folder: Path | None, files: Sequence[InputFile], settings: Settings) -> None:
        """folder: None for beside the inputs.

        The settings are kept in the folder, or in each of the inputs' folders: documents that were made with others
        are not done. SpeechLstmError where two inputs would share an output.
        """
        self._changed: tuple[str, ...] | None = ()  # names of settings; None: those of the earlier run are not known
        self._writer = writer
        self._folder = folder
        self._settings = settings
        owners: dict[Path, InputFile] = {}
        for file in files:
            other = owners.setdefault(self.path(file), file)
            if other is not file:
                raise SpeechLstmError(
                    f"{other.path} and {file.path} would both be written to {self.path(file)}; "
                    "name a folder that holds both, or use --beside"
                )
        self._since = {place: self._same_since(place) for place in dict.fromkeys(map(self._place, files))}

    def begin(self) -> None:
        """Keep the settings in folders that have others. SpeechLstmError where one cannot be written."""
        option = "--beside" if self._folder is None else "--output"
        for place, since in self._since.items():
            if self._folder is None and not os.path.isdir(place):  # noqa: PTH112  (Path.is_dir may raise)
                continue  # of an input that is missing
            check_folder(place, option)
            if since == NEVER:
                try:
                    write_atomically(place / f"{NAME}{self._writer.suffix}", self._settings.text())
                except OSError as error:
                    raise cannot_write(f"{option} {place}", error) from None

    def path(self, file: InputFile) -> Path:
        """Where the transcript of a file is."""
        place = file.path if self._folder is None else self._folder / file.relative
        return place.with_name(place.name + self._writer.suffix)

    def is_done(self, file: InputFile) -> bool:
        """Whether its document is there, not older than the file, and made with the same settings."""
        return self._age(file) > 0

    def stale(self, files: Sequence[InputFile]) -> str:
        """Those that would be done, were they not made with other settings."""
        count = sum(self._age(file) < 0 for file in files)
        return f"{count} of the outputs were made with {told(self._changed)}: they are made again" if count else ""

    def write(self, file: InputFile, transcript: Transcript) -> None:
        """Nothing for a file of which nothing could be read, so that `--resume` tries it again."""
        if transcript.error is None or transcript.duration:
            path = self.path(file)
            try:
                write_atomically(path, self._writer.document(transcript))
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from None

    def close(self) -> None:
        """Nothing is left to do."""

    def _place(self, file: InputFile) -> Path:
        """Where the settings are kept."""
        return file.path.parent if self._folder is None else self._folder

    def _same_since(self, place: Path) -> int:
        """When the settings that are kept there were written, in ns since the epoch; NEVER if they are others."""
        path = place / f"{NAME}{self._writer.suffix}"
        try:
            earlier, since = Settings.read(path.read_bytes()), path.stat().st_mtime_ns
        except OSError:
            earlier, since = None, NEVER
        if earlier == self._settings:
            return since
        self._changed = self._changed or (None if earlier is None else self._settings.changed(earlier))
        return NEVER

    def _age(self, file: InputFile) -> int:
        """1: its document is done; -1: with other settings; 0: it is not there, or older than the file."""
        try:
            made = self.path(file).stat().st_mtime_ns
            if made < file.path.stat().st_mtime_ns:
                return 0
        except OSError:
            return 0
        return 1 if made >= self._since[self._place(file)] else -1
