"""Nothing leaves the device: every way in, with a fresh home folder, without CI in the environment, guarded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import speech_lstm as sl

from . import socket_guard

DATA = Path(__file__).parent / "data"
GUARD = Path(socket_guard.__file__)
FORWARD = str(next((DATA / "words").glob("forward_*.opus")))

guarded = pytest.mark.skipif(not socket_guard.is_possible(), reason="needs seccomp on x86-64 or arm64")


def guarded_python(home: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Python under the guard, with a home folder of its own, as on a machine where nothing was set up: command and
    environment.
    """
    hidden = ("CI", "ORT_DISABLE_TELEMETRY", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HOME": str(home), "PYTHONPATH": str(Path(sl.__file__).parents[1])}
    return [sys.executable, str(GUARD), sys.executable, *arguments], environment


def run(home: Path, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command, environment = guarded_python(home, *arguments)
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


def files_in(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir())


@guarded
def test_the_guard_ends_whoever_opens_a_socket_to_a_network(tmp_path: Path) -> None:
    for family in ("AF_INET", "AF_INET6"):
        done = run(tmp_path, "-c", f"import socket; socket.socket(socket.{family})")
        assert done.returncode == socket_guard.KILLED
    child = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'])"
    assert run(tmp_path, "-c", f"{child}.returncode == {socket_guard.KILLED})").returncode == 1
    inside = run(tmp_path, "-c", "import socket; socket.socket(socket.AF_UNIX)")
    assert inside.returncode == 0, inside.stderr


LIBRARY = {
    "library": """
import time
import speech_lstm as sl
recognizer = sl.Recognizer(grammar=["forward"])
assert recognizer.recognize(sl.read_audio(CLIP)).text == "forward"
time.sleep(12)  # ONNX Runtime's first report comes after ten seconds
""",
    "runtime alone": """
from speech_lstm.runtime.model.model import Model
model = Model.load()
""",
    "workers": """
from speech_lstm.batch import ListenerOptions, transcribe
if __name__ == "__main__":
    for transcript in transcribe([CLIP, CLIP], ListenerOptions(["forward"]), jobs=2):
        assert transcript.accepted[0].text == "forward", transcript
""",
    "processes of the app": """
import multiprocessing, sys
def hear(path):
    import speech_lstm as sl
    return sl.Recognizer(grammar=["forward"]).recognize(sl.read_audio(path)).text
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(hear, [CLIP]) == ["forward"]
""",
    "export": """
import speech_lstm.export.quantize
""",
}


@guarded
@pytest.mark.parametrize("way", LIBRARY)
def test_no_way_into_the_library_opens_a_socket_or_leaves_a_file_at_home(way: str, tmp_path: Path) -> None:
    home, program = tmp_path / "home", tmp_path / "program.py"
    home.mkdir()
    program.write_text(LIBRARY[way].replace("CLIP", repr(FORWARD)))
    done = run(home, str(program), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not files_in(home)


COMMANDS = {
    "transcribe": ("transcribe", FORWARD, FORWARD, "--phrases", "forward", "--jobs", "2", "--output", "out"),
    "listen": ("listen", "--wav", "FILE", "--phrases", "forward", "--wake-word", "computer"),
    "grammar": ("grammar", "check", str(DATA / "words.txt")),
    "wakeword": ("wakeword", "enrol", "forward", FORWARD, FORWARD),
    "models": ("models",),
    "benchmark": ("benchmark", FORWARD, "--phrases", "forward", "--repeats", "1"),
    "evaluate": ("evaluate", str(DATA / "manifest.jsonl"), "--limit", "1", "--split", "test"),
    "doctor": ("doctor",),
}


@guarded
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_opens_a_socket_or_leaves_a_file_at_home(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    soundfile.write(tmp_path / "short.wav", np.zeros(8000, np.float32), 16000)
    arguments = [argument.replace("FILE", "short.wav") for argument in COMMANDS[command]]
    done = run(home, "-m", "speech_lstm.cli", *arguments, folder=tmp_path)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    assert not files_in(home)
    if command == "doctor":
        assert "telemetry    off: nothing leaves this machine" in done.stdout


@guarded
def test_a_server_opens_no_socket_but_its_own(tmp_path: Path) -> None:
    """A Unix one here, which the guard allows."""
    pytest.importorskip("wyoming")
    (tmp_path / "home").mkdir()
    arguments = ("-m", "speech_lstm", "serve", "--phrases", "forward", "--wyoming", f"unix://{tmp_path}/socket")
    command, environment = guarded_python(tmp_path / "home", *arguments)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None and "socket" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
    assert not files_in(tmp_path / "home")


@guarded
def test_a_program_that_imports_onnxruntime_first_is_warned(tmp_path: Path) -> None:
    code = "import onnxruntime, speech_lstm, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = run(tmp_path, "-c", code)
    assert done.stdout == "1\n" and "import speech_lstm first" in done.stderr
    code = "import os; os.environ['ORT_DISABLE_TELEMETRY'] = '1'; import onnxruntime, speech_lstm"
    assert run(tmp_path, "-W", "error", "-c", code).returncode == 0
