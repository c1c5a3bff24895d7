"""Transcripts in every format, read back by the standard library where it can."""

import csv
import io
import json

import pytest

from speech_lstm.batch.progress import Progress
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.writers import WRITERS, clock, printable
from speech_lstm.runtime.results import Result, Slot, Word

SLOTS = (Slot("device", "lamp", "lamp", 3661.5, 3661.9, 0.8),)
COMMAND = Result(
    "light the lamp", 0.9, True, "TurnOn", SLOTS, (Word("light", 3661.2, 3661.4, 0.9),), start=3661.2, end=3661.9
)
REJECTED = Result("dim the lamp", 0.2, False, "Dim", start=1.0, end=2.0)
NAME = 'a "b",\nc\udcff.wav'
TALK = Transcript(NAME, 4000.0, (REJECTED, COMMAND))
BROKEN = Transcript("bad.wav", error="bad.wav: the file is empty (0 bytes)")
FILES = (TALK, BROKEN, Transcript("silence.wav", 3.0))


def everything(name: str) -> str:
    writer = WRITERS[name]()
    items = [writer.item(transcript, number == 0) for number, transcript in enumerate(FILES)]
    return writer.start() + "".join(items) + writer.end()


def test_json_and_json_lines_hold_every_field_of_every_file() -> None:
    rows = json.loads(everything("json"))
    assert rows == [json.loads(line) for line in everything("jsonl").splitlines()]
    assert [row["file"] for row in rows] == [NAME, "bad.wav", "silence.wav"]
    assert rows[0]["results"][1] == json.loads(json.dumps(COMMAND.to_dict()))
    assert rows[1]["error"] == BROKEN.error and "error" not in rows[0]
    assert json.loads(WRITERS["json"]().document(TALK)) == rows[0]
    assert json.loads(WRITERS["json"]().start() + WRITERS["json"]().end()) == []


def test_csv_has_a_line_for_every_result_and_every_file_without_one() -> None:
    rows = list(csv.DictReader(io.StringIO(everything("csv"))))
    assert [row["text"] for row in rows] == ["dim the lamp", "light the lamp", "", ""]
    assert rows[1]["file"] == 'a "b",\nc\\udcff.wav' and json.loads(rows[1]["slots"]) == {"device": "lamp"}
    assert float(rows[1]["start"]) == 3661.2 and rows[0]["accepted"] == "False" and rows[2]["error"] == BROKEN.error


@pytest.mark.parametrize("name", ["a\rb.wav", "a\nb.wav", "a\r\nb.wav", 'a"b.wav'])
def test_csv_has_any_name_in_one_field(name: str) -> None:
    rows = list(csv.reader(io.StringIO(WRITERS["csv"]().document(Transcript(name, 1.0)), newline="")))
    assert len(rows) == 2 and rows[1][0] == name


def test_subtitles_and_labels_hold_what_is_accepted() -> None:
    assert WRITERS["srt"]().document(TALK) == "1\n01:01:01,200 --> 01:01:01,900\nlight the lamp\n\n"
    assert WRITERS["vtt"]().document(TALK) == "WEBVTT\n\n01:01:01.200 --> 01:01:01.900\nlight the lamp\n\n"
    assert WRITERS["labels"]().document(TALK) == "3661.200000\t3661.900000\tlight the lamp\n"


def test_text_keeps_a_strange_name_on_its_line() -> None:
    lines = everything("text").splitlines()
    assert lines[0] == 'a "b",\\nc\\udcff.wav: light the lamp'
    assert lines[1].strip() == "confidence 0.90 | intent TurnOn | device=lamp | light 3661.20-3661.40 s"
    assert lines[2:] == ["silence.wav: nothing recognised"]
    closest = WRITERS["text"]().item(Transcript("a.wav", 2.0, (REJECTED,)))
    assert closest == "a.wav: nothing recognised (closest: dim the lamp, confidence 0.20)\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00:00.000"), (59.9996, "00:01:00.000"), (360_000.5, "100:00:00.500")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds, ".") == text


def test_printable_leaves_letters_of_any_script() -> None:
    assert printable("küche/台所.wav") == "küche/台所.wav"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_draws_on_a_terminal_only() -> None:
    quiet = io.StringIO()
    Progress(2, 100, quiet).add(3600.0, 50)
    assert not quiet.getvalue()
    terminal = Terminal()
    progress = Progress(2, 100, terminal)
    progress.clear()
    progress.add(3600.0, 50)
    drawn = terminal.getvalue().rsplit("\r", 1)[1]
    assert "[##########          ] 1/2 files  1.00 h" in drawn and "0:00:00 left" in drawn
    assert progress.summary().startswith("1 file, 1.00 h of audio in ")
