"""Sound through pipes: standard input, FIFOs, open files, samples without a header; never taken for names of files."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

import speech_lstm as sl
from speech_lstm.batch.inputs import find_files
from speech_lstm.batch.pipes import names_in, names_or_sound
from speech_lstm.runtime.audio import RawFormat, Samples, read_audio
from speech_lstm.runtime.audio.pipes import live_blocks
from speech_lstm.runtime.audio.sndfile import SoundFile
from speech_lstm.runtime.live.listen import hear, play

DATA = Path(__file__).parent / "data"
COMMAND = (sys.executable, "-m", "speech_lstm.cli")
PHRASES = ("--device", "cpu", "--phrases", "backward", "forward", "happy")


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Two words."""
    pause = np.zeros(8000, np.float32)
    words = [read_audio(next((DATA / "words").glob(f"{word}_*.opus"))) for word in ("backward", "forward")]
    return np.concatenate([pause, words[0], pause, words[1], pause])


def written(samples: Samples, **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, **{"format": "WAV", **options})
    return file.getvalue()


def run(*arguments: str, data: bytes, code: int = 0) -> tuple[str, str]:
    """What the command prints on stdout and stderr with that on stdin."""
    done = subprocess.run([*COMMAND, *arguments], input=data, capture_output=True, timeout=120)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_transcribe_hears_standard_input(speech: Samples, name: str, kind: str) -> None:
    out, _ = run("transcribe", name, *PHRASES, "--clip-seconds", "1", "--jobs", "2", data=written(speech, format=kind))
    assert [line.split(": ")[1] for line in out.splitlines()[::2]] == ["backward", "forward"]
    assert out.startswith(f"{name}: ")


def test_transcribe_hears_raw_samples_and_writes_a_file(speech: Samples, tmp_path: Path) -> None:
    stereo = np.repeat(np.stack([speech, speech], axis=1), 3, axis=0)
    pcm = (stereo * 32767).astype("<i2").tobytes()
    arguments = ("transcribe", "-", *PHRASES, "--clip-seconds", "1", "--format", "json", "--output", str(tmp_path))
    run(*arguments, "--raw", "48000:2", data=pcm)
    row = json.loads((tmp_path / "stdin.json").read_text())
    assert row["file"] == "-" and row["duration"] == pytest.approx(len(speech) / 16000, abs=0.01)
    assert [result["text"] for result in row["results"]] == ["backward", "forward"]
    _, err = run(*arguments[:2], *PHRASES, data=pcm, code=1)
    assert "-: not audio that can be read" in err and "samples without a header need --raw" in err
    _, err = run(*arguments[:2], *PHRASES, "--beside", data=written(speech), code=2)
    assert "--beside needs files" in err


@pytest.mark.parametrize(
    "pcm",
    [
        np.full(8000, 46, "<i2").tobytes(),  # "." and NUL
        np.full(8000, 47, "<i2").tobytes(),  # "/"
        np.full(8000, 0x2F2E, "<i2").tobytes(),
        np.full(8000, 0x2E2F0A2E, "<i4").tobytes(),
        np.zeros(8000, "<i2").tobytes(),
        (1000 * np.sin(np.arange(8000) / 5)).astype("<i2").tobytes(),
        bytes([0x80]) * 8000,
        b"\xff" * 8000,
    ],
    ids=["dots", "slashes", "both", "lines", "silence", "tone", "u8", "ulaw"],
)
def test_sound_is_never_a_list_of_names(pcm: bytes, tmp_path: Path) -> None:
    assert names_in(pcm) is None
    assert names_in(written(np.full(8000, 46 / 32768, np.float32))) is None
    found = find_files(["-"], io.BytesIO(pcm), lambda: tmp_path)
    assert [(file.alias, file.path.read_bytes() == pcm) for file in found.files] == [("-", True)]


def test_lists_are_still_lists(tmp_path: Path) -> None:
    assert names_in(b"a.wav\nb c.wav\r\n\n") == ["a.wav", "b c.wav"]
    assert names_in(b"a\nb.wav\0/x/y.wav\0") == ["a\nb.wav", "/x/y.wav"]
    assert names_in(b"\xef\xbb\xbfa.wav\r\n") == ["a.wav"]
    assert names_in(b"") == [] and names_in("ä.wav\n".encode()) == ["ä.wav"]
    assert names_in(b"calls\n") == ["calls"] and names_in(b".\n") is None
    many = "".join(f"{number:080}.wav\n" for number in range(2000)).encode()
    assert len(find_files(["-"], io.BytesIO(many), lambda: tmp_path).files) == 2000


