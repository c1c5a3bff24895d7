"""Numbers as English says them, each a tuple of lower-case words."""

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
LARGEST = 10**15
"""Whole numbers from here on are read digit by digit."""
LARGEST_DENOMINATOR = 1000
"""Fractions with a larger one are read as "one over two thousand"."""

IRREGULAR_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
PARTS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
"""Denominators that have words of their own: for one part and for several."""
IDIOMS = frozenset((("24", "7"), ("9", "11")))
"""Written like fractions, and said as two numbers."""

Words = tuple[str, ...]


def number_words(number: int) -> Words:
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


def digit_words(digits: str) -> Words:
    """Digits one by one: "007" -> zero zero seven."""
    return tuple(ONES[int(digit)] for digit in digits)


def quantity_words(digits: str) -> Words:
    """Digits as a quantity; one by one after a leading zero and where there are very many of them."""
    if len(digits) > 15 or (len(digits) > 1 and int(digits[0]) == 0):
        return digit_words(digits)
    return number_words(int(digits))


def ordinal(words: Words) -> Words:
    """The rank for the words of a number: twenty one -> twenty first."""
    *front, last = words
    if last in IRREGULAR_ORDINALS:
        return (*front, IRREGULAR_ORDINALS[last])
    return (*front, last[:-1] + "ieth" if last.endswith("y") else last.removesuffix("t") + "th")


def plural(words: Words) -> Words:
    """Several of what the words name: eighty -> eighties, six -> sixes, one third -> one thirds."""
    *front, last = words
    if last.endswith("y"):
        return (*front, last[:-1] + "ies")
    return (*front, last + ("es" if last.endswith("x") else "s"))


def decade_words(digits: str) -> Words:
    """80 -> eighties, 1980 -> nineteen eighties, 2000 -> two thousands, 747 -> seven hundred forty sevens."""
    if len(digits) > 4:
        return plural(quantity_words(digits))
    number = int(digits)
    if 1100 <= number < 2100 and number % 10 == 0 and number % 1000:
        century, rest = divmod(number, 100)
        return (*number_words(century), *plural(number_words(rest) if rest else ("hundred",)))
    if number == 100:
        return ("hundreds",)
    return plural(quantity_words(digits))


def fraction_words(numerator: str, denominator: str, after_whole: bool = False) -> tuple[Words, Words]:
    """The words for the digits of both: 3/4 -> three, quarters; 1/2 -> one, half; 1/2 after_whole -> and a, half;
    80/20, which is no part of something, -> eighty, twenty.
    """
    is_split = len(numerator) == 2 == len(denominator) and int(numerator) >= int(denominator) >= 10
    if ((numerator, denominator) in IDIOMS or is_split) and not after_whole:
        return quantity_words(numerator), quantity_words(denominator)
    count = quantity_words(numerator)
    one = count == ("one",)
    if after_whole:
        count = ("and", "a") if one else ("and", *count)
    if not (len(denominator) <= 4 and 1 < int(denominator) <= LARGEST_DENOMINATOR):
        return count, ("over", *quantity_words(denominator))
    if int(denominator) in PARTS:
        return count, (PARTS[int(denominator)][not one],)
    name = ordinal(number_words(int(denominator)))
    if name[0] == "one" and len(name) > 1:  # one hundredth, not one one hundredth
        name = name[1:]
    return count, name if one else plural(name)
