"""How words are said: the user's own pronunciations, then the CMU dictionary, then a guess from the spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, product

from speech_lstm.runtime.errors import PronunciationError

from .abbreviations import SAID
from .dictionary import Pronunciation, dictionary_pronunciations
from .g2p import guess
from .text import spoken_words
from .tokens import PHONES

MOST_WAYS = 16
"""To say a word that is read letter by letter."""

_SAID = {word: tuple(tuple(way.split()) for way in ways) for word, ways in SAID.items()}


class Lexicon:
    """Pronunciations of words. Immutable, cheap to make, safe to share between threads.

    `overrides` maps a word to one pronunciation or several, phones separated by spaces; they replace what the
    dictionary has:

    >>> Lexicon({"tomato": ["T AH M EY T OW", "T AH M AA T OW"], "Siobhan": "SH IH V AO N"})
    <Lexicon: CMU dictionary and 2 words of the user's own>

    Raises PronunciationError for an override that is not one word or not made of the 39 phones (stress marks are
    dropped: AH0 is AH).
    """

    def __init__(self, overrides: Mapping[str, str | Sequence[str]] | None = None) -> None:
        self._overrides = {
            _single_word(word): _own_pronunciations(word, [given] if isinstance(given, str) else given)
            for word, given in (overrides or {}).items()
        }

    def __repr__(self) -> str:
        words = f"{len(self._overrides)} word{'s' * (len(self._overrides) != 1)}"
        return f"<Lexicon: CMU dictionary and {words} of the user's own>"

    def pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        """Ways to say one word, the likeliest first; at least one. Capitals are read as `runtime.text` reads them.

        Raises PronunciationError for a word with characters that English spelling does not use.
        """
        if word != word.lower() and (words := spoken_words(word)):
            ways = islice(product(*map(self.pronunciations, words)), MOST_WAYS)
            return tuple(dict.fromkeys(tuple(phone for part in way for phone in part) for way in ways))
        found = self._known(word) or guess(word, self._known)
        if not found:
            raise PronunciationError(
                f"no pronunciation for {word!r}: write it with the letters a-z, or give one, as in "
                f"Lexicon({{{word!r}: 'HH EH L OW'}})"
            )
        return found

    def is_guessed(self, word: str) -> bool:
        """Whether the word is in neither the overrides nor the dictionary, so that its spelling must do."""
        return not self._known(word)

    def _known(self, word: str) -> tuple[Pronunciation, ...]:
        return self._overrides.get(word) or _SAID.get(word) or dictionary_pronunciations(word)


def _single_word(text: str) -> str:
    if not isinstance(text, str):
        raise PronunciationError(f"a pronunciation belongs to a word, and {text!r} is none")
    words = spoken_words(text)
    if len(words) != 1:
        spelt = text.isupper() and len(spoken_words(text.lower())) == 1
        advice = f"; write {text.lower()!r} here and in the grammar for a word of your own" if spelt else ""
        raise PronunciationError(
            f"a pronunciation belongs to one spoken word, and {text!r} is said as {' '.join(words)!r}{advice}"
        )
    return words[0]


def _own_pronunciations(word: str, given: Sequence[str]) -> tuple[Pronunciation, ...]:
    pronunciations = tuple(tuple(phone.rstrip("012") for phone in text.upper().split()) for text in given)
    for phones in pronunciations:
        unknown = [phone for phone in phones if phone not in PHONES]
        if unknown:
            raise PronunciationError(
                f"pronunciation of {word!r}: {unknown[0]!r} is not a phone; the phones are {' '.join(PHONES)}"
            )
    if not all(pronunciations) or not pronunciations:
        raise PronunciationError(f"pronunciation of {word!r}: it is empty")
    return pronunciations