def test_the_list_of_a_cluster_is_no_sound(speech: Samples) -> None:
    arguments = ("transcribe", "-", "--phrases", "left", "--engine", "ray", "--output", "x")
    _, err = run(*arguments, data=written(speech), code=1)
    assert "standard input is no list of names" in err


def test_a_fifo_is_opened_once(speech: Samples, tmp_path: Path) -> None:
    fifo = tmp_path / "f.wav"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(written(speech),))
    writer.start()
    out, _ = run("transcribe", str(fifo), *PHRASES, "--clip-seconds", "1", data=b"")
    writer.join()
    assert "backward" in out and "forward" in out


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"subtype": "PCM_16"}, ()),
        ({"subtype": "PCM_24"}, ()),
        ({"subtype": "FLOAT"}, ()),
        ({"subtype": "ULAW"}, ()),
        ({"subtype": "MS_ADPCM"}, ()),
        ({"format": "WAVEX", "subtype": "PCM_32"}, ()),
        ({"format": "RF64", "subtype": "PCM_16"}, ()),
        ({"format": "FLAC"}, ()),
        ({"format": "MP3"}, ()),
        ({"format": "RAW", "subtype": "PCM_16"}, ("--raw", "16000")),
    ],
)
def test_listen_hears_standard_input(speech: Samples, options: dict[str, str], arguments: tuple[str, ...]) -> None:
    out, err = run("listen", "--wav", "-", *arguments, *PHRASES, data=written(speech, **options))
    assert out.split() == ["backward", "forward"] and not err


def test_listen_says_what_it_cannot_hear(speech: Samples) -> None:
    for data, message in ((b"", "empty (0 bytes)"), (b"x" * 5000, "not audio"), (written(speech)[:44], "no samples")):
        out, err = run("listen", "--wav", "-", *PHRASES, data=data, code=1)
        assert not out and err.startswith("speech-lstm: error: standard input: ") and message in err
        assert err.count("standard input") == 1 and len(err.splitlines()) == 1
    _, err = run("listen", "--raw", "16000", *PHRASES, data=b"", code=2)
    assert "--raw needs --wav" in err
    for value in ("5", "16000:0", "x", "16000:999"):
        _, err = run("listen", "--wav", "-", "--raw", value, *PHRASES, data=b"", code=2)
        assert "argument --raw" in err


def test_a_live_pipe_is_heard_while_it_comes(speech: Samples) -> None:
    """A command is told before the pipe ends; the header says nothing of a length."""
    header = bytearray(written(speech[:0]))
    header[4:8] = header[40:44] = b"\xff\xff\xff\x7f"
    recognizer = sl.Recognizer(["backward", "forward"], device="cpu")
    ours, theirs = os.pipe()
    heard: list[str] = []

    def commands() -> None:
        with os.fdopen(ours, "rb") as pipe:
            for event in hear(recognizer.stream(), play(pipe)):
                if isinstance(event, sl.Command):
                    heard.append(event.result.text)

    listener = threading.Thread(target=commands)
    listener.start()
    with os.fdopen(theirs, "wb") as pipe:
        pipe.write(header + (speech * 32767).astype("<i2").tobytes())
        pipe.flush()
        deadline = time.monotonic() + 60
        while len(heard) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert heard == ["backward", "forward"], "before the end of the pipe"
    listener.join()


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_ctrl_c_ends_a_pipe_that_is_waited_for(speech: Samples) -> None:
    """It comes in the middle of libsndfile, which waits for more."""
    header = written(speech[:0])[:-4] + b"\xff\xff\xff\xff"
    arguments = [*COMMAND, "listen", "--wav", "-", *PHRASES]
    with subprocess.Popen(arguments, stdin=-1, stdout=-1, stderr=-1) as listener:
        assert listener.stdin and listener.stdout and listener.stderr
        listener.stdin.write(header + (speech * 32767).astype("<i2").tobytes())
        listener.stdin.flush()
        assert [listener.stdout.readline() for _ in range(2)] == [b"backward\n", b"forward\n"]
        time.sleep(0.3)
        listener.send_signal(signal.SIGINT)
        assert (listener.wait(30), listener.stderr.read()) == (0, b"")


