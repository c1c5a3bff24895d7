"""Files of recorders that were killed or wrote into a pipe, and encodings in which nothing can be sought."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_lstm.batch import ListenerOptions, transcribe
from speech_lstm.runtime.audio import Samples, read_audio
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

SOUND = (0.3 * np.sin(np.arange(16000) / 5)).astype(np.float32)
PCM = (SOUND * 32767).astype("<i2").tobytes()


def wav(riff: int, data: int, pcm: bytes = PCM, extra: bytes = b"") -> bytes:
    """With these sizes. extra: chunks between the format and the sound."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + form + extra + b"data" + struct.pack("<I", data) + pcm


def heard(tmp_path: Path, content: bytes, name: str = "a.wav") -> tuple[Samples, list[AudioWarning]]:
    """What is read of a file, and what is told."""
    path, told = tmp_path / name, list[AudioWarning]()
    path.write_bytes(content)
    return read_audio(path, report=told.append), told


@pytest.mark.parametrize("riff", [0, 36, 0x7FFFFFFF, 0xFFFFFFFF, len(PCM) + 36, 500])
@pytest.mark.parametrize("data", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF, len(PCM), 3200])
def test_wav_whose_sizes_are_wrong_is_heard_whole(tmp_path: Path, riff: int, data: int) -> None:
    samples, told = heard(tmp_path, wav(riff, data, extra=b"LIST\x04\0\0\0INFO"))
    np.testing.assert_allclose(samples, SOUND, atol=1e-4)
    assert not told


def test_chunks_after_the_sound_are_not_heard(tmp_path: Path) -> None:
    notes = b"LIST" + struct.pack("<I", 6000) + b"INFO" + bytes(5996)
    samples, told = heard(tmp_path, wav(len(PCM) + 36 + 6008, len(PCM), PCM + notes))
    assert len(samples) == 16000 and not told
    samples, _ = heard(tmp_path, wav(len(PCM) + 36, len(PCM), PCM + b"TAG" + bytes(125)))
    assert len(samples) == 16000


def test_an_empty_wav_with_notes_is_empty(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no samples in the file"):
        heard(tmp_path, wav(60, 0, b"LIST\x10\0\0\0INFOISFT\x04\0\0\0abcd"))


@pytest.mark.parametrize("sizes", [(0, 0, 0), (2**64 - 1,) * 3])
def test_rf64_whose_sizes_were_never_written(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16000, format="RF64", subtype="PCM_16")
    content = bytearray(file.getvalue())
    at = content.index(b"ds64") + 8
    content[at : at + 24] = struct.pack("<QQQ", *sizes)
    samples, told = heard(tmp_path, bytes(content))
    assert len(samples) == 16000 and not told


@pytest.mark.parametrize(
    ("kind", "mark", "shift", "form", "values"),
    [
        ("AU", b".snd", 8, ">I", (0, 0xFFFFFFFF)),
        ("CAF", b"data", 4, ">Q", (0, 2**64 - 1)),
        ("W64", b"data", 16, "<Q", (0, 24, 2**64 - 1)),
        ("AIFF", b"FORM", 4, ">I", (0, 0x7FFFFFFF, 0xFFFFFFFF)),
        ("AIFF", b"SSND", 4, ">I", (0, 0x7FFFFFFF, 0xFFFFFFFF)),
        ("AIFF", b"COMM", 10, ">I", (0, 0xFFFFFFFF)),
        ("FLAC", b"fLaC", 22, ">I", (0, 0xFFFFFFFF)),
    ],
)
def test_other_formats_whose_sizes_were_never_written(
    tmp_path: Path, kind: str, mark: bytes, shift: int, form: str, values: tuple[int, ...]
) -> None:
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16000, format=kind, subtype="PCM_16")
    for value in values:
        content = bytearray(file.getvalue())
        at = content.index(mark) + shift
        content[at : at + struct.calcsize(form)] = struct.pack(form, value)
        samples, _ = heard(tmp_path, bytes(content), f"a.{kind.lower()}")
        assert len(samples) == pytest.approx(16000, abs=50), hex(value)


@pytest.mark.parametrize("total", [1, 4000, 11999])
def test_flac_that_says_it_is_shorter_than_it_is(tmp_path: Path, total: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.tile(SOUND, 3), 16000, format="FLAC")
    content = bytearray(file.getvalue())
    content[22:26] = struct.pack(">I", total)
    samples, told = heard(tmp_path, bytes(content), "a.flac")
    assert len(samples) == 48000 and not told


@pytest.mark.parametrize("size", [2, 3200, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_header_that_promises_sound_and_ends_the_file(tmp_path: Path, size: int) -> None:
    with pytest.raises(AudioError, match="no samples in the file"):
        heard(tmp_path, wav(36, size, b""))


def test_every_encoding_of_libsndfile_is_read(tmp_path: Path) -> None:
    """Also those in which it cannot seek: GSM 6.10, G.721, NMS and other ADPCMs, XI."""
    count = 0
    for kind in set(soundfile.available_formats()) - {"RAW"}:
        for encoding in soundfile.available_subtypes(kind):
            path = tmp_path / f"{encoding}.{kind.lower()}"
            try:
                soundfile.write(path, SOUND[::2], 8000, format=kind, subtype=encoding)
                with soundfile.SoundFile(path) as file:
                    rate = file.samplerate  # XI has but one
            except (soundfile.LibsndfileError, ValueError):  # it is only read, or only for other rates
                continue
            if not encoding.startswith("DWVW"):  # which this libsndfile writes and cannot read
                count += 1
                assert len(read_audio(path)) == pytest.approx(8000 * 16000 / rate, abs=1200), path.name
    assert count > 80


def test_a_batch_hears_them_and_goes_on_after_one_that_it_cannot(tmp_path: Path) -> None:
    for kind, encoding in (("WAV", "GSM610"), ("WAV", "G721_32"), ("AU", "G723_24"), ("WAV", "NMS_ADPCM_32")):
        soundfile.write(tmp_path / f"{encoding}.wav", SOUND[::2], 8000, format=kind, subtype=encoding)
    (tmp_path / "Z.wav").write_bytes(b"RIFF" + bytes(40))
    transcripts = list(transcribe(tmp_path, ListenerOptions(["left"], device="cpu"), jobs=1))
    assert [transcript.error is None for transcript in transcripts] == [True] * 4 + [False]
    assert all(transcript.duration > 0.95 for transcript in transcripts[:4])
