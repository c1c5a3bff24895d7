"""Reading, converting and resampling audio: every format, every rate, and each kind of bad input."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speech_lstm.runtime.audio import (
    SAMPLE_RATE,
    StreamResampler,
    pcm_to_float,
    read_audio,
    read_blocks,
    resample,
)
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

DATA = Path(__file__).parent / "data"
CLIP = DATA / "sentences" / "it_was_the_old_cv1-002611.opus"


def tone(rate: int, seconds: float = 1.0, hertz: float = 440.0, level: float = 0.5) -> NDArray[np.float32]:
    """float32 [n]: a sine."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def pitch(samples: NDArray[np.float32]) -> float:
    """Hertz of the strongest bin of the spectrum of a 16 kHz signal."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * SAMPLE_RATE / len(samples))


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.wav", {"subtype": "PCM_16"}, 1e-3),
        ("a.wav", {"subtype": "PCM_24"}, 1e-3),
        ("a.wav", {"subtype": "FLOAT"}, 1e-3),
        ("a.wav", {"subtype": "ULAW"}, 0.05),
        ("a.flac", {}, 1e-3),
        ("a.ogg", {"subtype": "VORBIS"}, 0.05),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, 0.05),
        ("a.mp3", {}, 0.05),
    ],
)
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_every_format_and_rate_gives_16_khz_mono(
    tmp_path: Path, name: str, options: dict[str, str], tolerance: float, rate: int
) -> None:
    path = tmp_path / name
    soundfile.write(path, tone(rate), rate, **options)
    samples = read_audio(path)
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) - SAMPLE_RATE) <= 0.1 * SAMPLE_RATE  # MP3 pads to whole frames
    assert pitch(samples) == pytest.approx(440, abs=2)
    middle = samples[4000:12000]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=tolerance + 0.01)


@pytest.mark.parametrize("rate", [11025, 22050, 44100, 96000])
def test_odd_rates_keep_length_and_pitch(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate), rate)
    samples = read_audio(tmp_path / "a.wav")
    assert abs(len(samples) - SAMPLE_RATE) <= 1
    assert pitch(samples) == pytest.approx(440, abs=2)


def test_channels_are_averaged_or_picked(tmp_path: Path) -> None:
    left, right = tone(SAMPLE_RATE, hertz=300), tone(SAMPLE_RATE, hertz=2000)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), (left + right) / 2, atol=1e-6)
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav", channel=0), left)
    np.testing.assert_array_equal(read_audio(str(tmp_path / "a.wav"), channel=1), right)
    for channel in (2, -1):
        with pytest.raises(AudioError, match=rf"no channel {channel}; it has 2"):
            read_audio(tmp_path / "a.wav", channel=channel)


def test_every_test_recording_can_be_read() -> None:
    clips = sorted(DATA.rglob("*.opus"))
    assert len(clips) == len((DATA / "manifest.jsonl").read_text().splitlines()) == 41
    for clip in clips:
        samples = read_audio(clip)
        assert 0.5 < len(samples) / SAMPLE_RATE < 6
        assert np.abs(samples).max() > 0.01


def test_blocks_join_to_the_whole_file(tmp_path: Path) -> None:
    speech = np.tile(read_audio(CLIP), 3)
    soundfile.write(tmp_path / "long.wav", np.repeat(speech, 3)[::2], 24000, subtype="FLOAT")
    blocks = list(read_blocks(tmp_path / "long.wav", block_seconds=0.37))
    assert len(blocks) > 20
    np.testing.assert_array_equal(np.concatenate(blocks), read_audio(tmp_path / "long.wav"))


@settings(max_examples=25, deadline=None)
@given(rate=st.sampled_from([8000, 11025, 16000, 44100, 48000]), cuts=st.lists(st.integers(0, 9000), max_size=8))
def test_stream_resampler_equals_the_whole_signal_for_any_cutting(rate: int, cuts: list[int]) -> None:
    signal = np.random.default_rng(3).standard_normal(9000).astype(np.float32) * np.float32(0.1)
    resampler = StreamResampler(rate)
    pieces = np.split(signal, sorted(cuts))
    joined = np.concatenate([*(resampler.accept(piece) for piece in pieces), resampler.finish()])
    np.testing.assert_allclose(joined, resample(signal, rate), atol=1e-5)


@pytest.mark.parametrize("rate", [0, -1, 100, 10_000_000, float("nan")])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(AudioError, match="expected 4000 to 768000 Hz"):
        StreamResampler(rate)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([-32768, 0, 16384], np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 2**30], np.int32), [-1, 0.5]),
        (np.array([0.25], np.float64), [0.25]),
        (np.array([[0.25], [0.5]], np.float32), [0.25, 0.5]),
        (np.zeros(0, np.int16), []),
    ],
)
def test_pcm_is_scaled_to_float32(samples: NDArray[np.generic], expected: list[float]) -> None:
    converted = pcm_to_float(samples)
    assert converted.dtype == np.float32 and converted.tolist() == expected


def test_pcm_that_is_fine_is_not_copied() -> None:
    samples = np.zeros(4, np.float32)
    assert pcm_to_float(samples) is samples


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([0, np.nan, 0], np.float32), "sample 1 is nan"),
        (np.array([0, 0, np.inf], np.float64), "sample 2 is inf"),
        (np.zeros((100, 2), np.float32), r"shape \[100, 2\]; expected one channel"),
        (np.float32(0.5), r"shape \[\]"),
        (np.zeros(4, np.uint8), "samples are uint8"),
        (np.zeros(4, np.int64), "samples are int64"),
        (np.zeros(4, np.complex64), "samples are complex64"),
        (b"\0\0\0", "3 bytes, an odd number"),
        (np.array([0, 12000], np.float32), r"reach 12000; expected -1\.\.1"),
    ],
)
def test_pcm_that_is_no_mono_signal_is_refused(samples: object, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        pcm_to_float(samples)


def test_bad_files_say_what_is_wrong(tmp_path: Path) -> None:
    def message(path: str | Path) -> str:
        with pytest.raises(AudioError) as caught:
            read_audio(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    assert "no such file" in message(tmp_path / "missing.wav")
    assert "https://host/a.wav is an address" in message("https://host/a.wav")
    assert "is a directory" in message(tmp_path)
    (tmp_path / "empty.wav").touch()
    assert "empty (0 bytes)" in message(tmp_path / "empty.wav")
    for name in ("text.wav", "text.mp3", "text.flac", "text.opus", "text.raw"):
        (tmp_path / name).write_text("turn on the light\n" * 100)
        assert "not audio that can be read" in message(tmp_path / name)
    soundfile.write(tmp_path / "header.wav", np.zeros(0, np.float32), SAMPLE_RATE)
    assert "no samples" in message(tmp_path / "header.wav")
    signal = tone(SAMPLE_RATE, seconds=2)
    signal[20_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", signal, SAMPLE_RATE, subtype="FLOAT")
    assert "sample 20000 is nan" in message(tmp_path / "nan.wav")
    soundfile.write(tmp_path / "whole.flac", tone(SAMPLE_RATE), SAMPLE_RATE)
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    told: list[AudioWarning] = []
    assert len(read_audio(tmp_path / "cut.flac", report=told.append)) and "damaged" in str(told[0])
    soundfile.write(tmp_path / "slow.wav", tone(1000), 1000)
    assert "sample rate is 1000 Hz" in message(tmp_path / "slow.wav")


def test_a_bad_sample_late_in_a_long_file_is_named_by_its_place(tmp_path: Path) -> None:
    signal = tone(SAMPLE_RATE, seconds=3)
    signal[40_000] = np.inf
    soundfile.write(tmp_path / "a.wav", signal, SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="sample 40000 is inf"):
        list(read_blocks(tmp_path / "a.wav", block_seconds=1))
