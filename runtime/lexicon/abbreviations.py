"""Abbreviations: which are written for a whole word, which are spelt, and which have a way to be said of their own."""

from .dictionary import dictionary_pronunciations

LONGEST_SPELT = 5
"""Capitals that are more letters than this are a word."""

SPELT = frozenset(("ar", "co", "ct", "ev", "io", "la", "led", "mo", "os", "pa", "ups"))
"""Spelt when they are written in capitals, though the dictionary has a word of these letters."""

SAID: dict[str, tuple[str, ...]] = {
    "faq": ("F AE K", "EH F EY K Y UW"),
    "hvac": ("EY CH V AE K", "EY CH V IY EY S IY"),
    "jpeg": ("JH EY P EH G",),
    "mpeg": ("EH M P EH G",),
    "nas": ("N AE S", "EH N EY EH S"),
    "oled": ("OW L EH D", "OW EH L IY D IY"),
    "wlan": ("W IY L AE N", "D AH B AH L Y UW L AE N"),
}
"""Not in the dictionary, and neither spelt nor said as they are written; phones as the user writes them."""

TITLES = {
    "mr": "mister", "mrs": "missus", "ms": "ms", "dr": "doctor", "st": "saint", "prof": "professor",
    "sgt": "sergeant", "capt": "captain", "lt": "lieutenant", "jr": "junior", "sr": "senior",
    "vs": "versus", "etc": "et cetera", "approx": "approximately", "apt": "apartment", "dept": "department",
}  # fmt: skip
"""Written for these words with a full stop after them, with a capital or without."""

CAPITAL_TITLES = {
    "Col": "colonel", "Ft": "fort", "Gen": "general", "Gov": "governor", "Hon": "honorable", "Maj": "major",
    "Mt": "mount", "Rep": "representative", "Rev": "reverend", "Sen": "senator", "Bros": "brothers", "Co": "company",
    "Corp": "corporation", "Vol": "volume", "Mon": "monday", "Tue": "tuesday", "Tues": "tuesday", "Wed": "wednesday",
    "Thu": "thursday", "Thurs": "thursday", "Fri": "friday",
}  # fmt: skip
"""The same with a capital only, since "rev." may end a sentence."""

MONTHS = {
    "Jan": "january", "Feb": "february", "Mar": "march", "Apr": "april", "Jun": "june", "Jul": "july", "Aug": "august",
    "Sep": "september", "Sept": "september", "Oct": "october", "Nov": "november", "Dec": "december",
}  # fmt: skip
"""The same, and without a full stop where a number follows."""

STREETS = {
    "st": "street", "dr": "drive", "ave": "avenue", "blvd": "boulevard", "rd": "road", "hwy": "highway",
    "pkwy": "parkway", "ln": "lane", "ct": "court", "pl": "place", "sq": "square",
}  # fmt: skip
"""Street names end in these; "st." and "dr." are titles where a name follows."""

UNITS = {
    "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "yd": "yard", "yds": "yard", "kg": "kilogram",
    "lb": "pound", "lbs": "pound", "oz": "ounce", "ml": "milliliter", "kw": "kilowatt", "kwh": "kilowatt hour",
    "hz": "hertz", "khz": "kilo hertz", "mhz": "megahertz", "ghz": "giga hertz", "kb": "kilobyte", "mb": "megabyte",
    "gb": "gigabyte", "tb": "terabyte", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute",
    "sec": "second", "secs": "second", "km/h": "kilometer per hour", "kph": "kilometer per hour",
    "mph": "mile per hour", "m/s": "meter per second", "km²": "square kilometer", "m²": "square meter",
    "cm²": "square centimeter", "m³": "cubic meter", "cm³": "cubic centimeter", "ft": "foot", "ft²": "square foot",
    "db": "decibel", "mg": "milligram",
    "tbsp": "tablespoon", "tsp": "teaspoon", "yr": "year", "yrs": "year", "W": "watt", "V": "volt",
}  # fmt: skip
"""After a number; the two single letters in capitals only."""

_ONSETS = """
bl br ch chl chr cl cr cz dr dw fj fl fr gh gl gn gr gw hy kh kl kn kr kw ll mc ph phr pl pr ps qu rh sc sch scr sh shr
sk sl sm sn sp sph spl spr sq squ st str sv sw th thr tr ts tw vl vr wh wr xy zh zw
"""
_POSSIBLE = frozenset(_ONSETS.split())
_VOWELS = "aeiouy"


ROMAN = {
    "ii": "two", "iii": "three", "iv": "four", "vi": "six", "vii": "seven", "viii": "eight", "ix": "nine",
    "xi": "eleven", "xii": "twelve", "xiii": "thirteen", "xiv": "fourteen", "xv": "fifteen", "xvi": "sixteen",
    "xvii": "seventeen", "xviii": "eighteen", "xix": "nineteen", "xx": "twenty",
}  # fmt: skip
"""Numerals in capitals."""


def is_spelt(word: str, shouted: bool = False) -> bool:
    """Whether a word, here in small letters, that was written in capitals is read letter by letter: HDMI is, ON is not.

    shouted: all words around it are in capitals too.
    """
    if word in SPELT and not shouted:
        return True
    if word in SAID or dictionary_pronunciations(word):
        return False
    return len(word) <= 3 or (len(word) <= LONGEST_SPELT and looks_spelt(word))


def looks_spelt(word: str) -> bool:
    """Whether no English word begins like these lower-case letters, or they have no vowel."""
    onset = word[: next((at for at, letter in enumerate(word) if letter in _VOWELS), len(word))]
    return len(onset) == len(word) or (len(onset) > 1 and onset not in _POSSIBLE)
