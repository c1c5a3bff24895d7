"""Written text to the words a person says: "It's 21.5°!" -> it's twenty one point five degrees.

English. The words are lower case, of letters and inner apostrophes. Numbers are read as quantities ("1999" is one
thousand nine hundred ninety nine, not a year), digits after a leading zero one by one, "7:30" as a time of day, "3/4"
as a fraction. Capitals are words ("STOP") unless the dictionary lacks them ("HDMI") or has something else ("LED");
then they are read letter by letter, as abbreviations with dots are ("a.m."). Letters of other scripts stay as they
are; the lexicon then says that it cannot pronounce them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .characters import plain
from .readings import MERIDIEM, SCALE, SHORT, TOKEN, UNIT, Spoken, read

LONG = 100
"""Characters of texts that are rare, so that what is asked of them is not remembered."""

_ORDINARY = re.compile(r"[a-z ]*")
_SILENT = frozenset(" .,!?;:'\"()[]{}_-—―“”„«»‹›¿¡‚")
_NOT_SILENT = re.compile(r"(?<=\d)[-:,.](?=\d)|(?<!\S)-(?=\s+\d)")
_INCHES = re.compile(r'(?<=\d)"')
_MAY_FOLLOW_DIGIT = re.compile(rf"[\W\d]|(?:{SHORT}|{MERIDIEM}|{UNIT}|[WV]|{SCALE})", re.IGNORECASE)
_MAY_FOLLOW_SIGN = re.compile(r"[\W\dA-Z]")
_MAY_FOLLOW_WORD = re.compile(rf"(?:{SHORT})\b|\d", re.IGNORECASE)


def spoken_words(text: str) -> tuple[str, ...]:
    """The words of a written text in the order they are said; empty when there is nothing to say."""
    if _ORDINARY.fullmatch(text):
        return tuple(text.split())
    return tuple(said.word for said in spoken(plain(text)))


def normalise(text: str) -> str:
    """The words of a written text, joined by spaces."""
    return " ".join(spoken_words(text))


def spoken(text: str) -> list[Spoken]:
    """The words of a plain text (as `characters.plain` gives it) and where each of them comes from."""
    return [said for match in TOKEN.finditer(text) for said in read(match)]


def unsaid(text: str) -> tuple[str, ...]:
    """Signs of a written text that none of its words is said for, each once; punctuation does not count."""
    text = plain(text)
    left = list(text)
    for match in TOKEN.finditer(text):
        left[match.start() : match.end()] = " " * len(match[0])
    told = {match.start() for match in _NOT_SILENT.finditer(text)}
    if text.count('"') % 2:  # 65" means inches, and "channel 5" nothing
        told |= {match.start() for match in _INCHES.finditer(text)}
    found = (char for at, char in enumerate(left) if not char.isspace() and (char not in _SILENT or at in told))
    return tuple(dict.fromkeys(found))


def may_follow(left: str) -> re.Pattern[str]:
    """What a text must begin with to be read together with one before it; most texts do not."""
    if left[-1:].isdigit():
        return _MAY_FOLLOW_DIGIT
    return _MAY_FOLLOW_WORD if left[-1:].isalpha() else _MAY_FOLLOW_SIGN


def reads_together(left: str, right: str) -> bool:
    """Whether two pieces of plain text with a space between them are said in another way than one after the other."""
    if not may_follow(left).match(right):
        return False
    if len(left) + len(right) > LONG:
        return _reads_together.__wrapped__(left, right)
    return _reads_together(left, right)


@lru_cache(maxsize=20_000)
def _reads_together(left: str, right: str) -> bool:
    return _words(f"{left} {right}") != (*_words_again(left), *_words_again(right))


def _words(text: str) -> tuple[str, ...]:
    """What is said for a plain text."""
    return tuple(said.word for said in spoken(text))


_cached_words = lru_cache(maxsize=1000)(_words)


def _words_again(text: str) -> tuple[str, ...]:
    """The same for a text that comes again and again; they are remembered unless it is long."""
    return (_words if len(text) > LONG else _cached_words)(text)
