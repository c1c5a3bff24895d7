"""`speech-lstm listen` on a recording in real time: what it prints, hands on and keeps."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

import speech_lstm as sl
from speech_lstm.cli.screen import Screen, decibels
from speech_lstm.runtime.live.listen import hear, play

WORDS = Path(__file__).parent / "data" / "words"
PHRASES = ("backward", "forward", "happy")
COMMAND = (sys.executable, "-m", "speech_lstm.cli", "listen", "--device", "cpu", "--phrases", *PHRASES)


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two words with pauses, 3.8 s."""
    pause = np.zeros(8000, np.float32)
    words = [sl.read_audio(next(WORDS.glob(f"{word}_*.opus"))) for word in ("backward", "forward")]
    path = tmp_path_factory.mktemp("listen") / "two words.wav"
    soundfile.write(path, np.concatenate([pause, words[0], pause, words[1], pause]), 16000)
    return path


def test_json_program_and_recording(wav: Path, tmp_path: Path) -> None:
    out = tmp_path / "got; touch oops"  # would be two commands to a shell
    program = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read()); print('not for stdout')"
    script = tmp_path / "program.py"
    script.write_text(program)
    started = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "--wav", wav, "--json", "--record", "clips", "--on-command", f"{sys.executable} {script} '{out}'"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert time.monotonic() - started > 3.4  # real time
    events = [json.loads(line) for line in done.stdout.splitlines()]
    commands = [event for event in events if event["event"] == "Command"]
    assert [event["result"]["text"] for event in commands] == ["backward", "forward"]
    assert "SpeechStarted" in {event["event"] for event in events}
    assert [json.loads(line) for line in out.read_text().splitlines()] == commands
    assert not (tmp_path / "oops").exists()
    clips = sorted((tmp_path / "clips").iterdir())
    assert [clip.stem.rsplit("_", 1)[1] for clip in clips] == ["backward", "forward"]
    recognizer = sl.Recognizer(PHRASES, device="cpu")
    assert [recognizer.recognize(sl.read_audio(clip)).text for clip in clips] == ["backward", "forward"]


def test_wake_word(tmp_path: Path) -> None:
    pause = np.zeros(8000, np.float32)
    words = [sl.read_audio(next(WORDS.glob(f"{word}_*.opus"))) for word in ("forward", "backward")]
    wav = tmp_path / "two words.wav"
    soundfile.write(wav, np.concatenate([pause, words[0], pause, words[1], pause]), 16000)
    options = ("--wake-word", "forward", "--wake-sensitivity", "0.9")
    done = subprocess.run([*COMMAND, *options, "--wav", wav, "--json"], capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] in ("WakeWord", "Command")] == ["WakeWord", "Command"]
    done = subprocess.run([*COMMAND, "--wake-sensitivity", "2"], capture_output=True, text=True)
    assert done.returncode == 2 and "not from 0 to 1" in done.stderr


