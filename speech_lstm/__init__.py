"""Speech commands on the device: a recurrent acoustic model, phrases written as text, a light ONNX runtime.

>>> import speech_lstm as sl
>>> recognizer = sl.Recognizer(grammar=["turn on the light", "turn off the light"])   # doctest: +SKIP
>>> recognizer.recognize(sl.read_audio("clip.wav"), sample_rate=16000).text            # doctest: +SKIP

The public names live in `speech_lstm.runtime` and are looked up there on first use, so that importing
`speech_lstm` costs nothing and training code can use its submodules without the runtime.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from speech_lstm.runtime.audio import read_audio
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
    from speech_lstm.runtime.model import Model
    from speech_lstm.runtime.recognizer import Recognizer
    from speech_lstm.runtime.results import (
        Alternative,
        Command,
        Partial,
        Rejected,
        Result,
        Slot,
        SpeechStarted,
        Timeout,
        WakeWord,
        Word,
    )
    from speech_lstm.runtime.stream import Stream

_MODULE_OF = {
    "Alternative": "results",
    "AudioError": "errors",
    "Command": "results",
    "DeviceError": "errors",
    "Grammar": "grammar",
    "GrammarError": "errors",
    "Lexicon": "lexicon",
    "Model": "model",
    "ModelError": "errors",
    "Partial": "results",
    "PronunciationError": "errors",
    "Recognizer": "recognizer",
    "Rejected": "results",
    "Result": "results",
    "Slot": "results",
    "SpeechLstmError": "errors",
    "SpeechStarted": "results",
    "Stream": "stream",
    "Timeout": "results",
    "WakeWord": "results",
    "Word": "results",
    "read_audio": "audio",
}

__all__ = [
    "Alternative",
    "AudioError",
    "Command",
    "DeviceError",
    "Grammar",
    "GrammarError",
    "Lexicon",
    "Model",
    "ModelError",
    "Partial",
    "PronunciationError",
    "Recognizer",
    "Rejected",
    "Result",
    "Slot",
    "SpeechLstmError",
    "SpeechStarted",
    "Stream",
    "Timeout",
    "WakeWord",
    "Word",
    "__version__",
    "read_audio",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'speech_lstm' has no attribute {name!r}")
    value = getattr(import_module(f"speech_lstm.runtime.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
