"""What the tokens of a text are: prices, times, fractions, ranks, abbreviations, words; and how each is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .abbreviations import CAPITAL_TITLES, MONTHS, ROMAN, STREETS, TITLES, UNITS, is_spelt
from .number_words import decade_words, digit_words, fraction_words, number_words, ordinal, quantity_words

CURRENCIES = {
    "$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny"), "¥": ("yen", ""), "₹": ("rupee", "paisa"),
    "¢": ("cent", ""), "₽": ("ruble", ""), "₩": ("won", ""), "₿": ("bitcoin", ""), "₺": ("lira", ""),
    "₱": ("peso", ""), "฿": ("baht", ""),
}  # fmt: skip
"""Sign -> the unit, and a hundredth of it where two digits after the point are read as that."""
SYMBOLS = {
    "%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at", "±": "plus or minus", "×": "times",
    "÷": "divided by", "≈": "about", "~": "about", "§": "section", "²": "squared", "³": "cubed", "♯": "sharp",
    "♭": "flat", "*": "times", "x": "by", "#": "number", "-": "minus", ".": "dot",
}  # fmt: skip
SCALES = {"k": "thousand", "m": "million", "b": "billion", "bn": "billion"}
"""After an amount of money."""
DEGREES = {"c": "celsius", "f": "fahrenheit", "k": "kelvin"}
IRREGULAR = {
    "foot": "feet", "hertz": "hertz", "megahertz": "megahertz", "penny": "pence", "paisa": "paise", "yen": "yen",
    "won": "won", "baht": "baht",
}  # fmt: skip
"""Units whose plural does not end in s."""
CLIPPED = frozenset(("'em", "'til", "'bout", "'cause", "'n"))
"""Words that begin with an apostrophe; any other leading apostrophe is a quotation mark."""

SHORT = "|".join(sorted({*TITLES, *STREETS, *map(str.lower, (*CAPITAL_TITLES, *MONTHS))}, key=len, reverse=True))
UNIT = "|".join(sorted((re.escape(unit) for unit in UNITS if len(unit) > 1), key=len, reverse=True))
MERIDIEM = r"[ap]\.?m\b"
SCALE = r"\s?(?:thousand|million|billion|trillion)\b|(?:bn|[kmb])\b"

_WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
_MIXED = r"(?<![\d.,/])(?:\d+[ -])?\d+/\d+(?!/?\d)"
_AMOUNT = rf"(?:{_MIXED}|{_WHOLE}(?:\.\d+)?|(?<![\w.])\.\d+)"
_MONEY = rf"(?:\d+,\d\d(?!\d)|{_AMOUNT})"
_LETTER = r"[^\W\d_²³]"
_SIGN = f"[{''.join(CURRENCIES)}]"
_ADDRESS = rf"\s+(?:\d+(?:st|nd|rd|th)\b|[A-Z][\w']*\s+(?i:{'|'.join((*STREETS, *STREETS.values()))})\b)"
"""What follows in "123 W Main St" and "500 W 42nd St", where W is west."""

TOKEN = re.compile(
    r"(?-i:(?P<small>(?<![\w'./])[a-z]+(?= |$)))"  # most words, found without trying all that follows
    rf"|(?P<price>(?P<unit>{_SIGN})\s?(?P<debt>-)?(?P<sum>{_MONEY})(?P<scale>{SCALE})?)"
    rf"|(?P<cost>(?P<paid>{_MONEY})\s?(?P<coin>{_SIGN})(?!\s?\d))"
    r"|(?P<time>(?<![\d:.])(?P<hour>[01]?\d|2[0-4])"
    rf"(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![:\d])|\.(?P<minutes>[0-5]\d)(?=\s?{MERIDIEM})))"
    rf"|(?P<degrees>(?:(?P<heat>{_AMOUNT})\s?)?°(?:\s?(?P<scale_of_heat>[CFK])\b)?)"
    rf"|(?P<measure>(?P<size>{_AMOUNT})\s?(?P<of>(?:{UNIT})(?![\w/])|(?-i:[WV]\b(?!'|{_ADDRESS}))))"
    rf"|(?P<fraction>(?P<share>{_MIXED})(?:st|nd|rd|th)?)"
    rf"|(?P<rank>(?P<position>{_WHOLE})(?:st|nd|rd|th)\b)"
    r"|(?P<decade>(?<![\d.,/])(?:(?<!\w)')?(?P<decades>\d+)'?s\b)"
    r"|(?P<hash>(?:#|\b(?:no|nr)\.)(?=\s?\d))"
    rf"|(?P<minus>(?<![\w)%°])-(?={_SIGN}?\.?\d))"
    rf"|(?P<number>{_AMOUNT})"
    rf"|(?P<sign>{_SIGN})"
    r"|(?P<symbol>[%&+=@±×÷²³♯♭§]|[~≈](?=\s?\d)|(?<=\d)\s?[x*]\s?(?=\d)"
    r"|(?<=[^\W\d_])\.(?=(?:com|net|org|edu|gov)\b))"
    rf"|(?P<short>\b(?:{SHORT})\b(?!'\w)\.?)"
    rf"|(?P<initials>(?:\b{_LETTER}\.){{2,}}(?:{_LETTER}\b)?|\b{_LETTER}(?:[./]{_LETTER})+\b)"
    rf"|(?P<word>'?{_LETTER}+(?:'{_LETTER}+)*)",
    re.IGNORECASE,
)
_MIXED_PARTS = re.compile(r"(?:(?P<whole>\d+)[ -])?(?P<numerator>\d+)/(?P<denominator>\d+)")
_DECIMAL_PARTS = re.compile(rf"(?P<whole>{_WHOLE})?(?:[.,](?P<decimals>\d+))?")
_CENTS = re.compile(r"(?P<whole>[\d,]*)[.,](?P<cents>\d\d)")
_CAPITALS = re.compile(r"([A-Z]{2,5})('?s)?")
_NAME_BEFORE = re.compile(r"(?:\b[A-Z][\w']*|\d(?:st|nd|rd|th)?)\.? +$")
_CAPITALS_BEFORE = re.compile(r"\b[A-Z]{2,} +$")
_NAME_AFTER = re.compile(r"\s+[A-Z]")
_NEAR = 40
"""Characters around an abbreviation that decide what it is short for."""


class Spoken(NamedTuple):
    """A word, and the characters of the text that it is said for."""

    word: str
    start: int
    end: int


def read(match: re.Match[str]) -> Iterator[Spoken]:
    """The words of a match of `TOKEN`."""
    assert match.lastgroup is not None
    return _READERS[match.lastgroup](match)


def _say(words: str | Iterable[str], span: tuple[int, int]) -> Iterator[Spoken]:
    return (Spoken(word, *span) for word in (words.split() if isinstance(words, str) else words))


def _amount(text: str, span: tuple[int, int]) -> Iterator[Spoken]:
    """A number, a decimal or a fraction that stands there."""
    mixed = _MIXED_PARTS.fullmatch(text, *span)
    if mixed is None:
        parts = _DECIMAL_PARTS.fullmatch(text, *span)
        assert parts is not None
        if parts["whole"]:
            yield from _say(quantity_words(parts["whole"].replace(",", "")), parts.span("whole"))
        if parts["decimals"]:
            start, end = parts.span("decimals")
            yield from _say("point", (start - 1, start))
            yield from _say(digit_words(parts["decimals"]), (start, end))
        return
    if mixed["whole"]:
        yield from _say(quantity_words(mixed["whole"]), mixed.span("whole"))
    count, name = fraction_words(mixed["numerator"], mixed["denominator"], bool(mixed["whole"]))
    yield from _say(count, mixed.span("numerator"))
    yield from _say(name, mixed.span("denominator"))


def _units(unit: str, amount: str) -> str:
    """A unit as it follows that amount: one (or half a) mile per hour, two miles per hour, five kilowatt hours."""
    if amount == "1" or re.fullmatch(r"\d+/\d+", amount):
        return unit
    noun, per, rest = unit.partition(" per ")
    *front, last = noun.split()
    return " ".join([*front, IRREGULAR.get(last, last + "s")]) + per + rest


def _money(match: re.Match[str], sign: str, amount: str, scale: str = "") -> Iterator[Spoken]:
    """sign, amount: names of the groups. scale: the word for thousands or more."""
    unit, hundredth = CURRENCIES[match[sign]]
    cents = _CENTS.fullmatch(match.string, *match.span(amount)) if hundredth and not scale else None
    if cents is None:
        yield from _amount(match.string, match.span(amount))
        yield from _say(scale, match.span("scale") if scale else match.span())
        yield from _say(_units(unit, "" if scale else match[amount]), match.span(sign))
        return
    for digits, name in (("whole", unit), ("cents", hundredth)):
        number = cents[digits].replace(",", "").lstrip("0")
        if number or (digits == "whole" and not int(cents["cents"])):
            yield from _say(quantity_words(number or "0"), cents.span(digits))
            yield from _say(_units(name, number), match.span(sign))


def _price(match: re.Match[str]) -> Iterator[Spoken]:
    yield from _say("minus" if match["debt"] else "", match.span("debt"))
    scale = (match["scale"] or "").strip().lower()
    yield from _money(match, "unit", "sum", SCALES.get(scale, scale))


def _time(match: re.Match[str]) -> Iterator[Spoken]:
    minute = "minute" if match["minute"] else "minutes"
    hour = int(match["hour"])
    if int(match[minute]):
        yield from _say(number_words(hour), match.span("hour"))
        yield from _sixtieth(match, minute)
    elif hour == 0:
        yield from _say("midnight", match.span())
    else:
        yield from _say(number_words(hour), match.span("hour"))
        if not re.compile(rf"\s?{MERIDIEM}", re.IGNORECASE).match(match.string, match.end()):
            yield from _say("o'clock" if hour <= 12 else "hundred", match.span(minute))
    if int(match["second"] or 0):
        yield from _sixtieth(match, "second")


def _sixtieth(match: re.Match[str], group: str) -> Iterator[Spoken]:
    number = int(match[group])
    return _say(("oh", *number_words(number)) if number < 10 else number_words(number), match.span(group))


def _degrees(match: re.Match[str]) -> Iterator[Spoken]:
    sign = match.start()
    if match["heat"]:
        yield from _amount(match.string, match.span("heat"))
        sign = match.end("heat")
    words = "degree" if match["heat"] == "1" else "degrees"
    scale = DEGREES.get((match["scale_of_heat"] or "").lower(), "")
    yield from _say(f"{words} {scale}", (sign, match.end()))


def _measure(match: re.Match[str]) -> Iterator[Spoken]:
    yield from _amount(match.string, match.span("size"))
    unit = UNITS[match["of"] if len(match["of"]) == 1 else match["of"].lower()]
    yield from _say(_units(unit, match["size"]), match.span("of"))


def _short(match: re.Match[str]) -> Iterator[Spoken]:
    """A title, a street, or a word after all."""
    written = match["short"].removesuffix(".")
    dotted = written != match["short"]
    low = written.lower()
    if not dotted and len(written) > 1 and written.isupper() and not _shouted(match.string):
        shouted_name = low in STREETS and _CAPITALS_BEFORE.search(match.string[: match.start()][-_NEAR:])  # "MAIN ST"
        if not shouted_name:
            return _capitals(match, written)
    before, after = match.string[: match.start()][-_NEAR:], match.string[match.end() :][:_NEAR]
    names = (bool(_NAME_BEFORE.search(before)), bool(_NAME_AFTER.match(after)))
    title = TITLES.get(low) or CAPITAL_TITLES.get(written) or MONTHS.get(written, "")
    dotted = dotted or (written in MONTHS and bool(re.match(r"\s\d", after)))
    if low in STREETS and (dotted or written[0].isupper()):
        if names == (True, False):
            return _say(STREETS[low], match.span())
        if dotted and (not title or (low == "st" and not names[1] and not re.match(r"\s*\w", after))):
            return _say(STREETS[low], match.span())
    return _say(title if dotted and title else low, match.span())


def _word(match: re.Match[str]) -> Iterator[Spoken]:
    return _capitals(match, match["word"])


def _capitals(match: re.Match[str], written: str) -> Iterator[Spoken]:
    """A word, or the letters of one in capitals."""
    capitals = _CAPITALS.fullmatch(written)
    low = written.lower()
    if capitals:
        letters, ending = capitals[1].lower(), capitals[2]
        if letters in ROMAN and not ending:
            return _say(ROMAN[letters], match.span())
        if is_spelt(letters, shouted=_shouted(match.string)):
            return _say((*letters[:-1], letters[-1] + ("'s" if ending else "")), match.span())
    return _say((low if low in CLIPPED else low.lstrip("'"),), match.span())


def _shouted(text: str) -> bool:
    """Whether all of a longer text is in capitals, which then say nothing."""
    return len(text.split(maxsplit=3)) > 2 and text.upper() == text


_READERS: dict[str, Callable[[re.Match[str]], Iterator[Spoken]]] = {
    "small": lambda match: iter((Spoken(match[0], *match.span()),)),
    "price": _price,
    "cost": lambda match: _money(match, "coin", "paid"),
    "time": _time,
    "degrees": _degrees,
    "measure": _measure,
    "fraction": lambda match: _amount(match.string, match.span("share")),
    "rank": lambda match: _say(ordinal(quantity_words(match["position"].replace(",", ""))), match.span()),
    "decade": lambda match: _say(decade_words(match["decades"]), match.span()),
    "hash": lambda match: _say(SYMBOLS["#"], match.span()),
    "minus": lambda match: _say(SYMBOLS["-"], match.span()),
    "number": lambda match: _amount(match.string, match.span()),
    "sign": lambda match: _say(CURRENCIES[match["sign"]][0], match.span()),
    "symbol": lambda match: _say(SYMBOLS[match["symbol"].strip().lower()], match.span()),
    "short": _short,
    "initials": lambda match: _say(re.findall(_LETTER, match["initials"].lower()), match.span()),
    "word": _word,
}
