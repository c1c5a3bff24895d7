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
from speech_lstm.runtime.audio.pipes import live_blocks
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


def chunk(name: bytes, content: bytes, size: int | None = None, padding: bytes = b"\0") -> bytes:
    """size: what is written instead of the right one."""
    filling = padding if len(content) % 2 else b""
    return name + struct.pack("<I", len(content) if size is None else size) + content + filling


def form(rate: int = 16000, bits: int = 16) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, rate * bits // 8, bits // 8, bits))


DATA = chunk(b"data", PCM)
BYTES = (SOUND[:15999] * 127 + 128).astype("u1").tobytes()
NOTES = chunk(b"LIST", b"INFOISFT\x04\0\0\0abcd")
ODD_NOTES = chunk(b"LIST", b"INFOabc", padding=b"")
SEVERAL: dict[str, tuple[float, bytes]] = {
    "two": (2, form() + DATA + DATA),
    "three": (3, form() + DATA + DATA + DATA),
    "with notes between": (2, form() + DATA + NOTES + DATA),
    "with odd notes between that nothing fills up": (2, form() + DATA + ODD_NOTES + DATA),
    "after odd notes that nothing fills up": (1, form() + ODD_NOTES + DATA),
    "the first empty": (1, form() + chunk(b"data", b"") + DATA),
    "the last empty": (1, form() + DATA + chunk(b"data", b"")),
    "an odd one": (2, form(bits=8) + chunk(b"data", BYTES) + chunk(b"data", BYTES)),
    "an odd one that nothing fills up": (2, form(bits=8) + chunk(b"data", BYTES, padding=b"") + chunk(b"data", BYTES)),
    "half a sample too much": (2, form() + chunk(b"data", PCM + b"\1") + DATA),
    "at another rate": (3, form() + DATA + form(8000) + DATA),
    "the second cut": (2, form() + DATA + chunk(b"data", PCM, 2 * len(PCM))),
    "the second of no known size": (2, form() + DATA + chunk(b"data", PCM, 0xFFFFFFFF)),
    "the second with size 0": (2, form() + DATA + chunk(b"data", PCM, 0)),
    "the second wrongly short": (2, form() + DATA + chunk(b"data", PCM, 3200)),
    "two files": (2, form() + DATA + b"RIFF\0\0\0\0WAVE" + form() + DATA),
    "files with another rate": (3, form() + DATA + NOTES + b"RIFF\0\0\0\0WAVE" + form(8000) + DATA),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_each_chunk_of_sound_is_heard(tmp_path: Path, name: str) -> None:
    """From a file and from a pipe; libsndfile hears none or the first, FFmpeg the last."""
    seconds, chunks = SEVERAL[name]
    last = SOUND[: 15999 if name.startswith("an odd one") else 16000]
    content = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
    samples, told = heard(tmp_path, content)
    live = list(live_blocks(io.BytesIO(content)))
    told += [block for block in live if isinstance(block, AudioWarning)]
    piped = np.concatenate([block for block in live if not isinstance(block, AudioWarning)])
    for sound in (samples, piped):
        assert len(sound) == pytest.approx(seconds * 16000, abs=10)
        assert np.abs(sound[-8000:]).max() == pytest.approx(0.3, abs=0.05), "no header is heard as noise"
        if seconds == 2:
            np.testing.assert_allclose(sound[-15000:], last[-15000:], atol=0.02)
    if name == "the second cut":
        assert [(warning.kind, warning.message) for warning in told] == 2 * [
            ("damaged", "the sound ends at 2.0 s of 3.0 s")
        ]
    else:
        assert not told


def test_many_small_chunks_of_sound_end_soon(tmp_path: Path) -> None:
    chunks = form() + b"".join(chunk(b"data", PCM[at : at + 2]) for at in range(0, len(PCM), 2))
    samples, told = heard(tmp_path, b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    np.testing.assert_allclose(samples[:-1], SOUND[:-1], atol=1e-3)
    assert not told


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
