"""Finding files and placing their outputs: folders, loops, patterns, lists, and names that nobody expects."""

import io
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from speech_lstm.batch.inputs import InputFile, find_files
from speech_lstm.batch.outputs import FolderOutput
from speech_lstm.batch.settings import Settings
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.writers import JsonWriter
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import write_atomically

SETTINGS = Settings("phrases", "model", "options")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two folders with files, one in the other, and a loop back to the first."""
    top = tmp_path / "calls"
    (top / "day 1").mkdir(parents=True)
    for name in ("b.wav", "day 1/a.FLAC", "notes.txt", ".hidden.wav", 'day 1/new\nline "quoted".ogg'):
        (top / name).write_bytes(b"1234")
    (top / "day 1" / "loop").symlink_to(top, target_is_directory=True)
    (top / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(top / "pipe.wav")
    return top


def test_a_folder_is_walked_once_whatever_links_it_has(tree: Path) -> None:
    found = find_files([tree, tree / "b.wav"])
    names = [str(file.path.relative_to(tree)) for file in found.files]
    assert names == ["b.wav", "gone.wav", "day 1/a.FLAC", 'day 1/new\nline "quoted".ogg'] and not found.problems
    assert [str(file.relative) for file in found.files] == names
    assert found.files[0].size == 4


def test_patterns_and_missing_names(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.parent)
    found = find_files(["calls/**/*.FLAC", "calls/*.mp3", "missing.wav", "calls/day 1/loop/b.wav"])
    names = [str(file.path) for file in found.files]
    assert "calls/day 1/a.FLAC" in names and "missing.wav" in names
    assert ("calls/*.mp3", "no file matches the pattern") in found.problems
    assert str(find_files(["calls/b.wav"]).files[0].relative) == "calls/b.wav"
    assert len(find_files(["calls", "./calls/b.wav", "calls//b.wav"]).files) == len(find_files(["calls"]).files)
    assert str(find_files([tree / "b.wav"]).files[0].relative) == "b.wav"
    assert str(find_files(["../" + tree.parent.name + "/calls/b.wav"]).files[0].relative) == "b.wav"


def test_a_file_with_pattern_characters_in_its_name_is_itself(tmp_path: Path) -> None:
    (tmp_path / "take[1].wav").touch()
    assert [file.path for file in find_files([tmp_path / "take[1].wav"]).files] == [tmp_path / "take[1].wav"]


def test_a_list_on_standard_input_is_lines_or_nul_separated(tree: Path) -> None:
    strange = os.fsencode(tree / 'day 1/new\nline "quoted".ogg')
    plain = os.fsencode(tree / "b.wav")
    by_line = find_files(["-"], io.BytesIO(plain + b"\r\n\n" + b"x\xff.wav"))
    assert [os.fsencode(file.path) for file in by_line.files] == [plain, b"x\xff.wav"]
    by_nul = find_files(["-"], io.BytesIO(plain + b"\0" + strange + b"\0"))
    assert [os.fsencode(file.path) for file in by_nul.files] == [plain, strange]


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    assert find_files([tmp_path]).problems == ((str(tmp_path), "no audio files in the folder"),)


def test_what_may_not_be_looked_at_is_a_problem_or_reported_when_it_is_read(
    public_folder: Path, as_ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    locked = public_folder / "locked"
    locked.mkdir()
    (locked / "a.wav").touch()
    (public_folder / "b.wav").touch()
    locked.chmod(0)
    with as_ordinary_user():
        found = find_files([public_folder, locked / "a.wav", "x" * 5000])
    locked.chmod(0o755)
    assert [str(file.path) for file in found.files] == [
        str(public_folder / "b.wav"), str(locked / "a.wav"), "x" * 5000
    ]  # fmt: skip
    assert found.problems == ((str(locked), "the folder cannot be read (Permission denied)"),)


def test_outputs_keep_the_tree_and_are_resumed_unless_older(tree: Path, tmp_path: Path) -> None:
    files = find_files([tree]).files
    output = begun(tmp_path / "out", files)
    flac = files[2]
    assert output.path(flac) == tmp_path / "out" / "day 1" / "a.FLAC.json" and not output.is_done(flac)
    output.write(flac, Transcript(str(flac.path), error="unreadable"))
    assert not output.is_done(flac)
    output.write(flac, Transcript(str(flac.path), 39.9, error="39.9 s of 60.0 s"))
    assert output.is_done(flac)
    output.write(flac, Transcript(str(flac.path), 1.0))
    assert output.is_done(flac)
    assert [path.name for path in output.path(flac).parent.iterdir()] == ["a.FLAC.json"]
    later = output.path(flac).stat().st_mtime + 5
    os.utime(flac.path, (later, later))
    assert not output.is_done(flac)
    assert FolderOutput(JsonWriter(), None, files, SETTINGS).path(flac) == tree / "day 1" / "a.FLAC.json"


def begun(folder: Path, files: Sequence[InputFile], settings: Settings = SETTINGS) -> FolderOutput:
    """An output that a run begins with and one that the next run finds."""
    FolderOutput(JsonWriter(), folder, files, settings).begin()
    return FolderOutput(JsonWriter(), folder, files, settings)


def test_two_inputs_with_one_output_are_refused(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.wav").touch()
    files = find_files([tmp_path / "x", tmp_path / "y"]).files
    with pytest.raises(SpeechLstmError, match="would both be written to"):
        FolderOutput(JsonWriter(), tmp_path / "out", files, SETTINGS)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "folder", "new")
    assert path.read_text() == "old" and {file.name for file in tmp_path.iterdir()} == {"a.json", "folder"}
    write_atomically(path, "\udcff")
    assert path.read_text() == "\\udcff"
