"""`speech-lstm transcribe` over folders: outputs beside and below, resuming, a full disk, a terminal."""

import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from speech_lstm.cli import main
from speech_lstm.runtime.audio import read_audio

from .snippets import run, snippets

DATA = Path(__file__).parent / "data"
COMMAND = [sys.executable, "-m", "speech_lstm.cli", "transcribe"]
PHRASES = ["--phrases", "left", "right", "stop", "zero"]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A folder with two words, one of them in a folder of its own, and a broken file."""
    folder = tmp_path / "calls"
    (folder / "monday").mkdir(parents=True)
    for name, path in (("left_sc-db9d52d2", "left.flac"), ("stop_sc-fa52ddf6", "monday/stop.wav")):
        soundfile.write(folder / path, read_audio(DATA / "words" / f"{name}.opus"), 16000)
    (folder / "broken.wav").touch()
    return folder


def test_a_folder_to_a_folder_and_again(calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["transcribe", str(calls), *PHRASES, "--format", "json", "--output", str(out), "--resume"]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert not printed.out and "broken.wav: the file is empty" in printed.err
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert written == {"left.flac.json", "monday/stop.wav.json", ".speech-lstm-settings.json"}
    assert json.loads((out / "left.flac.json").read_text())["results"][0]["text"] == "left"
    (calls / "broken.wav").unlink()
    before = (out / "left.flac.json").stat().st_mtime_ns
    assert main(arguments) == 0
    assert (out / "left.flac.json").stat().st_mtime_ns == before
    assert "2 finished before" in capsys.readouterr().err


def test_subtitles_beside_the_recordings(calls: Path) -> None:
    assert main(["transcribe", str(calls), *PHRASES, "--format", "srt", "--beside"]) == 1
    assert (calls / "left.flac.srt").read_text().endswith("\nleft\n\n")
    assert not (calls / "broken.wav.srt").exists()


def test_every_command_of_a_long_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", str(DATA / "words"), "--clip-seconds", "0", *PHRASES, "--format", "csv"]) == 0
    found = [line.split(",")[-2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert found.count("left") == 1 and found.count("stop") == 1 and len(found) >= 20


def test_a_list_on_stdin(calls: Path) -> None:
    names = "\0".join(str(path) for path in sorted(calls.rglob("*.*")))
    done = subprocess.run([*COMMAND, "-", "--phones"], input=names, capture_output=True, text=True)
    assert done.returncode == 1 and "left.flac: L EH F T" in done.stdout and "broken.wav" in done.stderr


def limit_files() -> None:
    """In the child: a file can have at most 10 bytes, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))


def test_a_full_disk_is_reported_before_anything_is_heard(calls: Path, tmp_path: Path) -> None:
    arguments = [*COMMAND, str(calls / "left.flac"), str(calls / "monday"), *PHRASES, "--output", str(tmp_path / "out")]
    done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limit_files)
    error = f"speech-lstm: error: --output {tmp_path / 'out'}: cannot be written: File too large\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", error)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_clear_line(calls: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, str(calls / "left.flac"), *PHRASES], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr == "speech-lstm: error: the output /dev/full: cannot be written: No space left on device\n"


def test_a_terminal_sees_progress(calls: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, str(calls), *PHRASES]
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, text=True) as running:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                drawn += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        assert running.wait() == 1
    os.close(ours)
    assert b"0/3 files" in drawn and b"broken.wav" in drawn and b"times real time" in drawn


