"""Audio in, commands out: the light runtime. Needs numpy, onnxruntime and the standard library at import time.

The public names are looked up in their modules on first use, so that the error classes alone cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speech_lstm.runtime.audio.files import read_audio
    from speech_lstm.runtime.audio.microphone import Microphone, MicrophoneOptions
    from speech_lstm.runtime.errors import (
        AudioError,
        DeviceError,
        GrammarError,
        ModelError,
        OptionError,
        PronunciationError,
        SpeechLstmError,
        WakeWordWarning,
    )
    from speech_lstm.runtime.free.transcriber import FreeTranscriber
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.lexicon.lexicon import Lexicon
    from speech_lstm.runtime.live.assistant import Assistant
    from speech_lstm.runtime.live.multistream import MultiStream
    from speech_lstm.runtime.live.recognizer import Recognizer
    from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
    from speech_lstm.runtime.live.session_options import SessionOptions
    from speech_lstm.runtime.live.state import State
    from speech_lstm.runtime.live.stream import Stream
    from speech_lstm.runtime.model.model import Model
    from speech_lstm.runtime.results import (
        Alternative,
        AudioDropped,
        AudioWarning,
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
    from speech_lstm.runtime.wake.enrolment import Enrolment, enrol

_MODULE_OF = {
    "Alternative": "results",
    "Assistant": "live.assistant",
    "AudioDropped": "results",
    "AudioError": "errors",
    "AudioWarning": "results",
    "Command": "results",
    "DeviceError": "errors",
    "Enrolment": "wake.enrolment",
    "Event": "results",
    "FreeTranscriber": "free.transcriber",
    "Grammar": "grammar",
    "GrammarError": "errors",
    "Lexicon": "lexicon.lexicon",
    "Microphone": "audio.microphone",
    "MicrophoneBack": "results",
    "MicrophoneLost": "results",
    "MicrophoneOptions": "audio.microphone",
    "MicrophoneSilent": "results",
    "Model": "model.model",
    "ModelError": "errors",
    "MultiStream": "live.multistream",
    "OptionError": "errors",
    "Partial": "results",
    "PronunciationError": "errors",
    "Recognizer": "live.recognizer",
    "RecognizerOptions": "live.recognizer_options",
    "Rejected": "results",
    "Result": "results",
    "SessionOptions": "live.session_options",
    "Slot": "results",
    "SpeechLstmError": "errors",
    "SpeechStarted": "results",
    "State": "live.state",
    "Stream": "live.stream",
    "Timeout": "results",
    "WakeWord": "results",
    "WakeWordWarning": "errors",
    "Word": "results",
    "enrol": "wake.enrolment",
    "read_audio": "audio.files",
}

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