class Trickle(io.RawIOBase):
    """Bytes that come a few at a time, as from a slow pipe."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = data, size

    def read(self, count: int = -1) -> bytes:
        """At most `size`."""
        size = min(self._size, count) if count >= 0 else self._size
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_how_a_pipe_is_cut_does_not_matter(speech: Samples, size: int) -> None:
    short = speech[:4000]
    for source, raw in (
        (written(short, subtype="PCM_24"), None),
        ((short * 32767).astype("<i2").tobytes(), RawFormat(16000)),
    ):
        blocks = [block for block in live_blocks(Trickle(source, size), raw) if isinstance(block, np.ndarray)]
        np.testing.assert_allclose(np.concatenate(blocks), short, atol=1e-4)


def test_chunks_after_the_sound_of_a_pipe_are_not_heard(speech: Samples) -> None:
    data = written(speech) + b"LIST" + (4000).to_bytes(4, "little") + bytes(4000)
    blocks = [block for block in live_blocks(io.BytesIO(data)) if isinstance(block, np.ndarray)]
    assert sum(map(len, blocks)) == len(speech)


def test_an_open_file_is_read(speech: Samples, tmp_path: Path) -> None:
    np.testing.assert_allclose(read_audio(io.BytesIO(written(speech, format="FLAC"))), speech, atol=1e-4)
    (tmp_path / "a.mp3").write_bytes(written(speech, format="MP3"))
    with (tmp_path / "a.mp3").open("rb") as file:
        assert len(read_audio(file)) == pytest.approx(len(speech), abs=1600)
    (tmp_path / "a.raw").write_bytes((speech * 32767).astype("<i2").tobytes())
    np.testing.assert_allclose(read_audio(tmp_path / "a.raw", raw=RawFormat(16000)), speech, atol=1e-4)
    big = RawFormat(16000, encoding="FLOAT", endian="BIG")
    np.testing.assert_array_equal(read_audio(io.BytesIO(speech.astype(">f4").tobytes()), raw=big), speech)
    with pytest.raises(sl.AudioError, match="the open file: the file is empty"):
        read_audio(io.BytesIO())
    with pytest.raises(sl.AudioError, match="libsndfile"):
        read_audio(tmp_path / "a.raw", raw=RawFormat(16000, encoding="NOTHING"))


def test_devices_are_refused() -> None:
    for device in ("/dev/zero", "/dev/tty", "/dev/urandom"):
        if Path(device).exists():
            with pytest.raises(sl.AudioError, match=r"is a device; expected|cannot be read"):
                read_audio(device)
    with pytest.raises(sl.AudioError, match="the file is empty"):
        read_audio("/dev/null")


@pytest.fixture
def pushed(speech: Samples) -> Iterator[bytes]:
    import soxr

    yield (soxr.resample(speech, 16000, 22050) * 32767).astype("<i2").tobytes()


def test_the_push_example_hears_reads_that_cut_samples(pushed: bytes) -> None:
    """A tenth of 22050 bytes is odd."""
    example = Path(__file__).parents[1] / "examples" / "push.py"
    done = subprocess.run([sys.executable, example, "22050"], input=pushed, capture_output=True, check=True)
    assert [line.split()[0] for line in done.stdout.decode().splitlines()] == ["backward", "forward"]


def test_a_list_of_files_is_read_whole_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"folder/{number}.wav" for number in range(20_000)]
    content = "\n".join(names).encode()
    assert names_or_sound(io.BytesIO(content)) == names
    monkeypatch.setattr("speech_lstm.batch.pipes.MOST_PIPED", 100_000)
    with pytest.raises(sl.SpeechLstmError, match="the list of files on standard input is over"):
        names_or_sound(io.BytesIO(content))


class _Failing(io.RawIOBase):
    """A file that fails after so many bytes."""

    def __init__(self, content: bytes, after: int, error: BaseException) -> None:
        self._inner, self._after, self._error = io.BytesIO(content), after, error

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._inner.tell() + len(buffer) > self._after:
            raise self._error
        return self._inner.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()


@pytest.mark.parametrize("after", [0, 20_000])
def test_what_fails_below_libsndfile_is_raised_above_it(after: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(100_000), 16000, format="WAV")

    def read(error: BaseException) -> None:
        source = SoundFile(_Failing(file.getvalue(), after, error))
        source.read(100_000)

    with pytest.raises(sl.AudioError, match=r"cannot be read \(Input/output error\)"):
        read(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(KeyboardInterrupt):
        read(KeyboardInterrupt())
