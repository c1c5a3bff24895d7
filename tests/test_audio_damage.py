"""Joined, damaged and cut files: all that can be heard is heard, at its time, and what is lost is told once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_lstm.runtime.audio import Samples, read_audio, refuse
from speech_lstm.runtime.audio.flac import resume
from speech_lstm.runtime.audio.pages import pages
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

from .test_media import encode

COMPRESSED: dict[str, dict[str, str]] = {
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {"format": "MP3"},
    "flac": {},
}
PLAIN = ("wav", "aiff", "au", "caf", "w64", "rf64")
MEDIA = {"m4a": "aac", "aac": "aac", "webm": "libopus", "mkv": "flac", "wv": "wavpack", "mp2": "mp2", "flv": "aac"}


def chirp(seconds: float, rate: int = 16000) -> Samples:
    """A tone that rises from 200 Hz by 40 Hz a second, so that each moment has its own pitch, in a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(time))
    return (0.3 * np.sin(2 * np.pi * (200 * time + 20 * time**2)) + noise).astype(np.float32)


def moment(heard: Samples, at: float) -> float:
    """The second of the chirp that is heard at a second of a recording."""
    piece = heard[round(at * 16000) : round(at * 16000) + 4096]
    hertz = np.argmax(np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 16))) * 16000 / (1 << 16)
    return float(hertz - 200) / 40 - 2048 / 16000


def content(path: Path, seconds: float, rate: int = 16000) -> bytearray:
    """A chirp in the format that the suffix says."""
    kind = path.suffix[1:]
    if kind in MEDIA:
        encode(path, MEDIA[kind], 48000 if kind == "webm" else 44100 if kind == "flv" else rate, samples=chirp(seconds))
    else:
        options = COMPRESSED.get(kind, {"format": kind.upper()})
        soundfile.write(path, chirp(seconds, rate), rate, **options)
    return bytearray(path.read_bytes())


def heard(path: Path, data: bytes | bytearray) -> tuple[Samples, list[AudioWarning]]:
    """What is read of such a file, and what is told."""
    path.write_bytes(data)
    told: list[AudioWarning] = []
    samples = read_audio(path, report=told.append)
    assert len({warning.kind for warning in told}) == len(told), "each thing once"
    return samples, told


