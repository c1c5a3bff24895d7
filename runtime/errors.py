"""What can go wrong for a user of the package; every message says what was given and what was expected."""


class SpeechLstmError(Exception):
    """Base of all errors that this package raises on purpose."""


class AudioError(SpeechLstmError):
    """Audio that cannot be used: unreadable file, no samples, NaN, wrong shape or type."""


class ModelError(SpeechLstmError):
    """A model file that is missing, damaged, foreign or made for another version of this package."""


class GrammarError(SpeechLstmError):
    """Phrases or templates that cannot be compiled."""


class PronunciationError(SpeechLstmError):
    """A word that no phones can be found for, or an override that is not made of known phones."""


class OptionError(SpeechLstmError, ValueError):
    """An option of the wrong type or outside its range."""


class WakeWordWarning(UserWarning):
    """A wake word that will be missed often or heard in other speech. Not an error."""


class DeviceError(SpeechLstmError):
    """A device (CUDA, a microphone) that was asked for and is not there."""
