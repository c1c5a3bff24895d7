"""How words are said: as the user says, else as the CMU dictionary has them and `more_ways`, else as they are spelt."""

from __future__ import annotations

from itertools import islice, product

from speech_lstm.runtime.errors import PronunciationError

from .abbreviations import SAID
from .dictionary import Pronunciation, dictionary_pronunciations
from .g2p import guess
from .more_ways import MORE_WAYS
from .own import Pronunciations, own_pronunciations
from .text import spoken_words

MOST_WAYS = 16
"""To say a word that is read letter by letter."""

_SAID = {word: tuple(tuple(way.split()) for way in ways) for word, ways in SAID.items()}


class Lexicon:
    """Pronunciations of words. Immutable, cheap to make, safe to share between threads.

    `overrides` maps a word to one pronunciation or several, phones separated by spaces; they replace what the
    dictionary has. It may be the path of a JSON file with that, as `speech-lstm wakeword enrol` writes it.

    >>> Lexicon({"tomato": ["T AH M EY T OW", "T AH M AA T OW"], "Siobhan": "SH IH V AO N"})
    <Lexicon: CMU dictionary and 2 words of the user's own>

    Raises PronunciationError for an override that is not one word or not made of the 39 phones (stress marks are
    dropped: AH0 is AH).
    """

    def __init__(self, overrides: Pronunciations | None = None) -> None:
        self._overrides = own_pronunciations(overrides)

    def __repr__(self) -> str:
        words = f"{len(self._overrides)} word{'s' * (len(self._overrides) != 1)}"
        return f"<Lexicon: CMU dictionary and {words} of the user's own>"

    def pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        """Ways to say one word, the likeliest first; at least one. Capitals, digits and letters with accents are read
        as `runtime.text` reads them.

        Raises PronunciationError for a word with characters that English spelling does not use.
        """
        if not isinstance(word, str):
            raise PronunciationError(f"the word is {word!r}; expected a string")
        is_plain = word == word.lower()
        found = self._known(word) or guess(word, self._known) if is_plain else ()
        if not found and (words := spoken_words(word)) and words != (word,) and not (is_plain and " " in word):
            ways = islice(product(*map(self.pronunciations, words)), MOST_WAYS)
            return tuple(dict.fromkeys(tuple(phone for part in way for phone in part) for way in ways))
        if not found:
            short = word if len(word) <= 40 else f"{word[:40]}..."
            raise PronunciationError(
                f"no pronunciation for {short!r}: write it with the letters a-z, or give one, as in "
                f"{{{short!r}: 'HH EH L OW'}} (--pronunciations FILE; in Python pronunciations=)"
            )
        return found

    def is_guessed(self, word: str) -> bool:
        """Whether the word is in neither the overrides nor the dictionary, so that its spelling must do."""
        return not self._known(word)

    def _known(self, word: str) -> tuple[Pronunciation, ...]:
        return self._overrides.get(word) or _SAID.get(word) or dictionary_pronunciations(word) + MORE_WAYS.get(word, ())
