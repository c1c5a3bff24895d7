"""Written text to spoken words, under the name that programs import: the rules are in `lexicon.text`."""

from speech_lstm.runtime.lexicon.text import normalise, spoken_words, unsaid

__all__ = ["normalise", "spoken_words", "unsaid"]
