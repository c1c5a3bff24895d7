"""Sound files of every format that libsndfile and, where it is installed, PyAV can write, read and recognised."""

from __future__ import annotations

import io
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.fuzz.harness import Sample
from speech_lstm.runtime.audio import Samples, read_audio, read_blocks
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.results import AudioWarning

WORD = Path(__file__).parents[2] / "tests" / "data" / "words" / "left_sc-db9d52d2.opus"
RATE = 8000
LONGEST = 30.0
"""Seconds that are recognised; of more, as a wrong time in a container may make, the sound alone is read."""

MEDIA = (
    ("m4a", "ipod", "aac", 16000),
    ("mp4", "mp4", "aac", 16000),
    ("fragmented.mp4", "mp4", "aac", 16000),
    ("mov", "mov", "pcm_s16le", 16000),
    ("3gp", "3gp", "libopencore_amrnb", 8000),
    ("webm", "webm", "libopus", 48000),
    ("mka", "matroska", "flac", 16000),
    ("aac", "adts", "aac", 16000),
    ("ac3", "ac3", "ac3", 32000),
    ("amr", "amr", "libopencore_amrnb", 8000),
    ("wv", "wv", "wavpack", 16000),
    ("tta", "tta", "tta", 16000),
    ("alac.caf", "caf", "alac", 16000),
    ("mp2", "mp2", "mp2", 16000),
    ("avi", "avi", "libmp3lame", 16000),
    ("flv", "flv", "aac", 22050),
    ("ts", "mpegts", "aac", 16000),
    ("flac.oga", "ogg", "flac", 16000),
    ("g722", "g722", "g722", 16000),
    ("nut", "nut", "aac", 16000),
    ("wma", "asf", "wmav2", 16000),
)
"""Suffix, format and encoder of FFmpeg, sample rate."""


def make() -> AudioTarget:
    """For the harness."""
    return AudioTarget()


class AudioTarget:
    """Files go through the reader and what they hold through a recognizer."""

    def __init__(self) -> None:
        self._recognizer = Recognizer(["left", "right"], device="cpu")
        self._folder = tempfile.TemporaryDirectory()

    def samples(self) -> Sequence[Sample]:
        """A word in each format."""
        word = read_audio(WORD)
        sounds = [*_written(word[::2]), *_encoded(word)]
        chains = [Sample(f"joined.{sound.name}", 2 * sound.content) for sound in sounds[:: max(1, len(sounds) // 10)]]
        return [*sounds, *chains]

    def attempt(self, name: str, content: bytes) -> str:
        """Read and recognise."""
        path = Path(self._folder.name, name)
        path.write_bytes(content)
        warnings: list[AudioWarning] = []
        pieces: list[Samples] = []
        seconds = 0.0
        for block in read_blocks(path, report=warnings.append):
            assert block.dtype == np.float32 and block.ndim == 1 and np.isfinite(block).all()
            seconds += len(block) / 16000
            if seconds <= LONGEST:
                pieces.append(block)
        path.unlink()
        if seconds <= LONGEST:
            self._recognizer.recognize(np.concatenate(pieces))
        return "heard, with warnings" if warnings else "heard"


def _written(word: Samples) -> Iterator[Sample]:
    """By libsndfile, at `RATE`, mono and stereo in turn."""
    stereo = itertools.cycle((False, True))
    for kind in soundfile.available_formats():
        for encoding in soundfile.available_subtypes(kind):
            sound = np.stack((word, word), axis=1) if next(stereo) else word
            with io.BytesIO() as file:
                try:
                    soundfile.write(file, sound, RATE, format=kind, subtype=encoding)
                except (soundfile.LibsndfileError, ValueError):  # it can only be read, or only in mono
                    continue
                content = file.getvalue()
            if kind not in ("RAW", "SD2"):  # which say nothing of what they are
                yield Sample(f"{encoding}.{kind.lower()}", content)


def _encoded(word: Samples) -> Iterator[Sample]:
    """By FFmpeg, as far as it is installed and has the encoder."""
    try:
        import av
    except ImportError:
        return
    frame = av.AudioFrame.from_ndarray((word[None] * 32767).astype(np.int16), format="s16", layout="mono")
    for suffix, kind, codec, rate in MEDIA:
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"} if suffix.startswith("frag") else {}
        with io.BytesIO() as file:
            try:
                with av.open(file, "w", format=kind, options=options) as container:
                    track: Any = container.add_stream(codec, rate=rate, layout="mono")
                    frame.sample_rate, frame.pts = 16000, 0
                    form, size = track.codec_context.format.name, track.codec_context.frame_size or 0
                    converter = av.AudioResampler(form, "mono", rate, frame_size=size)
                    for converted in (*converter.resample(frame), *converter.resample(None)):
                        container.mux(track.encode(converted))
                    container.mux(track.encode(None))
                content = file.getvalue()
            except (av.FFmpegError, ValueError):
                continue
        yield Sample(f"word.{suffix}", content)
