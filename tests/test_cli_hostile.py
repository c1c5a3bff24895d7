"""Every subcommand with wrong values, a full device and a closed pipe: a clear line and an exit code, no traceback."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_lstm.cli import COMMANDS, build_parser, main

DATA = Path(__file__).parent / "data"
LEFT = str(DATA / "words" / "left_sc-db9d52d2.opus")
GRAMMAR = str(DATA / "words.txt")
MANIFEST = str(DATA / "manifest.jsonl")

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")

WORKING: dict[str, list[str]] = {
    "transcribe": ["transcribe", LEFT, "--phrases", "left"],
    "listen": ["listen", "--wav", "SHORT", "--phrases", "left", "--json"],
    "microphones": ["microphones", "--json"],
    "grammar": ["grammar", "check", GRAMMAR],
    "wakeword": ["wakeword", "check", "hey jarvis"],
    "serve": ["serve", "--phrases", "left", "--http", "203.0.113.1:80"],
    "models": ["models"],
    "benchmark": ["benchmark", LEFT, "--phrases", "left", "--repeats", "1"],
    "doctor": ["doctor"],
    "export": ["export", "EMPTY", "--out", "OUT"],
    "evaluate": ["evaluate", MANIFEST, "--limit", "1"],
    "prepare": ["prepare", "speech_commands", "CORPUS", "--out", "OUT"],
    "explain": ["explain", LEFT, "--out", "explain.png"],
    "align": ["align", "EMPTY", "--out", "OUT/alignments.jsonl"],
    "train": ["train", "EMPTY"],
}
"""A way to call each command that prints something: on stdout, or the `SILENT` ones an error."""

SILENT = ("export", "train", "microphones", "serve")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what the arguments name."""
    monkeypatch.chdir(tmp_path)
    clip, rate = soundfile.read(LEFT)
    soundfile.write("SHORT", clip, rate, format="WAV")
    Path("EMPTY").touch()
    Path("-DASH").touch()
    Path("NOISE").write_bytes(np.random.default_rng(0).bytes(5000))
    Path("FILE").write_text("left\n")
    Path("CORPUS/left").mkdir(parents=True)
    for speaker in "abcdefghij":
        soundfile.write(f"CORPUS/left/{speaker}_nohash_0.wav", clip, rate)
    return tmp_path


