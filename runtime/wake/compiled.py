"""Wake words that were compiled into a grammar file: no lexicon and no negatives are needed any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from speech_lstm.runtime.decoding.free_speech import free_speech_of

from .options import WakeWordOptions
from .phone_chains import PhoneChains
from .wakeword import WakeWordDetector


class WakePhrase(NamedTuple):
    """A phrase that a detector waits for. `wake_word`: as it was written, a template perhaps; `threshold`: lowest score
    per phone of a detection; `ways`: the tokens of each way to say it.
    """

    wake_word: str
    text: str
    threshold: float
    ways: Sequence[Sequence[int]]


class CompiledDetector(WakeWordDetector):
    """The same detector from its phrases."""

    def __init__(
        self, phrases: Sequence[WakePhrase], tokens: tuple[str, ...], frame_seconds: float, options: WakeWordOptions
    ) -> None:
        self.options = options
        self.wake_words = {}
        for phrase in phrases:
            self.wake_words[phrase.wake_word] = (*self.wake_words.get(phrase.wake_word, ()), phrase.text)
        self.phrases = tuple(phrase.text for phrase in phrases)
        self.free_speech = free_speech_of(tokens)
        self.chains = PhoneChains.of_ways([phrase.ways for phrase in phrases], len(tokens), self.free_speech)
        self.curves = {}
        self.thresholds = {phrase.text: phrase.threshold for phrase in phrases}
        self._count_frames(frame_seconds)


def phrases_of_detector(detector: WakeWordDetector) -> list[WakePhrase]:
    """What `CompiledDetector` takes; a phrase that two wake words stand for belongs to the first."""
    wake_word_of: dict[str, str] = {}
    for wake_word, phrases in detector.wake_words.items():
        for phrase in phrases:
            wake_word_of.setdefault(phrase, wake_word)
    return [
        WakePhrase(wake_word_of[phrase], phrase, detector.thresholds[phrase], detector.chains.ways(number))
        for number, phrase in enumerate(detector.phrases)
    ]
