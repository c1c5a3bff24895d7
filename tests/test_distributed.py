"""Storage, tables, parts and usage of `--engine ray`, all that needs no cluster: real files, and a real FTP server."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from speech_lstm.batch import ListenerOptions, Transcript, transcribe
from speech_lstm.batch.distributed.hearer import ShippedListener, hear
from speech_lstm.batch.distributed.inputs import list_names
from speech_lstm.batch.distributed.parts import Format, PartFolder, as_text
from speech_lstm.batch.settings import NAME, Settings
from speech_lstm.batch.transcriber import BatchOptions, Transcriber
from speech_lstm.cli import main
from speech_lstm.runtime.errors import SpeechLstmError
from tests.ftp_server import FtpServer

DATA = Path(__file__).parent / "data"
WORDS = sorted((DATA / "words").glob("*.opus"))
GRAMMAR = tuple((DATA / "words.txt").read_text().split())
LISTENER = ListenerOptions(GRAMMAR, device="cpu")


@pytest.fixture(scope="module")
def transcripts() -> list[Transcript]:
    return list(transcribe(WORDS, LISTENER, jobs=1))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder with recordings in it and below it, and two tables of them."""
    folder = tmp_path / "lake"
    (folder / "monday").mkdir(parents=True)
    shutil.copy(WORDS[0], folder / "a.opus")
    shutil.copy(WORDS[1], folder / "monday" / "b.opus")
    (folder / "notes.txt").write_text("not audio")
    rows = [{"audio_filepath": "a.opus", "text": "x"}, {"audio_filepath": "monday/b.opus", "text": None}]
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"audio_filepath": None}]))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "calls.parquet")
    return folder


@pytest.fixture
def server(lake: Path) -> Iterator[FtpServer]:
    with FtpServer(lake.parent) as server:
        yield server


@pytest.mark.parametrize("name", ["lake", "lake/**/*.opus", "lake/calls.parquet", "lake/calls.*"])
@pytest.mark.parametrize("remote", [False, True])
def test_folders_patterns_and_tables_name_the_same_recordings(
    name: str, remote: bool, lake: Path, server: FtpServer
) -> None:
    top = server.url if remote else str(lake.parent)
    found = list_names([f"{top}/{name}", f"{top}/lake/a.opus"], "audio_filepath")
    assert set(found.names) == {f"{top}/lake/a.opus", f"{top}/lake/monday/b.opus"} and len(found.names) == 2
    empty = (f"{top}/lake/calls.jsonl, row 3", "audio_filepath is None; expected a path or URL")
    assert found.problems == ((empty,) if "calls.*" in name else ())


def test_what_leads_to_no_recording_is_said(lake: Path, server: FtpServer) -> None:
    found = list_names([f"{server.url}/lake/*.wav", str(lake / "*.wav")], "audio_filepath")
    assert not found.names and [reason for _, reason in found.problems] == ["no file matches the pattern"] * 2
    with pytest.raises(SpeechLstmError, match=r"has no column 'path', only audio_filepath, text; see --column"):
        list_names([str(lake / "calls.parquet")], "path")
    with pytest.raises(SpeechLstmError, match="nowhere"):
        list_names(["nowhere://bucket/calls"], "audio_filepath")
    with pytest.raises(SpeechLstmError, match=r"missing\.jsonl: cannot be read as a table"):
        list_names([str(lake / "missing.jsonl")], "audio_filepath")


def test_remote_recordings_get_the_transcripts_of_local_ones(lake: Path, server: FtpServer) -> None:
    (lake / "empty.wav").touch()
    transcriber = Transcriber(LISTENER.load())
    names = ["a.opus", "missing.wav", "monday/b.opus", "empty.wav", "a.opus/c.wav"]
    remote = hear([f"{server.url}/lake/{name}" for name in names], transcriber.transcribe)
    local = hear([str(lake / name) for name in names], transcriber.transcribe)
    assert [transcript.file for transcript in remote] == [f"{server.url}/lake/{name}" for name in names]
    assert [replace(transcript, file="", error=None) for transcript in remote] == [
        replace(transcript, file="", error=None) for transcript in local
    ]
    assert [transcript.error is None for transcript in remote] == [True, False, True, False, False]
    for name, transcript in zip(names, remote, strict=True):
        assert transcript.error is None or transcript.error.startswith(f"{server.url}/lake/{name}: ")


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
@pytest.mark.parametrize("remote", [False, True])
def test_a_part_written_twice_is_there_once(
    format: Format, remote: bool, tmp_path: Path, server: FtpServer, transcripts: list[Transcript]
) -> None:
    output = PartFolder(f"{server.url if remote else tmp_path}/out", format)
    strange = 'a "b"\nc\udcff.wav'
    rows = [*transcripts, Transcript(strange, error=f"{strange}: gone")]
    names = [transcript.file for transcript in rows]
    for _ in range(2):
        output.prepare(Settings("phrases", "model", "options"))
    with pytest.raises(SpeechLstmError, match="was made with another model; take another folder"):
        output.prepare(Settings("phrases", "other", "options"))
    for _ in range(2):
        output.write(names, rows)
    assert output.finished() == set(map(as_text, names))
    assert (tmp_path / "out" / NAME).exists()
    (part,) = (path for path in (tmp_path / "out").iterdir() if path.name != NAME)
    if format == "jsonl":
        assert [json.loads(line) for line in part.read_text().splitlines()] == [row.to_dict() for row in rows]
    else:
        written = pyarrow.parquet.read_table(part).to_pylist()
        assert written[0]["results"][0]["words"] == rows[0].to_dict()["results"][0]["words"]
        assert [row["error"] for row in written] == [None] * len(transcripts) + [f"{as_text(strange)}: gone"]


