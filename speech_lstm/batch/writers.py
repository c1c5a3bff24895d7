"""Transcripts as text: one class a format, found by its name in `WRITERS`.

A document is `start`, then an `item` for every file, then `end`. Subtitles and labels are documents of one file.
"""

from __future__ import annotations

import csv
import io
import json

from speech_lstm.batch.transcript import Transcript
from speech_lstm.runtime.results import Result


class Writer:
    """Base of all formats. `suffix`: of files in it. `joins`: whether several files fit into one document."""

    suffix: str
    joins = True

    def start(self) -> str:
        """What precedes the first file."""
        return ""

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """One file. first: whether it is the first of the document."""
        raise NotImplementedError

    def end(self) -> str:
        """What follows the last file."""
        return ""

    def document(self, transcript: Transcript) -> str:
        """All about one file."""
        return self.start() + self.item(transcript) + self.end()


class TextWriter(Writer):
    """For people: two lines a result, first what was said, then confidence, intent with slots and when."""

    suffix = ".txt"

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """Nothing for a file that could not be read."""
        name = printable(transcript.file)
        if not transcript.accepted and transcript.error is None:
            said = [f" (closest: {r.text}, confidence {r.confidence:.2f})" for r in transcript.results if r.text]
            return f"{name}: nothing recognised{''.join(said)}\n"
        return "".join(
            f"{name}: {result.text}\n    {' | '.join(self._details(result))}\n" for result in transcript.accepted
        )

    def _details(self, result: Result) -> list[str]:
        details = [f"confidence {result.confidence:.2f}"]
        if result.intent is not None:
            details.append(f"intent {printable(result.intent)}")
            details += [printable(f"{name}={value}") for name, value in result.slots.items()]
        return [*details, "  ".join(f"{word.text} {word.start:.2f}-{word.end:.2f}" for word in result.words) + " s"]


class JsonLinesWriter(Writer):
    """One JSON object a line and file."""

    suffix = ".jsonl"

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """Everything that is known."""
        return json.dumps(transcript.to_dict(), default=str) + "\n"


class JsonWriter(Writer):
    """One JSON array with an object a file; a document of a single file is the object alone."""

    suffix = ".json"

    def start(self) -> str:
        """Open the array."""
        return "[\n"

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """Everything that is known."""
        return ("" if first else ",\n") + json.dumps(transcript.to_dict(), default=str)

    def end(self) -> str:
        """Close the array."""
        return "\n]\n"

    def document(self, transcript: Transcript) -> str:
        """The object, indented."""
        return json.dumps(transcript.to_dict(), default=str, indent=2) + "\n"


class CsvWriter(Writer):
    """One line a result, and one for a file without any; RFC 4180, so a name may hold quotes, commas and newlines."""

    suffix = ".csv"
    columns = ("file", "start", "end", "accepted", "confidence", "intent", "slots", "text", "error")

    def start(self) -> str:
        """The names of the columns."""
        return self._line(self.columns)

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """`slots` is a JSON object."""
        error = transcript.error or ""
        if not transcript.results:
            return self._line((transcript.file, "", "", "", "", "", "", "", error))
        return "".join(self._line((transcript.file, *self._values(result), error)) for result in transcript.results)

    def _values(self, result: Result) -> tuple[object, ...]:
        slots = json.dumps(dict(result.slots), default=str) if result.slots else ""
        confidence = f"{result.confidence:.4f}"
        return result.start, result.end, result.accepted, confidence, result.intent or "", slots, result.text

    def _line(self, values: tuple[object, ...]) -> str:
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(values)  # with these in it, either of them is quoted
        return (line.getvalue().removesuffix("\r\n") + "\n").encode("utf-8", "backslashreplace").decode()


class SrtWriter(Writer):
    """SubRip subtitles, one for each accepted result."""

    suffix = ".srt"
    joins = False

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """Numbered from 1."""
        return "".join(
            f"{number}\n{clock(result.start, ',')} --> {clock(result.end, ',')}\n{result.text}\n\n"
            for number, result in enumerate(transcript.accepted, 1)
        )


class VttWriter(Writer):
    """WebVTT subtitles (https://www.w3.org/TR/webvtt1/), one for each accepted result."""

    suffix = ".vtt"
    joins = False

    def start(self) -> str:
        """The signature."""
        return "WEBVTT\n\n"

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """Without numbers."""
        return "".join(
            f"{clock(result.start, '.')} --> {clock(result.end, '.')}\n{result.text}\n\n"
            for result in transcript.accepted
        )


class LabelsWriter(Writer):
    """An Audacity label track: start, end and text of each accepted result, separated by tabs."""

    suffix = ".labels.txt"
    joins = False

    def item(self, transcript: Transcript, first: bool = True) -> str:
        """Seconds with six decimals, as Audacity exports them."""
        return "".join(f"{result.start:.6f}\t{result.end:.6f}\t{result.text}\n" for result in transcript.accepted)


WRITERS: dict[str, type[Writer]] = {
    "text": TextWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "srt": SrtWriter,
    "vtt": VttWriter,
    "labels": LabelsWriter,
}


def clock(seconds: float, mark: str) -> str:
    """HH:MM:SS and milliseconds after the mark."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"


def printable(name: str) -> str:
    """A file name on one line: newlines, control characters and bytes that are not UTF-8 as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
