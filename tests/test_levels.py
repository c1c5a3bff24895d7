"""Sound that is very quiet, clipped, inverted or scaled for another type: heard right, or told once."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import speech_lstm as sl
from speech_lstm.batch import ListenerOptions, transcribe
from speech_lstm.runtime.audio import Samples, pcm_to_float, read_audio, read_blocks
from speech_lstm.runtime.audio.channels import Downmix
from speech_lstm.runtime.audio.levels import MOST_GAIN, TARGET, ClipMeter, lifted

WORDS = sorted((Path(__file__).parent / "data" / "words").glob("*.opus"))
CLIPS = [(path.name.split("_")[0], read_audio(path)) for path in WORDS]


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    return sl.Recognizer(Path(__file__).parent / "data" / "words.txt", device="cpu")


def scaled(clip: Samples, peak: float) -> Samples:
    return clip * np.float32(peak / np.abs(clip).max())


def commands(events: list[sl.Event]) -> list[str]:
    return [event.result.text for event in events if isinstance(event, sl.Command)]


@pytest.mark.parametrize("decibels", [-30, -40, -46, -54])
def test_quiet_words_are_recognised_as_well_as_loud_ones(recognizer: sl.Recognizer, decibels: float) -> None:
    peak = 10 ** (decibels / 20)
    right = sum(recognizer.recognize(clip).text == said for said, clip in CLIPS)
    quiet = [np.round(scaled(clip, peak) * 32767).astype(np.int16) for _, clip in CLIPS]
    assert (
        sum(recognizer.recognize(clip).text == said for clip, (said, _) in zip(quiet, CLIPS, strict=True)) >= right - 2
    )
    in_streams = 0
    for clip, (said, _) in zip(quiet, CLIPS, strict=True):
        stream = recognizer.stream()
        in_streams += said in commands([*stream.accept(clip), *stream.finish()])
    assert in_streams >= 0.7 * right


def test_quiet_files_are_recognised(tmp_path: Path) -> None:
    said, clip = CLIPS[0]
    soundfile.write(tmp_path / "clip.flac", scaled(clip, 0.004), 16000)
    long = np.concatenate([np.pad(scaled(other, 0.004), (0, 16000)) for _, other in CLIPS[:8]])
    soundfile.write(tmp_path / "long.flac", long, 16000)
    grammar = [word for word, _ in CLIPS]
    short, whole = transcribe(tmp_path, ListenerOptions(grammar, device="cpu"), jobs=1)
    assert short.results[0].text == said and short.results[0].accepted and not short.warnings
    assert len({result.text for result in whole.results} & set(grammar[:8])) >= 6


def test_how_much_a_clip_is_lifted() -> None:
    for peak, expected in ((0.8, 0.8), (TARGET, TARGET), (0.01, TARGET), (0.0001, 0.0001 * MOST_GAIN)):
        assert np.abs(lifted(scaled(CLIPS[0][1], peak))).max() == pytest.approx(expected, rel=0.3)
    assert not lifted(np.zeros(100, np.float32)).any()
    offset = lifted(np.full(100, 0.5, np.float32))
    assert np.array_equal(offset, np.full(100, 0.5, np.float32))


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("channels", [2, 4])
def test_inverted_channels_are_turned_round(noise: float, channels: int) -> None:
    clip = CLIPS[3][1]
    random = np.random.default_rng(0)
    block = np.stack([clip if number % 2 == 0 else -clip for number in range(channels)], axis=1)
    block = (block + noise * random.standard_normal(block.shape)).astype(np.float32)
    for size in (len(block), 320):
        downmix = Downmix(channels)
        heard = np.concatenate([downmix.accept(block[at : at + size]) for at in range(0, len(block), size)])
        assert downmix.inverted
        alike = abs(np.corrcoef(heard[4000:], clip[4000:])[0, 1])
        assert alike > 0.98 and np.abs(heard).max() > 0.8 * np.abs(clip).max()


def test_different_channels_are_averaged() -> None:
    block = np.stack([CLIPS[0][1][:9000], CLIPS[1][1][:9000]], axis=1)
    downmix = Downmix(2)
    assert np.array_equal(downmix.accept(block), block.mean(axis=1)) and not downmix.inverted


def test_an_inverted_file_is_told_and_heard(tmp_path: Path) -> None:
    said, clip = CLIPS[2]
    soundfile.write(tmp_path / "a.wav", np.stack([clip, -clip], axis=1), 16000)
    (transcript,) = transcribe(tmp_path, ListenerOptions([word for word, _ in CLIPS], device="cpu"), jobs=1)
    assert transcript.results[0].text == said and transcript.error is None
    assert transcript.warnings == ("one channel is the inverse of another; it was turned round",)
    assert transcript.to_dict()["warnings"] == list(transcript.warnings)


def test_int32_that_holds_int16(recognizer: sl.Recognizer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    said, clip = CLIPS[0]
    small = np.round(clip * 32767).astype(np.int32)
    assert np.abs(pcm_to_float(small) - clip).max() < 1e-4
    assert recognizer.recognize(small).text == said
    assert caplog.messages == ["the samples have 32 bits and the values of 16; they were taken for these"]
    stream = recognizer.stream()
    events = [*stream.accept(small[:5000]), *stream.accept(small[5000:]), *stream.finish()]
    assert commands(events) == [said]
    assert [event.kind for event in events if isinstance(event, sl.AudioWarning)] == ["scale"]
    told: list[sl.AudioWarning] = []
    soundfile.write(tmp_path / "a.wav", small, 16000, subtype="PCM_32")
    assert np.abs(read_audio(tmp_path / "a.wav", report=told.append) - clip).max() < 1e-4
    assert [warning.kind for warning in told] == ["scale"]


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_files_of_floats_that_hold_int16(tmp_path: Path, subtype: str) -> None:
    """As SciPy writes an array of them. Faint noise before the words is of the same scale."""
    clip = np.concatenate([np.tile(np.array([1, -2, 0], np.float32), 20000) / 32768, CLIPS[0][1]])
    told: list[sl.AudioWarning] = []
    soundfile.write(tmp_path / "a.wav", np.round(clip * 32768), 16000, subtype=subtype)
    blocks = list(read_blocks(tmp_path / "a.wav", block_seconds=1, report=told.append))
    assert np.abs(np.concatenate(blocks) - clip).max() < 1e-4
    assert [warning.kind for warning in told] == ["scale"]


@pytest.mark.parametrize(
    "samples",
    [
        np.array([2**31 - 1, 5, -70000], np.int32),
        np.array([256, -512, 1024], np.int32),  # dither of 24 bits
        np.zeros(100, np.int32),
    ],
)
def test_int32_that_is_int32(samples: NDArray[np.int32]) -> None:
    np.testing.assert_allclose(pcm_to_float(samples), samples / 2**31)


def test_a_stream_of_int32_finds_out_what_it_is(recognizer: sl.Recognizer) -> None:
    """Faint noise may look like int16; louder sound shows that it is not."""
    said, clip = CLIPS[0]
    real = np.round(clip.astype(np.float64) * (2**31 - 1)).astype(np.int32)
    stream = recognizer.stream()
    faint = np.random.default_rng(0).integers(-900, 900, 16000).astype(np.int32)
    events = [*stream.accept(faint), *stream.accept(real), *stream.accept(np.zeros(8000, np.int32)), *stream.finish()]
    assert said in commands(events)


def test_clipping_is_told_once(recognizer: sl.Recognizer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = np.clip(scaled(np.tile(CLIPS[0][1], 4), 8.0), -1, 1)
    recognizer.recognize(clip)
    assert caplog.messages == ["the sound is clipped: record it more quietly"]
    stream = recognizer.stream(48000)
    events = [event for piece in np.array_split(np.repeat(clip, 3), 50) for event in stream.accept(piece)]
    events += stream.finish()
    assert [event.kind for event in events if isinstance(event, sl.AudioWarning)] == ["clipped"]
    soundfile.write(tmp_path / "a.flac", clip, 16000)
    told: list[sl.AudioWarning] = []
    read_audio(tmp_path / "a.flac", report=told.append)
    assert [warning.kind for warning in told] == ["clipped"]


def test_loud_speech_is_not_called_clipped() -> None:
    for _, clip in CLIPS:
        meter = ClipMeter(16000)
        meter.accept(scaled(clip, 1.0))
        meter.finish()
        assert not meter.clipped


def test_what_cannot_be_heard_is_told(recognizer: sl.Recognizer, caplog: pytest.LogCaptureFixture) -> None:
    recognizer.recognize(np.zeros(16000, np.int16))
    recognizer.recognize(scaled(CLIPS[0][1], 1e-4))
    assert caplog.messages == [
        "the sound is silent: all its samples are the same",
        "the sound is too quiet to be heard: its peak is -80 dB of full scale",
    ] or caplog.messages[1].startswith("the sound is too quiet to be heard: its peak is -8")
    assert {(record.name, record.levelno) for record in caplog.records} == {("speech_lstm.audio", logging.WARNING)}
    stream = recognizer.stream()
    events = [event for _ in range(150) for event in stream.accept(np.zeros(1600, np.int16))]
    assert [(event.kind, round(event.time)) for event in events if isinstance(event, sl.AudioWarning)] == [
        ("quiet", 10)
    ]
    assert not stream.finish()


def test_bytes_may_be_cut_anywhere(recognizer: sl.Recognizer) -> None:
    said, clip = CLIPS[0]
    data = np.round(clip * 32767).astype("<i2").tobytes()
    whole, odd = recognizer.stream(), recognizer.stream()
    expected = [*whole.accept(np.frombuffer(data, "<i2")), *whole.finish()]
    events = [event for at in range(0, len(data), 2205) for event in odd.accept(data[at : at + 2205])]
    assert [*events, *odd.finish()] == expected and commands(expected) == [said]
    assert recognizer.recognize(data).text == said == recognizer.recognize(bytearray(data)).text
    with pytest.raises(sl.AudioError, match="odd number"):
        recognizer.recognize(data[:-1])


def test_views_and_the_other_byte_order_are_what_their_type_says(recognizer: sl.Recognizer) -> None:
    said, clip = CLIPS[0]
    whole = (clip * 32767).astype(np.int16)
    for samples in (clip.data, whole.data, whole.astype(">i2"), clip.astype(">f4")):
        assert recognizer.recognize(samples).text == said
        stream = recognizer.stream()
        assert commands([*stream.accept(samples), *stream.finish()]) == [said]
