"""Audio in, commands out: the light runtime. Needs numpy, onnxruntime and the standard library at import time.

The public names are looked up in their modules on first use, so that the error classes alone cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech_lstm.runtime.assistant import Assistant
    from speech_lstm.runtime.audio import read_audio
    from speech_lstm.runtime.enrolment import Enrolment, enrol
    from speech_lstm.runtime.errors import (
        AudioError,
        DeviceError,
        GrammarError,
        ModelError,
        PronunciationError,
        SpeechLstmError,
    )
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon import Lexicon
    from speech_lstm.runtime.microphone import Microphone, MicrophoneOptions
    from speech_lstm.runtime.model import Model
    from speech_lstm.runtime.multistream import MultiStream
    from speech_lstm.runtime.recognizer import Recognizer, RecognizerOptions
    from speech_lstm.runtime.results import (
        Alternative,
        AudioDropped,
        Command,
        Event,
        MicrophoneBack,
        MicrophoneLost,
        MicrophoneSilent,
        Partial,
        Rejected,
        Result,
        Slot,
        SpeechStarted,
        Timeout,
        WakeWord,
        Word,
    )
    from speech_lstm.runtime.session import SessionOptions, State
    from speech_lstm.runtime.stream import Stream

_MODULE_OF = {
    "Alternative": "results",
    "Assistant": "assistant",
    "AudioDropped": "results",
    "AudioError": "errors",
    "Command": "results",
    "DeviceError": "errors",
    "Enrolment": "enrolment",
    "Event": "results",
    "Grammar": "grammar",
    "GrammarError": "errors",
    "Lexicon": "lexicon",
    "Microphone": "microphone",
    "MicrophoneBack": "results",
    "MicrophoneLost": "results",
    "MicrophoneOptions": "microphone",
    "MicrophoneSilent": "results",
    "Model": "model",
    "ModelError": "errors",
    "MultiStream": "multistream",
    "Partial": "results",
    "PronunciationError": "errors",
    "Recognizer": "recognizer",
    "RecognizerOptions": "recognizer",
    "Rejected": "results",
    "Result": "results",
    "SessionOptions": "session",
    "Slot": "results",
    "SpeechLstmError": "errors",
    "SpeechStarted": "results",
    "State": "session",
    "Stream": "stream",
    "Timeout": "results",
    "WakeWord": "results",
    "Word": "results",
    "enrol": "enrolment",
    "read_audio": "audio",
}

__all__ = [
    "Alternative",
    "Assistant",
    "AudioDropped",
    "AudioError",
    "Command",
    "DeviceError",
    "Enrolment",
    "Event",
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
    "Word",
    "enrol",
    "read_audio",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