def outcome(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and stderr; whatever else than SystemExit is raised would be a traceback."""
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    return code, capsys.readouterr().err


def is_one_line(text: str) -> bool:
    return text.startswith("speech-lstm") and ": error: " in text and text.count("\n") == 1


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Of each command and action, by the words that call it."""
    found: dict[str, argparse.ArgumentParser] = {}
    pending = [("", build_parser())]
    while pending:
        words, parser = pending.pop()
        groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        pending += [(f"{words} {name}".strip(), inner) for group in groups for name, inner in group.choices.items()]
        if not groups:
            found[words] = parser
    return found


def test_every_command_is_tried_here() -> None:
    assert set(WORKING) == {module.__name__.rsplit(".", 1)[-1] for module in COMMANDS}
    assert {words.split()[0] for words in parsers()} == {*WORKING, "devices"}


OPTIONS = [
    (words, option.option_strings[-1])
    for words, parser in parsers().items()
    for option in parser._actions
    if option.option_strings and option.nargs != 0 and words != "devices"
]


@pytest.mark.parametrize(("words", "option"), OPTIONS, ids=map(" ".join, OPTIONS))
def test_an_option_without_a_value_or_with_an_empty_one(
    words: str, option: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = [*words.split(), *WORKING[words.split()[0]][len(words.split()) :]]
    code, error = outcome([*base, option], capsys)
    assert code == 2 and is_one_line(error) and option in error
    code, error = outcome([*base, option, ""], capsys)
    assert code in (1, 2) and is_one_line(error), error


NUMBERS = [
    (words, option)
    for words, option in OPTIONS
    if option
    in {
        "--alternatives", "--channel", "--chunk-ms", "--clip-seconds", "--hours", "--jobs", "--limit", "--part-files",
        "--pause", "--repeats", "--samples", "--seconds", "--threshold", "--timeout", "--wake-sensitivity", "--workers",
    }
]  # fmt: skip


@pytest.mark.parametrize(("words", "option"), NUMBERS, ids=map(" ".join, NUMBERS))
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "many", "1e999", "0x10", "½"])
def test_a_number_that_is_none(
    words: str, option: str, value: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = [*words.split(), *WORKING[words.split()[0]][len(words.split()) :]]
    code, error = outcome([*base, f"{option}={value}"], capsys)
    assert code == 2 and is_one_line(error) and option in error, error


INPUTS = (
    "train X", "align X --out OUT/a", "align EMPTY --out OUT/a --model X", "prepare speech_commands X --out OUT",
    "prepare tar X --out OUT", "prepare common_voice X --out OUT", "explain X --out OUT.png", "evaluate X",
    "evaluate X --grammar FILE", "evaluate MANIFEST --limit 1 --grammar X", "evaluate MANIFEST --limit 1 --model X",
    "evaluate --suite X", "evaluate --results X --card FILE",
    "evaluate MANIFEST --limit 1 --grammar FILE --pronunciations X", "export X --out OUT",
    "benchmark X --phrases left", "benchmark LEFT --grammar X", "benchmark LEFT --phrases left --model X",
    "benchmark LEFT --phrases left --pronunciations X", "serve --grammar X", "serve --phrases left --model X",
    "serve --phrases left --token-file X", "serve --phrases left --http 127.0.0.1:0 --certificate X",
    "wakeword enrol left X", "wakeword enrol left LEFT --model X", "wakeword check jarvis --pronunciations X",
    "grammar check X", "grammar check FILE --pronunciations X", "grammar compile X --out OUT.json",
    "grammar compile FILE --out OUT.json --model X", "grammar home-assistant --entities X --out OUT.yaml",
    "listen --wav X --phrases left", "listen --wav SHORT --grammar X",
    "listen --wav SHORT --phrases left --model X", "listen --wav SHORT --phrases left --pronunciations X",
    "transcribe X --phrases left", "transcribe LEFT --grammar X", "transcribe LEFT --phrases left --model X",
    "transcribe LEFT --phrases left --pronunciations X",
)  # fmt: skip
"""Everything that reads a file, which is X."""


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Pipes into which something is written for ever: zeros, and lines that might go on as a grammar or TOML."""
    pipes = {}
    over = threading.Event()

    def feed(descriptor: int, content: bytes) -> None:
        while not over.is_set():
            with suppress(BlockingIOError):
                os.write(descriptor, content)
            over.wait(1e-4)

    threads = []
    for name, content in (("ZEROS", bytes(1 << 16)), ("LINES", b"# left\n" * 9000)):
        pipes[name] = str(tmp_path_factory.mktemp("pipes") / name)
        os.mkfifo(pipes[name])
        descriptor = os.open(pipes[name], os.O_RDWR | os.O_NONBLOCK)
        threads.append(threading.Thread(target=feed, args=(descriptor, content), daemon=True))
        threads[-1].start()
    yield pipes
    over.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """2 GB of memory more than there are, a minute, and no patience with pipes."""
    monkeypatch.setattr("speech_lstm.runtime.content.MOST_PIPED", 1 << 20)
    monkeypatch.setattr("speech_lstm.runtime.content.MOST_COPIED", 1 << 22)

    def stop(*_: object) -> None:
        raise AssertionError("no end after a minute")

    before = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (used + (2 << 30), before[1]))
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.skipif(sys.platform != "linux", reason="devices and limits as on Linux")
@pytest.mark.parametrize("command", INPUTS)
def test_files_without_an_end_or_a_meaning(
    command: str, files: Path, endless: dict[str, str], bounded: None, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"LEFT": LEFT, "MANIFEST": MANIFEST}
    for value in ("/dev/zero", "/dev/full", endless["ZEROS"], endless["LINES"], "CORPUS/left", "NOISE"):
        arguments = [value if word == "X" else given.get(word, word) for word in command.split()]
        code, error = outcome(arguments, capsys)
        if command.startswith(("serve --grammar", "transcribe X", "grammar check")) and value == "CORPUS/left":
            assert code in (0, 1)
            continue
        assert code in (1, 2) and "speech-lstm: error: " in error, (value, error)
        assert len(error.splitlines()) == 1 + ("real time" in error), error
        if value.startswith("/"):
            assert any(reason in error for reason in ("device", "pipe", "not a", "Not a", "PEM")), error


WRONG: list[tuple[int, str, str]] = [
    (2, "", "COMMAND"),
    (2, "transcribe", "PATH"),
    (2, "transcribe --phrases left LEFT", "required: PATH; all that follows --phrases are phrases"),
    (2, "transcribe -DASH --phrases left", "for the file write ./-DASH"),
    (2, "transcribe LEFT --resume --phrases left", "--resume needs --output or --beside"),
    (2, "transcribe LEFT --threshold 0.5", "--threshold needs --phrases or --grammar"),
    (2, "transcribe LEFT --phones --pause 1", "--pause needs --phrases or --grammar"),
    (2, "transcribe LEFT --phrases left --device usb", "it is the processor, auto, cpu or cuda"),
    (1, "transcribe missing.wav --phrases left", "missing.wav: no such file"),
    (1, "transcribe NOISE --phrases left", "NOISE: not audio"),
    (1, "transcribe CORPUS/none* --phrases left", "no file matches the pattern"),
    (1, "transcribe LEFT --grammar missing.txt", "missing.txt"),
    (1, "transcribe LEFT --grammar NOISE", "NOISE"),
    (1, "transcribe LEFT --grammar EMPTY", "EMPTY"),
    (1, "transcribe LEFT --phrases left --model NOISE", "NOISE"),
    (1, "transcribe LEFT --phrases left --model CORPUS", "CORPUS"),
    (1, "transcribe LEFT --phrases left --output FILE", "--output FILE: cannot be written: there is a file"),
    (1, "transcribe LEFT --phrases left --output FILE/below", "--output FILE/below: cannot be written"),
    (1, "transcribe LEFT --phrases left --output /proc/out", "--output /proc/out: cannot be written"),
    (2, "listen --phrases left --wav SHORT --on-command=", "there is no program in ''"),
    (2, "listen --phrases left --wav SHORT --on-command ''", "there is no program"),
    (2, "listen --phrases left --wav SHORT --on-command '", "cannot be split into words"),
    (1, "listen --phrases left --wav SHORT --on-command no-such-program", "there is no program of that name"),
    (2, "listen --phrases left --wav SHORT --wake-sensitivity 0.5", "--wake-sensitivity needs --wake-word"),
    (2, "listen --phrases left --wav SHORT --timeout 3", "--timeout needs --wake-word"),
    (2, "listen --phrases left --wav SHORT --microphone usb", "not allowed with argument"),
    (2, "listen --phrases left --device usb", "(a microphone: listen --microphone)"),
    (1, "listen --phrases left --wav SHORT --wake-word ###", "###"),
    (1, "listen --phrases left --wav missing.wav", "missing.wav: no such file"),
    (1, "listen --phrases left --wav SHORT --record FILE", "--record FILE: cannot be written: there is a file"),
    (1, "listen --phrases left --wav SHORT --record /proc/out", "--record /proc/out: cannot be written"),
    (2, "microphones --seconds ''", "--seconds: '' is not a number"),
    (2, "microphones --seconds .", "--seconds: '.' is not a number"),
    (2, "serve --phrases left --wake-sensitivity 0.5", "--wake-sensitivity needs --wake-word"),
    (2, "serve --phrases left --timeout 3", "--timeout needs --wake-word"),
    (2, "serve --phrases left --threshold 2", "2 is not from 0 to 1"),
    (2, "serve --phrases left --http localhost", "'localhost' is not HOST:PORT"),
    (1, "serve --phrases left --http 203.0.113.1:80", "203.0.113.1"),
    (1, "serve --phrases left --wyoming nonsense", "nonsense"),
    (1, "serve --phrases left --wyoming unix:///proc/x", "/proc/x"),
    (1, "serve --phrases left --token-file missing", "missing"),
    (1, "serve --phrases left --token-file EMPTY", "EMPTY: the file is empty"),
    (1, "serve --phrases left --http 127.0.0.1:0 --certificate missing", "missing"),
    (1, "serve --phrases left --http 127.0.0.1:0 --certificate FILE --key FILE", "FILE"),
    (1, "serve --grammar NOISE", "NOISE"),
    (1, "grammar check missing.yaml", "missing.yaml"),
    (1, "grammar check NOISE", "NOISE"),
    (2, "grammar check FILE --samples -1", "--samples: -1 is too small, it must be at least 0"),
    (2, "grammar", "ACTION"),
    (1, "wakeword check ###", "###"),
    (1, "wakeword enrol left missing.wav", "missing.wav: no such file"),
    (1, "wakeword enrol left NOISE", "NOISE: not audio"),
    (1, "benchmark missing.wav --phrases left", "missing.wav"),
    (1, "benchmark LEFT --phrases left --chunk-ms 50", "multiples of 40"),
    (2, "benchmark LEFT", "--phrases"),
    (1, "evaluate missing.jsonl", "missing.jsonl"),
    (1, "evaluate NOISE", "NOISE"),
    (1, "evaluate EMPTY", "no clips"),
    (2, "evaluate EMPTY --threshold 0.5", "--threshold needs --grammar"),
    (1, "export missing.pt --out OUT", "missing.pt"),
    (1, "export EMPTY --out OUT", "EMPTY: not a checkpoint"),
    (1, "export NOISE --out OUT", "NOISE: not a checkpoint"),
    (1, "export FILE --out OUT", "FILE: not a checkpoint"),
    (1, "export CORPUS --out OUT", "CORPUS"),
    (1, "export EMPTY --out FILE", "--out FILE: cannot be written: there is a file"),
    (1, "export EMPTY --out /proc/out", "--out /proc/out: cannot be written"),
    (2, "prepare klingon CORPUS --out OUT", "invalid choice: 'klingon'"),
    (1, "prepare speech_commands missing --out OUT", "missing: not a folder"),
    (1, "prepare speech_commands FILE --out OUT", "FILE: not a folder"),
    (1, "prepare librispeech CORPUS --out OUT", "CORPUS"),
    (1, "prepare common_voice CORPUS --out OUT", "CORPUS"),
    (1, "prepare tar FILE --out OUT", "FILE"),
    (1, "prepare speech_commands CORPUS --out FILE", "--out FILE: cannot be written: there is a file"),
    (1, "prepare speech_commands CORPUS --out /proc/out", "--out /proc/out: cannot be written"),
    (1, "align missing.jsonl --out OUT", "missing.jsonl"),
    (1, "align EMPTY --out FILE/below", "--out FILE: cannot be written: there is a file"),
    (1, "align EMPTY --out CORPUS", "CORPUS"),
    (1, "train missing.toml", "missing.toml"),
    (1, "train NOISE", "NOISE: not TOML"),
    (1, "train EMPTY", "EMPTY: data: missing"),
    (1, "train CORPUS", "CORPUS"),
]


@pytest.mark.parametrize(
    ("code", "command", "message"), WRONG, ids=[f"{command or 'nothing'}" for _, command, _ in WRONG]
)
def test_what_cannot_work(
    code: int, command: str, message: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["" if word == "''" else LEFT if word == "LEFT" else word for word in command.split(" ") if word]
    found, error = outcome(arguments, capsys)
    assert found == code and message in error, error
    assert is_one_line(error) or (code == 1 and error.startswith("speech-lstm: error: ") and "real time\n" in error), (
        error
    )


@FULL
@pytest.mark.parametrize("command", WORKING)
def test_a_full_disk_behind_stdout(command: str, files: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(WORKING[command], stdout=full)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr
    if command not in SILENT:
        assert "speech-lstm: error: the output /dev/full: cannot be written: No space left on device" in done.stderr


@FULL
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["transcribe", "--help"]])
def test_a_full_disk_behind_the_help(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "speech-lstm: error: the output /dev/full: cannot be written: No space left on device\n"


@pytest.mark.parametrize("command", WORKING)
def test_a_pipe_that_nobody_reads(command: str, files: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = run(WORKING[command], stdout=pipe)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert "Broken pipe" not in done.stderr


@pytest.mark.parametrize("command", WORKING)
def test_streams_that_the_caller_has_closed(command: str, files: Path) -> None:
    """As `speech-lstm ... <&- >&- 2>&-`, and as a program without a console has them."""

    def close() -> None:
        os.closerange(0, 3)

    arguments = [sys.executable, "-m", "speech_lstm", *WORKING[command]]
    done = subprocess.run(arguments, preexec_fn=close)
    assert done.returncode == (1 if command in SILENT else 0) or command == "doctor"


@FULL
def test_notes_that_cannot_be_written_stop_nothing(files: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(["transcribe", LEFT, "--phones"], stderr=full)
    assert done.returncode == 0 and "L EH F T" in done.stdout


def run(
    arguments: list[str], stdout: object = subprocess.PIPE, stderr: object = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "speech_lstm", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=stderr, text=True)  # type: ignore[call-overload]


def test_a_folder_in_which_one_may_not_write(
    public_folder: Path,
    as_ordinary_user: Callable[[], AbstractContextManager[None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with as_ordinary_user():
        code, error = outcome(["transcribe", LEFT, "--phrases", "left", "--output", str(public_folder)], capsys)
    assert code == 1
    assert error == f"speech-lstm: error: --output {public_folder}: cannot be written: Permission denied\n"


@pytest.mark.parametrize("extra", [[], ["--latency"]])
def test_a_frozen_program_has_no_python_to_measure_start_up_with(
    extra: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    code, error = outcome(["benchmark", LEFT, "--phrases", "left", "--repeats", "1", *extra], capsys)
    assert code == 1 and is_one_line(error) and "a frozen program does not have" in error
