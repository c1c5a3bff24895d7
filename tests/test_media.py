"""Sound that libsndfile does not know, through PyAV: containers, videos, changes in mid-file, and damage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from speech_lstm.runtime.audio import Samples, read_audio, read_blocks
from speech_lstm.runtime.errors import AudioError

DATA = Path(__file__).parent / "data"
LEFT = read_audio(DATA / "words" / "left_sc-db9d52d2.opus")


def encode(
    path: Path, codec: str, rate: int, layout: str = "mono", samples: Samples = LEFT, video: bool = False
) -> None:
    """16 kHz samples to a file of whatever the suffix says."""
    with av.open(str(path), "w") as container:
        picture: Any = container.add_stream("mpeg4", rate=5) if video else None
        if video:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound: Any = container.add_stream(codec, rate=rate, layout=layout)
        if video:
            for number in range(10):
                grey = np.full((48, 64, 3), 20 * number, np.uint8)
                container.mux(picture.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
            container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray((samples[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        converter = av.AudioResampler(sound.codec_context.format.name, layout, rate)
        for converted in (*converter.resample(frame), *converter.resample(None)):
            container.mux(sound.encode(converted))
        container.mux(sound.encode(None))


def likeness(heard: Samples, said: Samples = LEFT) -> float:
    """Correlation."""
    length = min(len(heard), len(said))
    return float(np.corrcoef(heard[:length], said[:length])[0, 1])


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout", "video"),
    [
        ("a.m4a", "aac", 44100, "mono", False),
        ("a.webm", "libopus", 48000, "stereo", False),
        ("a.mp4", "aac", 48000, "stereo", True),
        ('a "b"\nc\udcff.m4a', "aac", 16000, "mono", False),
    ],
)
def test_sound_of_other_formats(tmp_path: Path, name: str, codec: str, rate: int, layout: str, video: bool) -> None:
    path = tmp_path / f"plain{Path(name).suffix}"
    encode(path, codec, rate, layout, video=video)
    os.rename(path, os.fsencode(tmp_path / name))  # noqa: PTH104
    heard = read_audio(tmp_path / name)
    assert likeness(heard) > 0.98 and len(heard) == pytest.approx(len(LEFT), abs=1600)


def test_a_video_without_sound_has_no_audio(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        picture: Any = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode(None))
    with pytest.raises(AudioError, match="no audio in it"):
        read_audio(tmp_path / "silent.mp4")


def test_a_photo_is_no_audio_whatever_its_name(tmp_path: Path) -> None:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuvj420p"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format="yuvj420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    photo = b"".join(bytes(packet) for packet in packets)
    assert photo.startswith(b"\xff\xd8")
    (tmp_path / "photo.mp3").write_bytes(photo)
    with pytest.raises(AudioError, match="not audio that can be read"):
        read_audio(tmp_path / "photo.mp3")


def test_a_playlist_fetches_no_other_file(tmp_path: Path) -> None:
    encode(tmp_path / "secret.m4a", "aac", 16000)
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.m4a\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile {tmp_path}/secret.m4a\n")
    for name in ("list.m3u8", "list.ffconcat"):
        with pytest.raises(AudioError):
            read_audio(tmp_path / name)


def test_rate_and_channels_may_change_on_the_way(tmp_path: Path) -> None:
    encode(tmp_path / "first.adts", "aac", 44100)
    encode(tmp_path / "second.adts", "aac", 48000, "stereo")
    both = (tmp_path / "first.adts").read_bytes() + (tmp_path / "second.adts").read_bytes()
    (tmp_path / "both.aac").write_bytes(both)
    heard = read_audio(tmp_path / "both.aac")
    assert len(heard) == pytest.approx(2 * len(LEFT), rel=0.15)
    half = len(heard) - len(LEFT) + 1024 * 16000 // 48000
    lags = [likeness(heard[half + lag :]) for lag in range(-2400, 800, 4)]
    assert max(lags) > 0.8


def test_what_precedes_the_damage_is_kept(tmp_path: Path) -> None:
    speech = np.tile(LEFT, 20)
    encode(tmp_path / "whole.webm", "libopus", 48000, samples=speech)
    content = (tmp_path / "whole.webm").read_bytes()
    (tmp_path / "cut.webm").write_bytes(content[: len(content) // 2])
    heard = np.concatenate(list(read_blocks(tmp_path / "cut.webm")))
    assert 0.3 * len(speech) < len(heard) < 0.7 * len(speech) and likeness(heard[: len(LEFT)]) > 0.9


@pytest.mark.parametrize(("offset", "field"), [(20, "format"), (22, "channels"), (24, "rate")])
def test_a_wav_header_with_nonsense(tmp_path: Path, offset: int, field: str) -> None:
    soundfile.write(tmp_path / f"{field}.wav", LEFT, 16000)
    content = bytearray((tmp_path / f"{field}.wav").read_bytes())
    content[offset : offset + 2] = b"\xee\xee" if field == "format" else b"\0\0"
    (tmp_path / f"{field}.wav").write_bytes(content)
    with pytest.raises(AudioError):
        read_audio(tmp_path / f"{field}.wav")
