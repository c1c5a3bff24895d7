"""Written text to the words a person says: "It's 21.5°!" -> it's twenty one point five degrees.

English. The words are lower case, of letters and inner apostrophes. Numbers are read as quantities ("1999" is one
thousand nine hundred ninety nine, not a year), digits after a leading zero one by one, "7:30" as a time of day.
Abbreviations are read letter by letter only where dots say so ("L.E.D.", "a.m."), as capitals alone do not
("STOP"). Letters of other scripts stay as they are; the lexicon then says that it cannot pronounce them.
"""

import re
import unicodedata
from collections.abc import Iterator

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
LARGEST = 10**15
"""Whole numbers from here on are read digit by digit."""

IRREGULAR_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
CURRENCIES = {"$": "dollar", "€": "euro", "£": "pound"}
SYMBOLS = {
    "%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at", "°C": "degrees celsius",
    "°F": "degrees fahrenheit", "°": "degrees", "½": "one half", "¼": "one quarter", "¾": "three quarters",
}  # fmt: skip
TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "vs": "versus", "etc": "et cetera"}
CLIPPED = frozenset(("'em", "'til", "'bout", "'cause", "'n"))
"""Words that begin with an apostrophe; any other leading apostrophe is a quotation mark."""

_UNDECOMPOSED = str.maketrans({
    "’": "'", "‘": "'", "ʼ": "'", "`": "'", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "−": "-",
})  # fmt: skip
_TOKEN = re.compile(
    r"(?P<money>[$€£])(?P<amount>\d[\d,]*)(?:\.(?P<cents>\d\d)(?!\d))?"
    r"|(?P<hour>\b[012]?\d):(?P<minute>[0-5]\d)\b"
    r"|(?P<ordinal>\d[\d,]*)(?:st|nd|rd|th)\b"
    r"|#(?=\d)(?P<hash>)"
    r"|(?P<half>(?<!\d)1/2(?!\d))"
    r"|(?:(?<![\w)])(?P<minus>-))?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<fraction>\d+))?"
    r"|(?P<symbol>°\s?[CF]\b|[%&+=@°½¼¾])"
    r"|(?P<title>\b(?:mrs?|dr|st|vs|etc))\."
    r"|(?P<initials>(?:\b[^\W\d_]\.){2,}(?:[^\W\d_]\b)?|\b[^\W\d_](?:\.[^\W\d_])+\b)"
    r"|(?P<word>'?[^\W\d_]+(?:'[^\W\d_]+)*)",
    re.IGNORECASE,
)


def spoken_words(text: str) -> tuple[str, ...]:
    """The words of a written text in the order they are said; empty when there is nothing to say."""
    return tuple(_words(_without_accents(text)))


def normalise(text: str) -> str:
    """The words of a written text, joined by spaces."""
    return " ".join(spoken_words(text))


def number_words(number: int) -> tuple[str, ...]:
    """A whole number as a quantity: 121 -> one hundred twenty one, -5 -> minus five."""
    if number < 0:
        return ("minus", *number_words(-number))
    if number < 20:
        return (ONES[number],)
    if number < 100:
        tens, ones = divmod(number, 10)
        return (TENS[tens], ONES[ones]) if ones else (TENS[tens],)
    if number >= LARGEST:
        return digit_words(str(number))
    size, name = next(scale for scale in SCALES if number >= scale[0])
    many, rest = divmod(number, size)
    return (*number_words(many), name, *(number_words(rest) if rest else ()))


def digit_words(digits: str) -> tuple[str, ...]:
    """Digits one by one: "007" -> zero zero seven."""
    return tuple(ONES[int(digit)] for digit in digits)


def ordinal_words(number: int) -> tuple[str, ...]:
    """A rank: 21 -> twenty first."""
    *front, last = number_words(number)
    if last in IRREGULAR_ORDINALS:
        return (*front, IRREGULAR_ORDINALS[last])
    return (*front, last[:-1] + "ieth" if last.endswith("y") else last.removesuffix("t") + "th")


def _without_accents(text: str) -> str:
    text = text.translate(_UNDECOMPOSED)
    for fraction in "½¼¾":
        text = text.replace(fraction, f" {fraction} ")
    decomposed = "".join(
        char if char in "½¼¾°" else unicodedata.normalize("NFKD", char) for char in unicodedata.normalize("NFC", text)
    )
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _words(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if match["money"]:
            yield from _money_words(match["money"], match["amount"], match["cents"])
        elif match["hour"]:
            yield from _time_words(int(match["hour"]), int(match["minute"]))
        elif match["ordinal"]:
            yield from ordinal_words(int(match["ordinal"].replace(",", "")))
        elif match["whole"]:
            if match["minus"]:
                yield "minus"
            yield from _quantity_words(match["whole"], match["fraction"])
        elif kind == "hash":
            yield "number"
        elif kind == "half":
            yield from ("one", "half")
        elif kind == "symbol":
            yield from SYMBOLS[re.sub(r"\s", "", match["symbol"]).upper()].split()
        elif kind == "title":
            yield from TITLES[match["title"].lower()].split()
        elif kind == "initials":
            yield from match["initials"].replace(".", "").lower()
        else:
            word = match["word"].lower()
            yield word if word in CLIPPED else word.lstrip("'")


def _quantity_words(whole: str, fraction: str | None) -> Iterator[str]:
    if len(whole) > 1 and whole[0] == "0":
        yield from digit_words(whole)
    else:
        yield from number_words(int(whole.replace(",", "")))
    if fraction:
        yield "point"
        yield from digit_words(fraction)


def _time_words(hour: int, minute: int) -> Iterator[str]:
    yield from number_words(hour)
    if minute == 0:
        yield "o'clock"
    elif minute < 10:
        yield from ("oh", ONES[minute])
    else:
        yield from number_words(minute)


def _money_words(sign: str, amount: str, cents: str | None) -> Iterator[str]:
    for number, unit in ((int(amount.replace(",", "")), CURRENCIES[sign]), (int(cents or 0), "cent")):
        if number or (unit != "cent" and not int(cents or 0)):
            yield from number_words(number)
            yield unit if number == 1 else unit + "s"
