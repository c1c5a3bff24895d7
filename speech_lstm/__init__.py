"""Speech commands on the device: a recurrent acoustic model, phrases written as text, a light ONNX runtime.

>>> import speech_lstm as sl
>>> recognizer = sl.Recognizer(grammar=["turn on the light", "turn off the light"])   # doctest: +SKIP
>>> recognizer.recognize(sl.read_audio("clip.wav"), sample_rate=16000).text            # doctest: +SKIP

The public names live in `speech_lstm.runtime` and are looked up there on first use, so that importing
`speech_lstm` costs nothing and training code can use its submodules without the runtime.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Nothing leaves the device. ONNX Runtime 1.29 and later makes a device id in the home folder and reports its use to its
# maker, unless this is set before it is imported. Processes that are started from here inherit it.
TELEMETRY_OFF = os.environ.get("ORT_DISABLE_TELEMETRY") == "1" or "onnxruntime" not in sys.modules
"""Whether ONNX Runtime was told so in time."""
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
if not TELEMETRY_OFF:
    sys.modules["onnxruntime"].disable_telemetry_events()
    warnings.warn(
        "onnxruntime was imported before speech_lstm, so it may have reported its use to its maker: import speech_lstm "
        "first, or set ORT_DISABLE_TELEMETRY=1",
        RuntimeWarning,
        stacklevel=2,
    )

__version__ = "0.1.0"

if TYPE_CHECKING:
    from speech_lstm.runtime import (
        Alternative,
        Assistant,
        AudioDropped,
        AudioError,
        AudioWarning,
        Command,
        DeviceError,
        Enrolment,
        Event,
        FreeTranscriber,
        Grammar,
        GrammarError,
        Lexicon,
        Microphone,
        MicrophoneBack,
        MicrophoneLost,
        MicrophoneOptions,
        MicrophoneSilent,
        Model,
        ModelError,
        MultiStream,
        OptionError,
        Partial,
        PronunciationError,
        Recognizer,
        RecognizerOptions,
        Rejected,
        Result,
        SessionOptions,
        Slot,
        SpeechLstmError,
        SpeechStarted,
        State,
        Stream,
        Timeout,
        WakeWord,
        WakeWordWarning,
        Word,
        enrol,
        read_audio,
    )

__all__ = [
    "Alternative",
    "Assistant",
    "AudioDropped",
    "AudioError",
    "AudioWarning",
    "Command",
    "DeviceError",
    "Enrolment",
    "Event",
    "FreeTranscriber",
    "Grammar",
    "GrammarError",
    "Lexicon",
    "Microphone",
    "MicrophoneBack",
    "MicrophoneLost",
    "MicrophoneOptions",
    "MicrophoneSilent",
    "Model",
    "ModelError",
    "MultiStream",
    "OptionError",
    "Partial",
    "PronunciationError",
    "Recognizer",
    "RecognizerOptions",
    "Rejected",
    "Result",
    "SessionOptions",
    "Slot",
    "SpeechLstmError",
    "SpeechStarted",
    "State",
    "Stream",
    "Timeout",
    "WakeWord",
    "WakeWordWarning",
    "Word",
    "__version__",
    "enrol",
    "read_audio",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'speech_lstm' has no attribute {name!r}")
    value = getattr(import_module("speech_lstm.runtime"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
