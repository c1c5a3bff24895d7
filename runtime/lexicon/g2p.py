"""Pronunciations of words outside the dictionary: endings with an apostrophe, initialisms, else from the spelling.

A word that begins as none does ("hdmi") may be either, so it gets both.

Phone error on dictionary words that were held out, where the rule fits: possessives 0.6 % (2.0 % from the spelling).
Rules for other things (compounds of two known words, -s, -ed, -ing, -ly) did worse than the spelling model on the same
words, so there are none. `speech_lstm.assets.g2p_training` has the measurements of that model.
"""

from collections.abc import Callable

from .abbreviations import LONGEST_SPELT, SAID, looks_spelt
from .dictionary import Pronunciation, decode
from .joint_ngram import joint_ngram

Lookup = Callable[[str], tuple[Pronunciation, ...]]
"""The known pronunciations of a word, none when it is unknown."""

SECOND_GUESS = 0.2
"""A second pronunciation is given when it is at least this likely relative to the first."""

ENDINGS: dict[str, Pronunciation] = {"'ll": ("AH", "L"), "'ve": ("AH", "V"), "'d": ("D",), "'re": ("ER",)}

MOST_APOSTROPHES = 4
"""Of a word: "o'clock's", "who'd've"."""

_SIBILANTS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
_VOICELESS = frozenset(("P", "T", "K", "F", "TH"))
_VOWELS = frozenset("aeiouy")


def guess(word: str, lookup: Lookup) -> tuple[Pronunciation, ...]:
    """Ways to say a lower-case word that `lookup` does not have, one or two; none when its letters are not a-z."""
    if word.count("'") > MOST_APOSTROPHES:
        return ()
    stem, apostrophe, ending = word.rpartition("'")
    if apostrophe and stem and (ending == "s" or f"'{ending}" in ENDINGS):
        stems = lookup(stem) or guess(stem, lookup)
        return tuple((*phones, *(ENDINGS.get(f"'{ending}") or plural(phones))) for phones in stems[:2])
    initials = _initialism(word, lookup) or _initialisms(word, lookup)
    if initials or not joint_ngram().covers(word):
        return initials
    best = joint_ngram().best(word)[:2]
    said = tuple(decode(code) for code, probability in best if code and probability >= SECOND_GUESS * best[0][1])
    if len(word) <= LONGEST_SPELT and word.isascii() and word.isalpha() and looks_spelt(word):
        return (*said[:1], _spelt(word, lookup))
    return said


def plural(phones: Pronunciation) -> Pronunciation:
    """What the ending of a plural or possessive adds: a syllable after a hiss, S after a voiceless phone, else Z."""
    if phones[-1] in _SIBILANTS:
        return ("IH", "Z")
    return ("S",) if phones[-1] in _VOICELESS else ("Z",)


def _initialism(word: str, lookup: Lookup) -> tuple[Pronunciation, ...]:
    """Short words without a vowel letter, said letter by letter: "tv" is T IY V IY, "tvs" that with Z or with EH S."""
    if not 2 <= len(word) <= LONGEST_SPELT or not word.isascii() or not word.isalpha() or _VOWELS & set(word):
        return ()
    spelt = _spelt(word, lookup)
    if word[-1] != "s" or len(word) < 3:
        return (spelt,)
    singular = _spelt(word[:-1], lookup)
    return (spelt, (*singular, *plural(singular)))


def _initialisms(word: str, lookup: Lookup) -> tuple[Pronunciation, ...]:
    """Several of an initialism that is known, as "cpus"."""
    singular = word[:-1]
    if word[-1:] != "s" or not 2 <= len(singular) <= LONGEST_SPELT or not (singular.isascii() and singular.isalpha()):
        return ()
    if singular not in SAID and _spelt(singular, lookup) not in lookup(singular):
        return ()
    return tuple((*phones, *plural(phones)) for phones in lookup(singular)[:2])


def _spelt(word: str, lookup: Lookup) -> Pronunciation:
    return tuple(phone for letter in word for phone in lookup(letter)[-1])  # the second way to say "a" is its name
