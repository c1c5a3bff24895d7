"""The C library in c/, built with all warnings and sanitizers: Python's results on the golden vectors, errors and no
crashes for whatever is wrong, hours of audio without more memory.

Skipped where cmake or a C compiler is missing. The long form of the mutations is in c/README.md.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import speech_lstm as sl
from speech_lstm import models

from .golden import CLIPS, FOLDER, GRAMMARS, audio_of, name_of, stored
from .test_compiled_grammar import WRONG, Change
from .test_golden import GOLDEN, near, recognizer

pytestmark = pytest.mark.skipif(
    not (shutil.which("cmake") and (shutil.which("cc") or shutil.which("gcc"))),
    reason="the C library is neither built nor tested, because cmake or a C compiler is not there: "
    "apt-get install cmake gcc libc6-dev",
)
SOURCE = Path(__file__).parents[1] / "c"
MODEL = models.find("default", "cpu")
LIBRARY = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so*"), None)


def built(folder: Path, *options: str) -> Path:
    """The programs, in a folder."""
    if LIBRARY is None:
        pytest.skip("the installed onnxruntime has no shared library of Linux: the C library is not tested")
    configure = ["cmake", str(SOURCE), "-DTESTS=ON", f"-DONNXRUNTIME_LIBRARY={LIBRARY}", *options]
    for command in (configure, ["cmake", "--build", ".", "--parallel", "2"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With AddressSanitizer, which finds leaks too, and UndefinedBehaviorSanitizer."""
    return built(tmp_path_factory.mktemp("checked"), "-DSANITIZE=ON", "-DCMAKE_BUILD_TYPE=Debug")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As for a device."""
    return built(tmp_path_factory.mktemp("release"))


def run(program: Path, *arguments: object, audio: bytes = b"") -> tuple[int, str, str]:
    """Exit status and what a program says."""
    done = subprocess.run([program, *map(str, arguments)], input=audio, capture_output=True, timeout=500)
    assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_results_are_those_of_python(grammar: str, build: Path) -> None:
    cases = [case for case in GOLDEN["results"] if case["grammar"] == grammar]
    clips: list[object] = []
    for case in cases:
        clips += [FOLDER / f"{case['clip']}-{case['precision']}.f32", len(audio_of(case["clip"])) / 16000]
    status, out, _ = run(build / "golden", "clips", FOLDER / f"{grammar}.json", *clips)
    assert status == 0
    assert lines(out) == near([case["result"] for case in cases])


@pytest.mark.parametrize("session", GOLDEN["sessions"])
def test_sessions_are_those_of_python(session: dict[str, Any], build: Path) -> None:
    options = [f"{name}={float(value)}" for name, value in session.get("options", {}).items()]
    buttons = [f"{frame}:{button}" for frame, button in session.get("buttons", ())]
    stream, seconds = session["stream"], len(audio_of(session["stream"])) / 16000
    status, out, _ = run(
        build / "golden", "session", FOLDER / f"{session['grammar']}.json", FOLDER / f"{stream}-int8.f32", seconds,
        f"wake_words={int(session['wake'])}", *options, *buttons,
    )  # fmt: skip
    assert status == 0 and lines(out) == near(session["events"])


def test_wake_words_are_those_of_python(build: Path) -> None:
    for stream, found in GOLDEN["detections"].items():
        _, out, _ = run(build / "golden", "wake", FOLDER / "words.json", FOLDER / f"{stream}-int8.f32")
        assert lines(out) == near(found)


def test_streams_are_those_of_python(build: Path) -> None:
    """Audio in, events out, in two ways."""
    audio = np.round(audio_of("morning") * 32768).clip(-32768, 32767).astype("<i2")
    stream = recognizer("words").stream()
    expected = [event.to_dict() for event in [*stream.accept(audio), *stream.finish()]]
    status, out, _ = run(
        build / "speech-commands", MODEL, FOLDER / "words.json", "--stream", audio=audio.tobytes()
    )  # fmt: skip
    assert status == 0 and lines(out) == near(expected)
    floats = (audio / np.float32(32768)).astype("<f4").tobytes()
    assert run(build / "speech-commands", MODEL, FOLDER / "words.json", "--stream", "--float", audio=floats)[1] == out


def test_hours_of_audio_need_no_more_memory(build: Path, release: Path) -> None:
    """Ten hours of commands after wake words and of rejected speech; leaks of a short run are found by name."""
    for program, hours in ((release, 10), (build, 0.05)):
        for grammar in ("words", "sentences"):
            stream = FOLDER / "morning-int8.f32"
            status, out, _ = run(program / "soak", hours, FOLDER / f"{grammar}.json", stream)
            assert status == 0 and out.startswith(f"{hours:.1f} hours: ")
            early, late = (int(part.split(" KiB")[0]) for part in out.split("; ")[1].split(", "))
            if program is release:
                assert 0 < late <= early + 200 and late < 30_000
                assert grammar != "words" or int(out.split(" commands")[0].split()[-1]) > 100


@pytest.mark.parametrize("kind", ["int16", "float"])
def test_the_program_hears_what_python_hears(kind: str, build: Path) -> None:
    """The same model by the same ONNX Runtime on the same processor."""
    for name in map(name_of, CLIPS[:3]):
        expected = recognizer("commands").recognize(audio_of(name)).to_dict()
        audio, option = (FOLDER / f"{name}.s16").read_bytes(), []
        if kind == "float":
            audio, option = audio_of(name).astype("<f4").tobytes(), ["--float"]
        status, out, errors = run(build / "speech-commands", MODEL, FOLDER / "commands.json", *option, audio=audio)
        assert (status, errors) == (0, "")
        assert lines(out) == [near(expected)]


def test_quiet_clips_are_lifted(build: Path) -> None:
    for level in (1e-2, 1e-3, 3e-4):
        for name in map(name_of, CLIPS[:3]):
            audio = (level * audio_of(name)).astype("<f4")
            expected = recognizer("commands").recognize(audio).to_dict()
            _, out, _ = run(
                build / "speech-commands", MODEL, FOLDER / "commands.json", "--float", audio=audio.tobytes()
            )
            assert lines(out) == [near(expected)]


def test_streams_of_a_model_that_hears_words(build: Path, tmp_path: Path) -> None:
    hears = sl.Recognizer(["yes", "no", "down", "forward", "zero"], model="commands-35", device="cpu")
    (tmp_path / "grammar.json").write_text(hears.compiled_grammar())
    audio = np.round(audio_of("morning") * 32768).clip(-32768, 32767).astype("<i2")
    stream = hears.stream()
    expected = [event.to_dict() for event in [*stream.accept(audio), *stream.finish()]]
    status, out, _ = run(
        build / "speech-commands", hears.model.path, tmp_path / "grammar.json", "--stream", audio=audio.tobytes()
    )
    assert status == 0 and lines(out) == near(expected) and any(event["event"] == "Command" for event in expected)


def test_nothing_is_reported_to_anybody(release: Path, tmp_path: Path) -> None:
    """ONNX Runtime makes a device id at home before it reports its use, unless it is told not to."""
    done = subprocess.run(
        [release / "speech-commands", str(MODEL), FOLDER / "words.json"],
        input=(FOLDER / "left.s16").read_bytes(),
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


def test_the_program_of_the_readme(build: Path, tmp_path: Path) -> None:
    code = (SOURCE / "README.md").read_text().split("```c\n")[1].split("```")[0]
    (tmp_path / "program.c").write_text(code)
    parts = [
        "program.c",
        build / "libspeech_lstm.a",
        build / "libonnxruntime.so.1",
        "-lm",
        "-fsanitize=address,undefined",
    ]
    options = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE / 'include'}", f"-Wl,-rpath,{build}"]
    subprocess.run(["cc", *options, *map(str, parts), "-o", "program"], cwd=tmp_path, check=True)
    audio = np.round(audio_of("morning") * 32768).clip(-32768, 32767).astype("<i2").tobytes()
    status, out, errors = run(tmp_path / "program", MODEL, FOLDER / "commands.json", audio=audio)
    assert (status, errors) == (0, "") and "(Move, 0." in out and "  direction = " in out
    assert run(tmp_path / "program", MODEL, tmp_path / "none.json")[0] == 1


def test_wrong_use_of_the_program_is_told(build: Path, tmp_path: Path) -> None:
    program, words = build / "speech-commands", FOLDER / "words.json"
    assert run(program)[0] == run(program, MODEL)[0] == run(program, MODEL, words, "--loud")[0] == 2
    assert "usage" in run(program, "--help")[1]
    damaged, foreign = tmp_path / "damaged.onnx", tmp_path / "foreign.onnx"
    content = bytearray(Path(str(MODEL)).read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    foreign.write_bytes(b"\x08\x08")
    other = json.loads(words.read_text())
    other["model"]["tokens"][1] = "Ä"
    (tmp_path / "other.json").write_text(json.dumps(other))
    silence = np.zeros(8000, "<f4")
    silence[7] = np.nan
    for arguments, audio, message in (
        ([tmp_path / "none.onnx", words], b"", "none.onnx: cannot be read: No such file"),
        ([damaged, words], b"", "damaged.onnx: damaged: the checksum does not match"),
        ([foreign, words], b"", "foreign.onnx: not a speech-lstm model"),
        ([MODEL, tmp_path / "none.json"], b"", "none.json: cannot be read"),
        ([MODEL, tmp_path / "other.json"], b"12", "compiled for a model with other tokens"),
        ([MODEL, words], b"", "there are no samples"),
        ([MODEL, words], b"123", "got 3 bytes"),
        ([MODEL, words, "--float"], silence.tobytes(), "NaN"),
    ):
        status, out, errors = run(program, *arguments, audio=audio)
        assert (status, out) == (1, "") and message in errors and errors.count("\n") == 1


@pytest.mark.parametrize(("message", "change"), WRONG, ids=[message for message, _ in WRONG])
def test_every_field_is_checked(message: str, change: Change, build: Path, tmp_path: Path) -> None:
    """As Python does; the error names file and field."""
    file = copy.deepcopy(json.loads((FOLDER / "words.json").read_text()))
    change(file)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(file))
    status, _, errors = run(build / "golden", "clips", path)
    field = message.replace("\\", "").split(" ")[0].rstrip(":")
    field = "not a compiled grammar" if "nan" in message else "is of version 99" if field == "it" else f": {field}"
    assert status == 1 and field in errors and str(path) in errors


def test_other_documents_are_refused(build: Path, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    whole = (FOLDER / "words.json").read_bytes()
    deep = b"[" * 100_000
    bad_text = whole.replace(b'"happy"', b'"h\xff\xfey"'), whole.replace(b'"happy"', b'"\\ud800"')
    for content in (b"", b"{", b"[]", b"null", b"5", whole[:-500], whole + b"x", deep, *bad_text):
        path.write_bytes(content)
        status, _, errors = run(build / "golden", "clips", path)
        assert status == 1 and str(path) in errors
    escaped = whole.replace(b'"happy"', b'"\\u0068appy"').replace(b"{", b" {\n\t", 3)
    path.write_bytes(escaped)
    assert run(build / "golden", "clips", path)[0] == 0


def test_nan_and_impossible_frames_are_refused(build: Path, tmp_path: Path) -> None:
    for value in (np.nan, -np.inf):
        frames = stored("left-int8").copy()
        frames[3] = value
        frames.astype("<f4").tofile(tmp_path / "frames.f32")
        status, _, errors = run(build / "golden", "clips", FOLDER / "words.json", tmp_path / "frames.f32", 1)
        assert status == 1 and "log_probs has NaN or a frame without any possible token" in errors
        with pytest.raises(ValueError, match="log_probs has NaN"), np.errstate(invalid="ignore"):
            recognizer("words").decode(frames)


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_mutated_grammars(grammar: str, build: Path) -> None:
    status, out, _ = run(build / "mutate", 400, 1, FOLDER / f"{grammar}.json", FOLDER / "left-int8.f32")
    assert status == 0 and out.startswith("400 mutated files: ")
    assert 4 < int(out.split(": ")[1].split(" ")[0]) < 300


def test_mutated_models(build: Path) -> None:
    status, out, _ = run(build / "mutate", 15, 1, MODEL)
    assert status == 0 and out.startswith("15 mutated files: 0 read")