def test_ctrl_c_ends_cleanly(wav: Path) -> None:
    running = subprocess.Popen(
        [*COMMAND, "--wav", wav, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=10)
    assert (running.returncode, errors) == (0, "")


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_while_a_program_runs(wav: Path, tmp_path: Path, presses: int) -> None:
    """It is waited for, which is said, and a second Ctrl-C ends it."""
    script, done = tmp_path / "program.py", tmp_path / "done"
    seconds = 2 if presses == 1 else 600
    script.write_text(f"import sys, time\nsys.stdin.read()\ntime.sleep({seconds})\nopen(sys.argv[1], 'w')\n")
    running = subprocess.Popen(
        [*COMMAND, "--wav", wav, "--json", "--on-command", f"{sys.executable} {script} {done}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert running.stdout is not None and running.stderr is not None
    while '"Command"' not in running.stdout.readline():
        pass
    os.killpg(running.pid, signal.SIGINT)  # as a terminal sends it, to all in the group
    said = running.stderr.readline()
    assert said == f"speech-lstm: waiting for {sys.executable} {script} {done} to end; Ctrl-C again ends it\n"
    if presses == 2:
        os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    ended = f"speech-lstm: {sys.executable} {script} {done} was ended by signal 15\n"
    assert (running.returncode, errors) == (0, "" if presses == 1 else ended)
    assert done.exists() == (presses == 1)


def limit_files() -> None:
    """In the child: a file can have at most 1000 bytes, as if the disk were full then."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def test_a_full_disk_for_recordings_is_said_once_and_the_listener_goes_on(wav: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--wav", wav, "--json", "--record", tmp_path / "clips"],
        capture_output=True,
        text=True,
        preexec_fn=limit_files,
    )
    commands = [event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "Command"]
    assert len(commands) == 2 and done.returncode == 1
    where = tmp_path / "clips"
    assert done.stderr == (
        f"speech-lstm: error: --record {where}: cannot be written: File too large; the listening goes on\n"
    )
    assert not list(where.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("output", ["full", "gone"])
def test_an_output_that_takes_no_more_does_not_end_the_recording(wav: Path, tmp_path: Path, output: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open("/dev/full" if output == "full" else writing, "w") as stdout:  # noqa: PTH123 (a number, too)
        command = [*COMMAND, "--wav", wav, "--json", "--record", tmp_path / "clips"]
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    if output == "full":
        os.close(writing)
    assert done.returncode == 1 and len(list((tmp_path / "clips").iterdir())) == 2
    reason = "No space left on device" if output == "full" else "Broken pipe"
    assert done.stderr.count("\n") == 1 and f"cannot be written: {reason}; the listening goes on\n" in done.stderr


def test_threshold_and_alternatives(wav: Path) -> None:
    options = ("--threshold", "1", "--alternatives", "1", "--pause", "0.3")
    done = subprocess.run([*COMMAND, *options, "--wav", wav, "--json"], capture_output=True, text=True, check=True)
    heard = [event for event in map(json.loads, done.stdout.splitlines()) if "result" in event]
    assert heard and {event["event"] for event in heard} == {"Rejected"}
    assert all(len(event["result"]["alternatives"]) <= 1 for event in heard)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--on-command", "no-such-program"), "there is no program of that name"),
        (("--wav", "missing.wav"), "no such file"),
    ],
)
def test_what_cannot_work_is_an_error(arguments: tuple[str, ...], message: str) -> None:
    done = subprocess.run([*COMMAND, "--wav", "x.wav", *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("speech-lstm: error: ") and message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_screen_shows_what_was_heard(wav: Path) -> None:
    recognizer = sl.Recognizer(PHRASES, device="cpu")
    screen, stream = Screen("two words"), recognizer.stream()
    audio = sl.read_audio(wav)
    for block in np.array_split(audio, 200):
        screen.audio(block, stream)
        for event in stream.accept(block):
            screen.event(event, 0.001)
    screen.event(sl.MicrophoneLost(4.0, "the device stopped"), 0.0)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(screen.render())
    text = captured.get()
    for shown in ("backward", "forward", "0.9", "ms after the last word", "the microphone is gone", "asleep"):
        assert shown in text


def test_a_lost_microphone_ends_the_command_and_events_are_passed_on() -> None:
    recognizer = sl.Recognizer(PHRASES, device="cpu")
    word = sl.read_audio(next(WORDS.glob("backward_*.opus")))
    source: list[np.ndarray | sl.Event] = [np.zeros(8000, np.float32), word, sl.MicrophoneLost(9.0, "unplugged")]
    stream = recognizer.stream()
    events = list(hear(stream, source))
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("MicrophoneLost") < kinds.index("Command")
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_a_file_is_played_at_the_speed_of_speech(wav: Path) -> None:
    started = time.monotonic()
    audio = np.concatenate(list(play(wav)))
    assert np.array_equal(audio, sl.read_audio(wav))
    assert len(audio) / 16000 <= time.monotonic() - started < len(audio) / 16000 + 1


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_screen_draws_names_as_they_are_with_what_the_terminal_has(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    grammar = sl.Grammar.from_phrases(["go {where}"], lists={"where": {"forward": "[/red] :smile:"}})
    stream = sl.Recognizer(grammar, device="cpu").stream()
    with Screen("[bold]kitchen[/]") as screen:
        screen.audio(np.full(1600, 0.1, np.float32), stream)
        result = sl.Result("go forward", 0.9, True, slot_details=(sl.Slot("where", "[/red] :smile:", "", 0, 1, 1),))
        screen.event(sl.Command(1.0, result), 0.0)
        console = Console(width=120, file=sys.stdout, markup=False, emoji=False)
        console.print(screen.render())
    sys.stdout.flush()
    drawn = written.getvalue().decode(encoding)
    assert "[bold]kitchen[/]" in drawn and "where=[/red] :smile:" in drawn
    assert ("●" in drawn) == ("█" in drawn) == (encoding == "utf-8")


def test_level_in_decibels() -> None:
    assert decibels(np.ones(10, np.float32)) == 0
    assert decibels(np.full(10, 0.1, np.float32)) == pytest.approx(-20, abs=0.01)
    assert decibels(np.zeros(10, np.float32)) == decibels(np.zeros(0, np.float32)) == -60