def test_resume_notices_other_phrases_options_and_models(
    calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (calls / "broken.wav").unlink()
    words, out = tmp_path / "words.txt", tmp_path / "out"
    words.write_text("left\nright\n")

    def texts(*options: str, grammar: Path = words) -> tuple[list[str], str]:
        arguments = ["transcribe", str(calls), "--grammar", str(grammar), "--output", str(out), "--resume"]
        assert main([*arguments, "--format", "json", *options]) == 0
        said = capsys.readouterr().err.splitlines()[0]
        results = [json.loads(path.read_text())["results"][0] for path in sorted(out.rglob("*.wav.json"))]
        return [result["text"] for result in results if result["accepted"]], said

    assert texts()[0] == []
    assert texts()[1] == "2 finished before"
    words.write_text("left\nstop\n")
    assert texts() == (["stop"], "2 of the outputs were made with other phrases: they are made again")
    other = tmp_path / "other.txt"
    other.write_text("left\nstop\n")
    assert texts(grammar=other)[1] == "2 finished before", "the same phrases under another name"
    assert texts("--threshold", "1") == ([], "2 of the outputs were made with other options: they are made again")
    assert texts("--threshold", "1", "--jobs", "2")[1] == "2 finished before"
    assert main(["transcribe", str(calls), "--phrases", "###", "--output", str(out), "--resume"]) == 1
    assert "###" in capsys.readouterr().err
    assert texts("--threshold", "1")[1] == "2 finished before", "a run that could not begin has changed nothing"
    (out / ".speech-lstm-settings.json").unlink()
    assert texts("--threshold", "1")[1].startswith("2 of the outputs were made with settings that are not known")


def test_resume_after_an_interruption_of_a_run_with_other_phrases(
    calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (calls / "broken.wav").unlink()
    arguments = ["transcribe", str(calls), "--format", "json", "--output", str(tmp_path / "out")]
    assert main([*arguments, "--phrases", "right"]) == 0
    document = tmp_path / "out" / "monday" / "stop.wav.json"
    before, old = document.stat(), document.read_bytes()
    assert main([*arguments, *PHRASES, "--resume"]) == 0
    document.write_bytes(old)  # as if that run had not come so far
    os.utime(document, ns=(before.st_atime_ns, before.st_mtime_ns))
    capsys.readouterr()
    assert main([*arguments, *PHRASES, "--resume"]) == 0
    assert "1 finished before" in capsys.readouterr().err
    assert json.loads(document.read_text())["results"][0]["text"] == "stop"


@pytest.mark.parametrize("place", ["--output", "--beside", ""])
def test_ctrl_c_tells_how_to_go_on(calls: Path, tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe.wav")  # reading from it waits
    where = [place, str(tmp_path / "out")] if place == "--output" else [place] if place else []
    arguments = [*COMMAND, str(tmp_path / "pipe.wav"), str(calls / "left.flac"), *PHRASES, "--jobs", "1", *where]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        threads = Path(f"/proc/{running.pid}/wchan")
        wait_until(lambda: "wait_for_partner" in threads.read_text() or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    hint = "; the same command with --resume goes on from there" if place else ""
    assert (running.returncode, said) == (130, f"speech-lstm: stopped after 0 of 2 files{hint}\n")


def test_a_grammar_from_a_pipe(calls: Path, tmp_path: Path) -> None:
    arguments = [*COMMAND, str(calls / "left.flac"), "--grammar", "/dev/stdin", "--format", "csv"]
    done = subprocess.run(arguments, input="# mine\nGo: left\nright\n", capture_output=True, text=True)
    assert done.returncode == 0 and ",Go,,left," in done.stdout


def test_sigterm_deletes_the_copies_of_sound(calls: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    environment = {**os.environ, "TMPDIR": str(copies)}
    arguments = [*COMMAND, "-", *PHRASES]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as running:
        assert running.stdin is not None
        running.stdin.write((calls / "left.flac").read_bytes() * 20)
        running.stdin.flush()
        wait_until(lambda: any(copies.iterdir()) or running.poll() is not None)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 130
    assert not any(copies.iterdir())


def test_ctrl_c_is_no_traceback_while_modules_are_imported(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    arguments = [sys.executable, "-m", "speech_lstm", "models"]
    done = subprocess.run(arguments, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "utf-16"])
@pytest.mark.parametrize("form", ["text", "csv", "json", "jsonl"])
def test_output_in_any_encoding(tmp_path: Path, encoding: str, form: str) -> None:
    """What the encoding lacks is written as an escape."""
    names = ("1.wav", "2 客厅 é.wav", "3.wav")
    for name in names:
        (tmp_path / name).write_bytes((DATA / "words" / "left_sc-db9d52d2.opus").read_bytes())
    grammar = (
        "language: en\nintents: {G: {data: [{sentences: ['{d}']}]}}\nlists: {d: {values: [{in: left, out: 左é}]}}\n"
    )
    (tmp_path / "grammar.yaml").write_text(grammar, encoding="utf-8")
    arguments = [*COMMAND, *names, "--grammar", "grammar.yaml", "--format", form, "--jobs", "1"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(arguments, capture_output=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0 and b"Error" not in done.stderr
    printed = done.stdout.decode(encoding)
    if form.startswith("json"):
        rows = json.loads(printed) if form == "json" else [json.loads(line) for line in printed.splitlines()]
        assert [row["file"] for row in rows] == list(names)
        assert {row["results"][0]["slots"]["d"] for row in rows} == {"左é"}
    else:
        for name in names:
            assert name.encode(encoding, "backslashreplace").decode(encoding) in printed
        if form == "text":
            assert "d=左é".encode(encoding, "backslashreplace").decode(encoding) in printed


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux")
def test_workers_end_with_a_killed_parent(calls: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")  # reading from it waits
    arguments = [*COMMAND, str(tmp_path / "pipe.wav"), str(calls / "left.flac"), *PHRASES, "--jobs", "2"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        wait_until(lambda: len(children.read_text().split()) == 3)  # with the resource tracker
        workers = [Path("/proc", child, "stat") for child in children.read_text().split()]
        running.kill()
    wait_until(lambda: not any(map(is_running, workers)))


def is_running(stat: Path) -> bool:
    """Of a process, by its /proc/PID/stat: there, and more than the exit code that nobody asked for."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    """For a minute, at most: the machine may be busy."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_words_without_phrases_and_the_warning(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["transcribe", str(DATA / "sentences" / "the_three_fell_silent_cv1-002047.opus"), "--jobs", "1"]
    assert main([*arguments, "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("free transcription is experimental: ")
    (row,) = json.loads(printed.out)
    (result,) = row["results"]
    assert {"three", "fell", "silent"} & set(result["text"].split()) and result["accepted"]


def test_the_page_about_free_transcription_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recordings").mkdir()
    for clip, path in zip((DATA / "sentences").glob("*.opus"), ("recordings/a.wav", "interview.wav"), strict=False):
        soundfile.write(tmp_path / path, read_audio(clip), 16000)
    monkeypatch.chdir(tmp_path)
    page = DATA.parent.parent / "docs" / "free.md"
    run(page, snippets(page))
