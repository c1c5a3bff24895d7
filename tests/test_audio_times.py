"""Sound at the time that its container gives it, one of several tracks, and what is damaged in a container."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from speech_lstm.cli import main
from speech_lstm.runtime.audio import Samples, read_audio, read_blocks
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

from .test_audio_damage import chirp, moment

DATA = Path(__file__).parent / "data"
LENGTH = 6.0


def timed(
    path: Path,
    codec: str,
    rate: int,
    late: float = 0.0,
    gap: tuple[float, float] = (0.0, 0.0),
    tracks: int = 1,
    video: bool = False,
) -> None:
    """A chirp that begins `late`; without what is in the gap. Track N begins with second N of it."""
    with av.open(str(path), "w") as container:
        picture: Any = container.add_stream("mpeg4", rate=5) if video else None
        if video:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sounds: list[Any] = [container.add_stream(codec, rate=rate, layout="mono") for _ in range(tracks)]
        for sound, language in zip(sounds, ("eng", "deu", "fra"), strict=False):
            sound.metadata["language"] = language
        for number in range(40 if video else 0):
            grey = np.full((48, 64, 3), 5 * number, np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        if video:
            container.mux(picture.encode(None))
        for number, sound in enumerate(sounds):
            samples = (chirp(LENGTH, rate)[number * rate :] * 32767).astype(np.int16)
            converter = av.AudioResampler(sound.codec_context.format.name, "mono", rate)
            size = sound.codec_context.frame_size or 1024
            for start in range(0, len(samples) - size, size):
                if gap[0] <= start / rate < gap[1]:
                    continue
                frame = av.AudioFrame.from_ndarray(samples[None, start : start + size], format="s16", layout="mono")
                frame.sample_rate = rate
                for converted in converter.resample(frame):
                    converted.pts, converted.time_base = start + round(late * rate), Fraction(1, rate)
                    container.mux(sound.encode(converted))
            container.mux(sound.encode(None))


def heard(path: Path) -> tuple[Samples, list[tuple[str, str]]]:
    """What is read, and what is told: kind and message."""
    told: list[AudioWarning] = []
    samples = read_audio(path, report=told.append)
    return samples, [(warning.kind, warning.message) for warning in told]


@pytest.mark.parametrize(
    ("name", "codec", "rate", "video"),
    [
        ("a.m4a", "aac", 16000, False),
        ("a.mp4", "aac", 44100, True),
        ("a.mov", "pcm_s16le", 16000, True),
        ("a.webm", "libopus", 48000, False),
        ("a.mka", "aac", 16000, False),
        ("a.ts", "aac", 16000, True),
        ("a.flv", "aac", 44100, False),
        ("a.opus", "libopus", 48000, False),
    ],
)
def test_sound_that_starts_late(tmp_path: Path, name: str, codec: str, rate: int, video: bool) -> None:
    timed(tmp_path / name, codec, rate, late=2.0, video=video)
    samples, told = heard(tmp_path / name)
    assert len(samples) == pytest.approx((LENGTH + 2) * 16000, abs=2000) and not told
    assert np.abs(samples[:30_000]).max() < 0.01 and moment(samples, 6.0) == pytest.approx(4.0, abs=0.15)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.m4a", "aac", 16000),
        ("a.webm", "libopus", 48000),
        ("a.mka", "aac", 16000),
        ("a.ts", "aac", 16000),
        ("a.flv", "aac", 44100),
        ("a.opus", "libopus", 48000),
    ],
)
def test_sound_with_a_gap(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    timed(tmp_path / name, codec, rate, gap=(2.0, 3.5))
    samples, told = heard(tmp_path / name)
    assert len(samples) == pytest.approx(LENGTH * 16000, abs=2000)
    assert moment(samples, 1.0) == pytest.approx(1.0, abs=0.2) and moment(samples, 5.0) == pytest.approx(5.0, abs=0.2)
    assert not samples[round(2.3 * 16000) : round(3.3 * 16000)].any()
    ((kind, message),) = told
    assert kind == "gap" and message.startswith("no sound for 1.5 s at 2.")


def test_the_times_of_words_follow_the_container(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    word = read_audio(DATA / "words" / "left_sc-db9d52d2.opus")
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        sound: Any = container.add_stream("aac", rate=16000, layout="mono")
        for start in range(0, len(word) - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(word[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, start + 48000, Fraction(1, 16000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert main(["transcribe", str(tmp_path / "a.m4a"), "--phrases", "left", "right", "--format", "jsonl"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["text"] == "left" and 3.0 < result["start"] < 3.8


def test_one_of_several_tracks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mp4"
    timed(path, "aac", 16000, tracks=3, video=True)
    samples, told = heard(path)
    tracks = "there are 3 audio tracks (0: eng, aac, mono; 1: deu, aac, mono; 2: fra, aac, mono)"
    assert told == [("tracks", f"{tracks}; track 0 is heard")]
    assert moment(samples, 1.0) == pytest.approx(1.0, abs=0.15)
    for track in (1, 2):
        assert moment(read_audio(path, track=track), 1.0) == pytest.approx(1.0 + track, abs=0.15)
    with pytest.raises(AudioError) as caught:
        read_audio(path, track=3)
    assert str(caught.value) == f"{path}: there is no track 3, counted from 0; {tracks}"
    assert main(["transcribe", str(path), "--phones", "--track", "1"]) == 0
    assert "tracks" not in capsys.readouterr().err
    assert main(["transcribe", str(path), "--phones"]) == 0
    assert f"speech-lstm: warning: {path}: {tracks}; track 0 is heard\n" in capsys.readouterr().err


def test_one_bad_packet_costs_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.m4a"
    timed(path, "aac", 16000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 300] = np.random.default_rng(1).bytes(300)
    path.write_bytes(content)
    samples, ((kind, message),) = heard(path)
    assert len(samples) > 5.8 * 16000 and moment(samples, 5.0) == pytest.approx(5.0, abs=0.2)
    assert kind == "damaged" and message.startswith("the audio data is damaged: ")
    assert main(["transcribe", str(path), "--phones", "--format", "jsonl"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert row["duration"] > 5.8 and row["error"] == f"{path}: {message}"


def test_times_that_mean_nothing_make_no_endless_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    timed(path, "libopus", 48000, late=100_000.0)
    assert sum(map(len, read_blocks(path))) == pytest.approx(LENGTH * 16000, abs=2000)


def test_many_channels(tmp_path: Path) -> None:
    """PyAV crashes on more than eight that are apart from each other."""
    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as container:
        sound: Any = container.add_stream("pcm_s16le", rate=16000, layout="hexadecagonal")
        samples = np.repeat((chirp(2.0) * 32767).astype(np.int16), 16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="hexadecagonal")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert moment(read_audio(path, channel=15), 1.0) == pytest.approx(1.0, abs=0.1)
