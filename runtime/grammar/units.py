"""Text that is read as one: fragments, numbers and marks in it become words with the marks at their places."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from speech_lstm.runtime.lexicon.number_words import ordinal
from speech_lstm.runtime.lexicon.readings import Spoken
from speech_lstm.runtime.lexicon.text import spoken

from .fragments import Label, Mark, Number

Unit = tuple[str | Number | Mark, ...]
"""Fragments one after the other; spaces between them are among the strings."""
Labels = tuple[Label, ...]
"""Words and marks."""

_TWO_DIGITS = re.compile(r"\d:$|[$€£]\s?\d+\.$")
"""After this a number below ten is written with a zero before it: "7:05"."""

_spoken = lru_cache(maxsize=1000)(spoken)


def written(unit: Unit) -> str:
    """The text of a unit."""
    text = ""
    for part in unit:
        if isinstance(part, Number):
            text += _digits(part, text)
        elif isinstance(part, str):
            text += part
    return text


def _digits(number: Number, before: str) -> str:
    return f"0{number.written}" if len(number.written) == 1 and _TWO_DIGITS.search(before) else number.written


def said(unit: Unit) -> list[Labels]:
    """The ways to say a unit, the usual one first: words, and each mark before or after the words it belongs to."""
    if len(unit) == 1 and isinstance(unit[0], str):
        return [tuple(word for word, _, _ in _spoken(unit[0]))]
    parts = [part for part in unit if not isinstance(part, Mark)]
    if len(parts) == 1 and isinstance(number := parts[0], Number):
        at = unit.index(number)
        return [(*unit[:at], *wording, *unit[at + 1 :]) for wording in number.wordings]
    text = ""
    numbers: list[tuple[Number, int, int]] = []
    marks: list[tuple[Mark, int]] = []
    for part in unit:
        if isinstance(part, Mark):
            marks.append((part, len(text)))
            continue
        start = len(text)
        text += _digits(part, text) if isinstance(part, Number) else part
        if isinstance(part, Number):
            numbers.append((part, start, len(text)))
    words = _spoken(text) if len(numbers) < 1 else spoken(text)
    places = _places(marks, words)
    groups = _alternatives(numbers, words)
    found = []
    for choice in product(*(ways for _, _, ways in groups)):
        labels: list[Label] = [mark for mark, at, after in places if at < 0 and not after]
        for (first, last, _), way in zip(groups, choice, strict=True):
            labels += [mark for mark, at, after in places if not after and first <= at <= last]
            labels += way
            labels += [mark for mark, at, after in places if after and first <= at <= last]
        labels += [mark for mark, at, after in places if at < 0 and after]
        found.append(tuple(labels))
    return list(dict.fromkeys(found))


def _places(marks: Sequence[tuple[Mark, int]], words: Sequence[Spoken]) -> list[tuple[Mark, int, bool]]:
    """Each mark with the word that it stands at, by number, and whether after it; -1 where there are no words."""
    found = []
    for number, (mark, at) in enumerate(marks):
        start, end = -math.inf, math.inf
        if mark.begins:
            start = at
            end = next((stop for other, stop in marks[number:] if other.slot == mark.slot and not other.begins), end)
        elif mark.intent is None:
            end = at
            begun = [place for other, place in marks[:number] if other.slot == mark.slot and other.begins]
            start = begun[-1] if begun else start
        after = not mark.begins and mark.intent is None
        inside = [i for i, word in enumerate(words) if word.start < end and word.end > start]
        if not inside:  # nothing is said for the value, as for the zero minutes of 7:00 pm
            inside = [max((i for i, word in enumerate(words) if word.end <= start), default=0 if words else -1)]
        found.append((mark, inside[-1] if after else inside[0], after))
    return found


def _alternatives(
    numbers: Sequence[tuple[Number, int, int]], words: Sequence[Spoken]
) -> list[tuple[int, int, list[tuple[str, ...]]]]:
    """First and last word, and the ways to say them: of the numbers all, of any other word one."""
    groups: list[tuple[int, int, list[tuple[str, ...]]]] = []
    begins = {}
    for number, start, end in numbers:
        inside = [i for i, word in enumerate(words) if word.start < end and word.end > start]
        usual = tuple(words[i].word for i in inside)
        if not inside or inside[-1] - inside[0] >= len(inside):
            continue
        if usual == number.wordings[0]:
            begins[inside[0]] = (inside[-1], list(number.wordings))
        elif usual == ordinal(number.wordings[0]):
            ranks = [ordinal(wording[wording[0] == "a" :]) for wording in number.wordings]  # the hundredth
            begins[inside[0]] = (inside[-1], ranks)
    at = 0
    while at < len(words):
        last, ways = begins.get(at, (at, [(words[at].word,)]))
        groups.append((at, last, ways))
        at = last + 1
    return groups
