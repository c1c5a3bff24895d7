"""Characters that look different and are said alike become one, so that `text` has few to know."""

import re
import unicodedata

_SAME = {
    **dict.fromkeys("’‘ʼ`´‛ʻʽʹˈꞌ՚＇", "'"),
    **dict.fromkeys("−‐‑‒–﹣－", "-"),
    **dict.fromkeys("™®©℠℗", ""),  # trade marks, which nobody says
    **dict.fromkeys("\u00ad\u20e3\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", ""),  # characters without width
    **dict.fromkeys("˚∘", "°"),
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "№": "#", "\u200b": " ", "\u2044": "/",
}  # fmt: skip
_TABLE = str.maketrans(_SAME)
_KEPT = frozenset("°²³")
"""Signs whose decomposition says something else: ² would be the digit 2."""

_PRIME = re.compile(r"(?<=[^\W\d_])′(?=[^\W\d_])")
_FAR_MINUS = re.compile(r"−\s+(?=[\d.])")
_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3}(?!\d))")
_NUMERO = re.compile(r"\b[Nn][º°](?=\s?\d)")


def plain(text: str) -> str:
    """Text without accents and with one character for each sign: "don´t" -> don't, "⅓" -> 1/3, "₂" -> 2."""
    if text.isascii():
        return text.replace("`", "'")
    text = _THOUSANDS.sub(",", text)
    text = _NUMERO.sub("#", _PRIME.sub("'", _FAR_MINUS.sub("-", text))).replace("º", "°").translate(_TABLE)
    decomposed: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char in _KEPT:
            decomposed.append(char)
            continue
        parts = unicodedata.normalize("NFKD", char)
        if "\u2044" in parts:
            numerator, _, denominator = parts.partition("\u2044")
            before = " " if not decomposed or decomposed[-1][-1:].isdigit() else ""  # what is before a text is unknown
            decomposed.append(f"{before}{numerator}/{denominator}" + (" " if denominator else ""))
        else:
            decomposed.append("".join(part for part in parts if not unicodedata.combining(part)))
    return "".join(decomposed)
