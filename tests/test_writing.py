"""Files and streams that are written whole or not at all, on a disk that is full at some point."""

from __future__ import annotations

import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import WholeWriter, check_folder, write_atomically


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can have more bytes, as if the disk were full then."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("mode", ["w", "a"])
def test_a_file_behind_a_stream_has_whole_lines_only(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "lines"
    path.write_text("before\n" if mode == "a" else "")
    with path.open("a" if mode == "a" else "w") as file:
        writer = WholeWriter(file)
        with room_for(100):
            for number in range(20):
                try:
                    writer.write(f"line {number:02} of many\n")
                except OSError:
                    break
        assert number < 10
        writer.write("there is room again\n")
    lines = path.read_text().splitlines()
    first = ["before"] if mode == "a" else []
    assert lines == [*first, *(f"line {n:02} of many" for n in range(number)), "there is room again"]


def test_a_byte_order_mark_is_written_once(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w", encoding="utf-16") as file:
        writer = WholeWriter(file)
        for text in ("left\n", "", "à\n"):
            writer.write(text)
    assert (tmp_path / "file").read_text(encoding="utf-16") == "left\nà\n"


def test_a_stream_in_memory() -> None:
    stream = io.StringIO()
    WholeWriter(stream).write("left\n")
    assert stream.getvalue() == "left\n"


def test_a_file_is_as_it_was_when_there_is_no_room(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    write_atomically(path, "old")
    with room_for(10), pytest.raises(OSError, match="File too large"):
        write_atomically(path, "new" * 10)
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    check_folder(tmp_path, "--out")
    check_folder(tmp_path / "a" / "b", "--out")
    assert not list(tmp_path.iterdir())
    with room_for(10), pytest.raises(SpeechLstmError, match=f"--out {tmp_path}/a: cannot be written: File too large"):
        check_folder(tmp_path / "a", "--out")
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SpeechLstmError, match="cannot be written: there is a file where a folder should be"):
            check_folder(place, "--out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_no_file_is_written_and_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_atomically(Path("/dev/full"), "left")
    assert Path("/dev/full").is_char_device()
    (tmp_path / "link").symlink_to("folder/file")
    write_atomically(tmp_path / "link", "left")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "folder" / "file").read_text() == "left"
