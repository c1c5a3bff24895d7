"""Pronunciations of the user's own: checked, and read from the files that `speech-lstm wakeword enrol` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import PronunciationError

from .dictionary import Pronunciation
from .text import spoken_words
from .tokens import PHONES

Pronunciations = Mapping[str, str | Sequence[str]] | str | PathLike[str]
"""Word -> phones separated by spaces, for one way to say it or several; or the path of a JSON file with that."""

EXAMPLE = '{"tomato": ["T AH M EY T OW", "T AH M AA T OW"]}'

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def own_pronunciations(given: Pronunciations | None) -> dict[str, tuple[Pronunciation, ...]]:
    """The phones of each word, as `runtime.text` spells it. PronunciationError, for a file with its name and a line."""
    if isinstance(given, str | PathLike):
        entries = _entries_of_file(Path(given))
    elif isinstance(given, Mapping | None):
        entries = ((word, ways, ("",)) for word, ways in (given or {}).items())
    else:
        raise PronunciationError(
            f"pronunciations are {given!r}; expected words with their phones, as in {EXAMPLE}, or the path of a file"
        )
    found: dict[str, tuple[Pronunciation, ...]] = {}
    for word, ways, places in entries:
        spoken = _single_word(word, places[0])
        if spoken in found:
            raise PronunciationError(f"{places[0]}pronunciation of {word!r}: it comes twice; put all ways in one list")
        found[spoken] = _phones(word, [ways] if isinstance(ways, str) else ways, places)
    return found


def read_pronunciations(path: str | PathLike[str]) -> dict[str, tuple[str, ...]]:
    """The same for a file, with the phones of each way separated by spaces."""
    found = own_pronunciations(path)
    return {word: tuple(" ".join(phones) for phones in ways) for word, ways in found.items()}


def _entries_of_file(path: Path) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Words and what is given for them, with the place of the word and of each way to say it, for messages."""
    expected = f"expected what `speech-lstm wakeword enrol` writes, as {EXAMPLE}"
    try:
        text = read_text(path, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise PronunciationError(f"{path}: not UTF-8 ({error.reason}); {expected}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PronunciationError(f"{path}: cannot read the pronunciations: {reason}") from None
    try:
        entries = json.loads(text, object_pairs_hook=tuple)
    except json.JSONDecodeError as error:
        raise PronunciationError(f"{path}, line {error.lineno}: not valid JSON ({error.msg}); {expected}") from None
    except (RecursionError, ValueError) as error:
        raise PronunciationError(f"{path}: not valid JSON ({error}); {expected}") from None
    if not isinstance(entries, tuple):
        raise PronunciationError(f"{path}, line 1: {type(entries).__name__} is not a word with its phones; {expected}")
    strings = [(json.loads(found[0], strict=False), found.start()) for found in _STRING.finditer(text)]
    at = 0
    for word, ways in entries:
        places = []
        for string in (word, *([ways] if isinstance(ways, str) else ways if isinstance(ways, list) else ())):
            if isinstance(string, str):
                at = next((i for i in range(at, len(strings)) if strings[i][0] == string), at)
                places.append(f"{path}, line {text.count(chr(10), 0, strings[at][1]) + 1}: ")
                at += 1
            else:
                places.append(places[-1])
        yield word, ways, tuple(places)


def _single_word(text: object, place: str) -> str:
    if not isinstance(text, str):
        raise PronunciationError(f"{place}a pronunciation belongs to a word, and {text!r} is none")
    words = spoken_words(text)
    if len(words) != 1:
        spelt = text.isupper() and len(spoken_words(text.lower())) == 1
        advice = f"; write {text.lower()!r} here and in the grammar for a word of your own" if spelt else ""
        raise PronunciationError(
            f"{place}a pronunciation belongs to one spoken word, and {text!r} is said as {' '.join(words)!r}{advice}"
        )
    return words[0]


def _phones(word: str, ways: object, places: tuple[str, ...]) -> tuple[Pronunciation, ...]:
    """Of all ways to say a word. places: of the word, and of each way where they differ."""
    if not isinstance(ways, Sequence) or not all(isinstance(way, str) for way in ways):
        raise PronunciationError(f"{places[0]}pronunciation of {word!r}: {ways!r}; expected words with their phones")
    found = []
    for number, way in enumerate(ways, 1):
        place = places[min(number, len(places) - 1)]
        phones = tuple(phone.rstrip("012") for phone in way.upper().split())
        unknown = [phone for phone in phones if phone not in PHONES]
        if unknown:
            raise PronunciationError(
                f"{place}pronunciation of {word!r}: {unknown[0]!r} is not a phone; the phones are {' '.join(PHONES)}"
            )
        if not phones:
            raise PronunciationError(f"{place}pronunciation of {word!r}: it is empty")
        found.append(phones)
    if not found:
        raise PronunciationError(f"{places[0]}pronunciation of {word!r}: it is empty")
    return tuple(dict.fromkeys(found))
