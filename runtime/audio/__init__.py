"""Sound in: PCM, files, pipes, the microphone."""

from speech_lstm.runtime.audio.files import read_audio, read_blocks
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples, StreamResampler, pcm_to_float, resample
from speech_lstm.runtime.audio.report import Report, refuse
from speech_lstm.runtime.audio.source import RawFormat, Source

__all__ = [
    "SAMPLE_RATE",
    "RawFormat",
    "Report",
    "Samples",
    "Source",
    "StreamResampler",
    "pcm_to_float",
    "read_audio",
    "read_blocks",
    "refuse",
    "resample",
]
