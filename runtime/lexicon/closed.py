"""The lexicon of a model that hears whole words: a word is said with one token, itself."""

from __future__ import annotations

from collections.abc import Sequence

from speech_lstm.runtime.errors import GrammarError, PronunciationError

from .lexicon import Lexicon
from .own import Pronunciations
from .tokens import UNKNOWN


class ClosedLexicon:
    """The words of a model, as `Lexicon` has those of English."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = {word: ((word,),) for word in words}

    def __repr__(self) -> str:
        return f"<ClosedLexicon: {len(self._words)} words>"

    def pronunciations(self, word: str) -> tuple[tuple[str], ...]:
        """The word itself. GrammarError for one that the model does not know."""
        found = self._words.get(word.lower())
        if found is None:
            known = ", ".join(self._words)
            raise GrammarError(f"the model does not know the word {word!r}; it hears these and no others: {known}")
        return found

    def is_guessed(self, word: str) -> bool:
        """Never: it is known, or is an error."""
        return False


def hears_words(tokens: Sequence[str]) -> bool:
    """Whether tokens are words, of a closed set, and not phones."""
    return tokens[-1] == UNKNOWN


def lexicon_for(tokens: Sequence[str], pronunciations: Pronunciations | None = None) -> Lexicon | ClosedLexicon:
    """What says how words are said in the tokens of a model. PronunciationError for pronunciations that it has not."""
    if not hears_words(tokens):
        return Lexicon(pronunciations)
    if pronunciations is not None:
        raise PronunciationError("the model hears whole words, whose pronunciations cannot be given")
    return ClosedLexicon(tokens[1:-1])