@pytest.mark.parametrize("kind", [*COMPRESSED, *PLAIN, *MEDIA])
def test_all_of_joined_files_is_heard(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    other_rate = 24000 if kind not in MEDIA else 16000
    first, second = content(path, 4.0), content(path, 2.5, other_rate)
    samples, told = heard(path, second + first + second)
    assert len(samples) == pytest.approx(9.0 * 16000, abs=8000) and not told
    assert moment(samples, 4.5) == pytest.approx(2, abs=0.25)
    assert moment(samples, 8.0) == pytest.approx(1.5, abs=0.35)


@pytest.mark.parametrize("kind", ["ogg", "opus", "mp3", "flac", "m4a", "mkv", "wv", "mp2", "aac"])
@pytest.mark.parametrize("filling", [b"\0", b"\xff", None], ids=["zeros", "ones", "noise"])
def test_what_follows_damage_is_heard_at_its_time(tmp_path: Path, kind: str, filling: bytes | None) -> None:
    path = tmp_path / f"a.{kind}"
    data = content(path, 12.0)
    bad, middle = 1500, len(data) // 2
    data[middle : middle + bad] = filling * bad if filling else np.random.default_rng(0).bytes(bad)
    samples, told = heard(path, data)
    # Raw AAC has no times, and FFmpeg hears a block (5 s) of Matroska or WavPack as nothing or as noise.
    if kind not in ("mkv", "wv"):
        assert len(samples) > (11 if kind == "aac" else 11.7) * 16000
        assert moment(samples, 11.0) == pytest.approx(11.0 if kind != "aac" else 11.3, abs=0.4)
    assert moment(samples, 4.0) == pytest.approx(4.0, abs=0.25)
    assert told or (kind == "wv" and filling)
    assert not told or told[0].kind in ("damaged", "gap", "clipped")


@pytest.mark.parametrize("kind", [*COMPRESSED, *PLAIN, "mkv", "wv", "mp2", "flv"])
def test_the_beginning_of_a_cut_file_is_heard_and_the_rest_is_missed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    data = content(path, 10.0)
    samples, told = heard(path, data[: len(data) // 2])
    assert 3.9 * 16000 < len(samples) < 6 * 16000 and moment(samples, 3.0) == pytest.approx(3, abs=0.2)
    assert told[0].kind == ("cut" if kind in ("ogg", "opus", "mp2") else "damaged")


def test_a_missing_page_of_ogg_is_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.opus"
    data = content(path, 8.0)
    gone = list(pages(bytes(data)))[5]
    samples, told = heard(path, data[: gone.offset] + data[gone.offset + gone.size :])
    assert len(samples) == pytest.approx(8 * 16000, abs=400)
    assert [(warning.kind, round(warning.time)) for warning in told] == [("damaged", 3)]
    assert "about 1.0 s of sound are lost, at 3.0 s" in told[0].message
    assert not samples[round(3.3 * 16000) : round(3.7 * 16000)].any()
    assert moment(samples, 6.0) == pytest.approx(6.0, abs=0.1)


def test_a_byte_of_vorbis_costs_little(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    data = content(path, 20.0)
    page = list(pages(bytes(data)))[3]
    assert page.sound and page.size > 1000
    data[page.offset + page.size // 2] ^= 0xFF
    samples, told = heard(path, data)
    assert len(samples) == pytest.approx(20 * 16000, abs=4000) and told[0].kind == "damaged"
    bad = [second for second in np.arange(0.5, 19.5, 0.25) if abs(moment(samples, second) - second) > 0.15]
    assert len(bad) <= 3


def test_junk_before_the_sound_is_passed_over(tmp_path: Path) -> None:
    for kind in ("flac", "wav", "ogg", "mp3", "aiff"):
        path = tmp_path / f"a.{kind}"
        data = content(path, 3.0)
        samples, _ = heard(path, b"HTTP/1.1 200 OK\r\n\r\n" + bytes(range(100)) + data)
        assert moment(samples, 2.0) == pytest.approx(2.0, abs=0.2)


def test_mp3_of_a_variable_rate_without_its_table_is_heard_whole(tmp_path: Path) -> None:
    """libsndfile guesses its length from the first frame."""
    path = tmp_path / "a.mp3"
    loud = chirp(6.0)
    loud[:32000] *= 1e-3
    soundfile.write(path, loud, 16000, format="MP3", bitrate_mode="VARIABLE")
    data = path.read_bytes()
    first = data.index(b"\xff", 1)
    samples, _ = heard(path, data[first:])
    assert len(samples) > 5.8 * 16000


def test_a_table_that_promises_less_than_there_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    data = content(path, 6.0)
    at = max(data.find(b"Xing"), data.find(b"Info"))
    data[at + 8 : at + 12] = (50).to_bytes(4, "big")
    samples, told = heard(path, data)
    assert len(samples) > 5.8 * 16000 and not told


def test_one_of_two_streams_in_ogg(tmp_path: Path) -> None:
    low, high = (tmp_path / name for name in ("low.ogg", "high.ogg"))
    soundfile.write(low, chirp(3.0), 16000, format="OGG", subtype="VORBIS")
    soundfile.write(high, chirp(9.0)[96000:], 16000, format="OGG", subtype="OPUS")
    parts = [
        [path.read_bytes()[p.offset : p.offset + p.size] for p in pages(path.read_bytes())] for path in (low, high)
    ]
    both = b"".join([parts[0][0], parts[1][0], *parts[0][1:2], *parts[1][1:], *parts[0][2:]])
    samples, told = heard(tmp_path / "both.ogg", both)
    assert [warning.kind for warning in told] == ["tracks"]
    assert told[0].message == "there are 2 audio tracks (0: Vorbis; 1: Opus); track 0 is heard"
    assert moment(samples, 1.5) == pytest.approx(1.5, abs=0.2)
    assert moment(read_audio(tmp_path / "both.ogg", track=1), 1.5) == pytest.approx(7.5, abs=0.2)
    with pytest.raises(AudioError, match=r"there is no track 2, counted from 0; there are 2 audio tracks \(0: Vorbis"):
        read_audio(tmp_path / "both.ogg", track=2)
    with pytest.raises(AudioError, match="there is no track 1, counted from 0; there is one audio track"):
        read_audio(low, track=1)


def test_a_flac_frame_is_found_by_its_number(tmp_path: Path) -> None:
    data = bytes(content(tmp_path / "a.flac", 5.0))
    found = resume(data, 0, len(data), 30_000, 0)
    assert found is not None and found[0].start == pytest.approx(32768 / 16000)
    assert resume(data, 0, len(data), 10**9, 0) is None


def test_damage_can_be_refused(tmp_path: Path) -> None:
    data = content(tmp_path / "a.flac", 5.0)
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match=r"damaged: some sound is lost, at 2\.3 s; the sound ends at"):
        read_audio(tmp_path / "cut.flac", report=refuse)


def test_damage_is_logged_by_default(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = content(tmp_path / "a.wav", 2.0)
    (tmp_path / "cut.wav").write_bytes(data[: len(data) // 2])
    read_audio(tmp_path / "cut.wav")
    assert caplog.messages == [f"{tmp_path / 'cut.wav'}: the sound ends at 1.0 s of 2.0 s"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere C's streams are other variables")
def test_decoders_print_nothing(tmp_path: Path) -> None:
    """libmpg123 and, of SDS files, libsndfile print of themselves."""
    data = content(tmp_path / "whole.mp3", 6.0)
    (tmp_path / "bad.mp3").write_bytes(data[:5000] + bytes(9000) + data[5000:])
    soundfile.write(tmp_path / "a.sds", chirp(1.0), 16000, format="SDS")
    sds = bytearray((tmp_path / "a.sds").read_bytes())
    sds[1000:1100] = os.urandom(100)
    (tmp_path / "a.sds").write_bytes(sds)
    code = "import speech_lstm as sl, sys\nfor name in sys.argv[1:]: sl.read_audio(name, report=id)"
    names = [str(tmp_path / name) for name in ("whole.mp3", "bad.mp3", "a.sds")]
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
    loud = "import soundfile, sys\nfor name in sys.argv[1:]:\n try: soundfile.read(name)\n except RuntimeError: pass"
    assert subprocess.run([sys.executable, "-c", loud, *names], capture_output=True, text=True).stderr
