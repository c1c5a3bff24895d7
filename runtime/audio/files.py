"""Sound files and pipes to what a model hears: float32, mono, 16 kHz, -1..1.

All that can be heard is heard, at the times that the file gives it; what is wrong with it is reported.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from speech_lstm.runtime.audio.pcm import Samples
from speech_lstm.runtime.audio.recording import ReadOptions, Recording
from speech_lstm.runtime.audio.report import Report, to_log
from speech_lstm.runtime.audio.source import RawFormat, Source, opened
from speech_lstm.runtime.errors import AudioError


def read_audio(
    source: Source,
    channel: int | None = None,
    *,
    track: int | None = None,
    raw: RawFormat | None = None,
    report: Report | None = None,
) -> Samples:
    """A whole audio file as float32 [n], 16 kHz: WAV, FLAC, Ogg Vorbis, Opus, MP3, whatever else libsndfile reads, and
    with PyAV what FFmpeg does.

    source: its path, that of a pipe, or a file that is open for reading bytes. channel, track, raw: see `ReadOptions`.
    report: is told about damage, clipping and so on; by default that is logged as a warning.
    Raises AudioError when nothing can be heard: the file is missing, empty, not audio, without samples; and where a
    sample is NaN or infinite.
    """
    return np.concatenate(list(read_blocks(source, channel, track=track, raw=raw, report=report)))


def read_blocks(
    source: Source,
    channel: int | None = None,
    block_seconds: float = 30.0,
    *,
    track: int | None = None,
    raw: RawFormat | None = None,
    report: Report | None = None,
) -> Iterator[Samples]:
    """The same as `read_audio` in pieces of at most block_seconds, and less for many channels at a high rate, so that
    hours of audio need little memory.
    """
    options = ReadOptions(channel, track, raw, block_seconds)
    with opened(source) as file:
        recording = Recording(file, options)
        try:
            yield from recording.blocks()
        except AudioError as error:
            raise AudioError(f"{file.name}: {error}") from None
        for warning in recording.warnings():
            (report or to_log(file.name))(warning)
