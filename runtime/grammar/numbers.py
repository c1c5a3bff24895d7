"""The numbers of a range list, how each is written, and the ways to say it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from speech_lstm.runtime.lexicon.number_words import digit_words, number_words

from .expression import TemplateError
from .fragments import Number
from .source import RangeList

MOST_NUMBERS = 100_000
"""In a range."""


def spoken_numbers(numbers: RangeList) -> Iterator[tuple[Number, int | float]]:
    """Every number in a range and the slot's value for it. Raises TemplateError where there are too many."""
    count = len(range(numbers.start, numbers.stop + 1, numbers.step)) * (1 + len(numbers.fractions))
    if count > MOST_NUMBERS:
        raise TemplateError(
            f"the range from {numbers.start} to {numbers.stop} has {count:,} numbers; at most {MOST_NUMBERS:,} "
            "fit into a grammar: make it smaller or its step larger"
        )
    multiplier = Decimal(str(numbers.multiplier))
    for whole in range(numbers.start, numbers.stop + 1, numbers.step):
        for fraction in (0, *numbers.fractions):
            value = whole if fraction == 0 else float(Decimal(whole) + Decimal(str(fraction)))
            out = Decimal(str(value)) * multiplier  # exact, so that 3 times 0.1 is 0.3
            yield Number(str(value), tuple(wordings(value))), int(out) if out == out.to_integral() else float(out)


def wordings(value: int | float) -> list[tuple[str, ...]]:
    """Ways to say a number: 110 as one hundred ten, one hundred and ten, a hundred ten, a hundred and ten."""
    if value < 0:
        return [(sign, *words) for words in wordings(-value) for sign in ("minus", "negative")]
    whole = int(value)
    if whole == value:
        return _whole_wordings(whole)
    digits = str(value).partition(".")[2]
    found = [(*words, "point", *digit_words(digits)) for words in _whole_wordings(whole)]
    if digits == "5" and whole:
        found += [(*words, "and", "a", "half") for words in _whole_wordings(whole)]
    return [*found, ("one", "half"), ("half",)] if value == 0.5 else found


def _whole_wordings(number: int) -> list[tuple[str, ...]]:
    words = number_words(number)
    found = [words]
    if "hundred" in words[:-1]:
        after = len(words) - words[::-1].index("hundred")
        if after < len(words) and "thousand" not in words[after:]:
            found.append((*words[:after], "and", *words[after:]))
    if words[0] == "one" and words[1:2] in (("hundred",), ("thousand",)):
        found += [("a", *wording[1:]) for wording in found]
    if 1100 <= number < 10_000 and number % 100 == 0 and number % 1000:
        found.append((*number_words(number // 100), "hundred"))
    return found
