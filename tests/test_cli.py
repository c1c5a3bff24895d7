"""The command line as a user meets it: output, exit codes, and a clear message for each kind of bad input."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile
from onnx import TensorProto, helper

import speech_lstm.models
from speech_lstm import __version__
from speech_lstm.cli import COMMANDS, main
from speech_lstm.serve.grammar_worker import read_grammar

DATA = Path(__file__).parent / "data"
LEFT = DATA / "words" / "left_sc-db9d52d2.opus"


@pytest.fixture(scope="module")
def shipped() -> Path:
    """The smallest shipped model."""
    return min(Path(speech_lstm.models.__file__).parent.glob("*.onnx"), key=lambda path: path.stat().st_size)


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"speech-lstm {__version__}\n"


@pytest.mark.parametrize("command", [module.__name__.rsplit(".", 1)[-1] for module in COMMANDS])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert "example" in text and f"speech-lstm {command}" in text.split("example", 1)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["recognise"], "invalid choice: 'recognise'"),
        (["transcribe"], "PATH"),
        (["transcribe", str(LEFT), "--phrases", "left", "--phones"], "not allowed with argument"),
        (["transcribe", str(LEFT), "--phrases", "left", "--grammar", "words.txt"], "not allowed with argument"),
        (["transcribe", str(LEFT), "--phrases"], "expected at least one argument"),
        (["transcribe", str(LEFT), "--phrases", "left", "--device", "tpu"], "invalid choice: 'tpu'"),
        (["transcribe", str(LEFT), "--phrases", "left", "--format", "xml"], "invalid choice: 'xml'"),
        (["transcribe", str(LEFT), "--phrases", "left", "--channel", "first"], "'first' is not a whole number"),
        (["transcribe", str(LEFT), "--phrases", "left", "--clip-seconds", "60"], "60 is not from 0 to 28"),
        (["transcribe", str(LEFT), "--phrases", "left", "--resume"], "--resume needs --output or --beside"),
        (["transcribe", str(LEFT.parent), "--phrases", "left", "--format", "srt"], "a file for each input"),
        (["transcribe", str(LEFT), "--alternatives", "2"], "--alternatives needs --phrases or --grammar"),
        (["transcribe", str(LEFT), "--phrases", "left", "--beside", "--output", "out"], "not allowed with argument"),
        (["benchmark", str(LEFT), "--phrases", "left", "--chunk-ms", "0"], "must be at least 1"),
        (["benchmark", str(LEFT), "--phrases", "left", "--repeats", "-3"], "must be at least 1"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert message in printed.err and not printed.out


def one_result_each(lines: str) -> list[dict[str, Any]]:
    """JSON lines of clips: the file with its result."""
    rows = [json.loads(line) for line in lines.splitlines()]
    assert all(len(row["results"]) == 1 for row in rows)
    return [{**row, **row["results"][0]} for row in rows]


def test_words_are_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    clips = sorted((DATA / "words").glob("*.opus"))
    code = main(["transcribe", *map(str, clips), "--grammar", str(DATA / "words.txt"), "--format", "jsonl"])
    printed = capsys.readouterr()
    rows = one_result_each(printed.out)
    assert code == 0 and [row["file"] for row in rows] == [str(clip) for clip in clips]
    right = [row["accepted"] for row in rows if row["text"] == Path(row["file"]).name.split("_")[0]]
    assert len(right) >= 18 and sum(right) >= 17
    for row in rows:
        for word in row["words"]:
            assert 0 <= word["start"] < word["end"] <= row["duration"] + 0.05
    assert f"{len(clips)} files" in printed.err and "times real time" in printed.err


def test_sentences_are_recognised_and_words_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    said = {
        str(DATA / row["audio_filepath"]): row["text"]
        for row in map(json.loads, (DATA / "manifest.jsonl").read_text().splitlines())
        if row["audio_filepath"].startswith("sentences/")
    }
    assert main(["transcribe", *said, "--grammar", str(DATA / "sentences.txt"), "--format", "jsonl"]) == 0
    rows = one_result_each(capsys.readouterr().out)
    assert sum(row["accepted"] and row["text"] == said[row["file"]] for row in rows) >= 14
    for row in rows:
        times = [time for word in row["words"] for time in (word["start"], word["end"])]
        assert times == sorted(times)
        assert " ".join(word["text"] for word in row["words"]) == row["text"]


def test_noise_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    clips = sorted(map(str, (DATA / "noise").glob("*.opus")))
    phrases = ["turn on the light", "turn off the light", "what time is it"]
    assert main(["transcribe", *clips, "--phrases", *phrases, "--format", "jsonl"]) == 0
    rows = one_result_each(capsys.readouterr().out)
    assert len(rows) == len(clips) and not any(row["accepted"] for row in rows)


def test_text_output_has_text_confidence_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", str(LEFT), "--phrases", "left", "right"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{LEFT}: left"
    assert second.strip().startswith("confidence 0.") and " | left 0." in second


@pytest.fixture
def bad(tmp_path: Path, shipped: Path) -> Path:
    """A folder with one file of each kind of bad input."""
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("turn on the light\n" * 50)
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan, np.float32), 16000, subtype="FLOAT")
    node = helper.make_node("Identity", ["x"], ["y"])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    foreign = helper.make_model(
        helper.make_graph([node], "other", value[:1], value[1:]), opset_imports=[helper.make_opsetid("", 17)]
    )
    foreign.ir_version = 8
    onnx.save(foreign, tmp_path / "foreign.onnx")
    content = shipped.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.onnx").write_text("not a model")
    (tmp_path / "empty.txt").write_text("\n\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.wav", "no such file"),
        ("empty.wav", "the file is empty (0 bytes)"),
        ("text.wav", "not audio that can be read; expected WAV, FLAC, Ogg, Opus or MP3"),
        ("none.wav", "no samples in the file"),
        ("nan.wav", "sample 0 is nan"),
    ],
)
def test_a_bad_file_is_reported_and_the_others_are_done(
    bad: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", str(bad / name), str(LEFT), "--phrases", "left", "right"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"speech-lstm: error: {bad / name}") and message in printed.err.splitlines()[0]
    assert printed.out.startswith(f"{LEFT}: left")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "BAD/foreign.onnx", "--phrases", "left"], "foreign.onnx"),
        (["--model", "BAD/cut.onnx", "--phrases", "left"], "cut.onnx"),
        (["--model", "BAD/text.onnx", "--phrases", "left"], "text.onnx"),
        (["--model", "BAD/missing.onnx", "--phrases", "left"], "missing.onnx"),
        (["--model", "whisper", "--phrases", "left"], "whisper"),
        (["--phrases", "left", "###"], "###"),
        (["--phrases", "turn 左"], "左"),
        (["--phrases", ""], "phrase"),
        (["--grammar", "BAD/missing.txt"], "missing.txt"),
        (["--grammar", "BAD/empty.txt"], "empty.txt"),
    ],
)
def test_a_bad_model_or_phrase_ends_with_one_clear_line(
    bad: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [option.replace("BAD", str(bad)) for option in options]
    assert main(["transcribe", str(LEFT), *arguments]) == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith("speech-lstm: error: ") and len(printed.err.splitlines()) == 1
    assert message in printed.err


def test_cuda_without_cuda_is_an_error_that_names_the_reason(shipped: Path, capfd: pytest.CaptureFixture[str]) -> None:
    session = onnxruntime.InferenceSession(shipped, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    if "CUDAExecutionProvider" in session.get_providers():
        pytest.skip("this machine has CUDA")
    capfd.readouterr()
    assert main(["transcribe", str(LEFT), "--phrases", "left", "--device", "cuda"]) == 1
    printed = capfd.readouterr()
    assert not printed.out and "speech-lstm: error: " in printed.err and "CUDA" in printed.err


def test_models_lists_what_is_shipped(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert shipped.name in {Path(row["file"]).name for row in rows}
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    for row in rows:
        assert Path(row["file"]).stem in text


def test_benchmark_measures_every_stage(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["benchmark", str(LEFT), "--phrases", "left", "right", "--device", "cpu", "--repeats", "1"]
    assert main([*arguments, "--json", "--chunk-ms", "40"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["audio_seconds"] == pytest.approx(1, abs=0.02) and report["chunk_ms"] == 40
    for mode in ("streaming", "whole_file"):
        assert report[mode]["model"] > 0 and 0 < report[mode]["decoding"] < report[mode]["total"] * 2
    assert 0 < report["import_and_load_seconds"] < 30
    assert main(arguments) == 0
    assert "times real time" in capsys.readouterr().out
    assert main([*arguments, "--chunk-ms", "50"]) == 1
    assert "multiples of 40" in capsys.readouterr().err


def test_doctor_exit_code_agrees_with_its_report(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor"])
    text = capsys.readouterr().out
    assert code == ("PROBLEM" in text)
    for expected in (__version__, "onnxruntime", "CPU", "soundfile", shipped.stem):
        assert expected in text


def test_two_onnxruntimes_are_noticed_with_the_way_out(tmp_path: Path) -> None:
    for name in ("onnxruntime", "onnxruntime_gpu"):
        folder = tmp_path / f"{name}-1.20.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.20.0\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "speech_lstm.cli"]
    cure = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu==1.20.0"
    done = subprocess.run([*command, "models"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr.count("overwrite each other") == 1 and cure in done.stderr
    done = subprocess.run([*command, "doctor"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "PROBLEM onnxruntime" in done.stdout and cure in done.stdout


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m speech_lstm.cli doctor | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout.startswith(" ") and "Traceback" not in done.stderr


def test_a_system_without_a_folder_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a container whose file system is read-only."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    (clip,) = (DATA / "words").glob("forward_*.opus")
    assert main(["transcribe", str(clip), "--phrases", "forward", "five", "--format", "jsonl"]) == 0
    assert '"forward"' in capsys.readouterr().out
    problem = read_grammar("forward")
    assert isinstance(problem, str) and "temporary folder" in problem