def test_half_a_part_is_none(tmp_path: Path, transcripts: list[Transcript]) -> None:
    output = PartFolder(str(tmp_path))
    names = [transcript.file for transcript in transcripts]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            output.write(names, transcripts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir()) and output.finished() == set()
    output.write(names, transcripts)
    (part,) = output.parts()
    unfinished = tmp_path / f".{Path(part).name}-0123456789ab.unfinished"  # as a killed task leaves it
    unfinished.write_bytes(Path(part).read_bytes()[:100])
    assert output.finished() == set(names)
    output.tidy()
    assert [str(path) for path in tmp_path.iterdir()] == [part]
    Path(part).write_bytes(b"damaged")
    with pytest.raises(SpeechLstmError, match="if it is damaged, delete it"):
        output.finished()


def test_grammars_and_models_go_along(tmp_path: Path) -> None:
    grammar = tmp_path / "here" / "home"
    grammar.mkdir(parents=True)
    home = (DATA.parent.parent / "examples" / "home.yaml").read_text()
    (grammar / "home.yaml").write_text(home)
    model = shutil.copy(DATA.parent.parent / "models" / "default-int8.onnx", tmp_path / "here" / "mine.onnx")
    shipped = ShippedListener.pack(ListenerOptions(grammar, str(model), "cpu"))
    shutil.rmtree(tmp_path / "here")
    there = tmp_path / "there"
    options = shipped.unpack(there)
    assert options.grammar == there / "home" and (there / "home" / "home.yaml").read_text() == home
    assert options.load().model.path == there / "mine.onnx"
    assert ShippedListener.pack(LISTENER).unpack(there) == LISTENER


ENGINE = ["transcribe", str(WORDS[0]), "--phrases", "left", "--engine", "ray"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (ENGINE, "--engine ray needs --output"),
        ([*ENGINE, "--beside"], "--engine ray needs --output"),
        ([*ENGINE, "--output", "out", "--format", "srt"], "--engine ray writes parquet or jsonl, not srt"),
        ([*ENGINE[:-2], "--address", "auto"], "--address needs --engine ray"),
        ([*ENGINE[:-2], "--format", "parquet"], "parquet needs --engine ray"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and message in capsys.readouterr().err


def test_without_ray_it_says_what_to_install() -> None:
    arguments = [*ENGINE, "--output", "out"]
    code = f"import sys; sys.modules['ray'] = None\nfrom speech_lstm.cli import main\nmain({arguments})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--engine ray needs ray: pip install 'speech-lstm[distributed]'" in done.stderr


def test_an_earlier_output_is_not_mixed_with_another(tmp_path: Path, transcripts: list[Transcript]) -> None:
    PartFolder(str(tmp_path)).write([str(WORDS[0])], transcripts[:1])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main([*ENGINE, "--output", str(tmp_path)]) == 1
    assert main([*ENGINE, "--output", str(tmp_path), "--resume"]) == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_phrases_that_changed_are_noticed(
    tmp_path: Path, transcripts: list[Transcript], capsys: pytest.CaptureFixture[str]
) -> None:
    output = PartFolder(str(tmp_path))
    output.prepare(Settings.of(ListenerOptions(["right"]), BatchOptions()))
    output.write([str(WORDS[0])], transcripts[:1])
    assert main([*ENGINE, "--output", str(tmp_path), "--resume"]) == 1
    assert capsys.readouterr().err == (
        f"speech-lstm: error: {tmp_path} was made with other phrases; take another folder\n"
    )
