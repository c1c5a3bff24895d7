"""Written text becomes the words that are said."""

import pytest

from speech_lstm.runtime.lexicon.number_words import number_words
from speech_lstm.runtime.lexicon.text import normalise, spoken_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Turn on the LIGHT, please!", "turn on the light please"),
        ("living-room", "living room"),
        ("the kitchen's light", "the kitchen's light"),
        ("the dogs' ‘bowl’", "the dogs bowl"),
        ("What’s up", "what's up"),
        ("rock 'n' roll", "rock 'n roll"),
        ("21.5 °C", "twenty one point five degrees celsius"),
        ("70°F and 20°", "seventy degrees fahrenheit and twenty degrees"),
        ("50% & 5+1", "fifty percent and five plus one"),
        ("1,250 or 1250", "one thousand two hundred fifty or one thousand two hundred fifty"),
        ("room 007", "room zero zero seven"),
        ("-5 to 10-12", "minus five to ten twelve"),
        ("1st, 2nd, 12th, 20th, 23rd", "first second twelfth twentieth twenty third"),
        ("7:30 a.m.", "seven thirty a m"),
        ("9:05 or 12:00", "nine oh five or twelve o'clock"),
        ("L.E.D. strip", "l e d strip"),
        ("Dr. Smith", "doctor smith"),
        ("½ or 1/2 or ¾", "one half or one half or three quarters"),
        ("$5, $1.01 and €0.50", "five dollars one dollar one cent and fifty cents"),
        ("mp3 4k #1", "mp three four k number one"),
        ("Café Łódź", "cafe lodz"),
        ("... !", ""),
    ],
)
def test_normalise(written: str, said: str) -> None:
    assert normalise(written) == said


def test_normalised_text_stays_as_it_is() -> None:
    for text in ("turn on the light", "what's up 'em", "five o'clock", "日本"):
        assert normalise(text) == text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (105, "one hundred five"),
        (-21, "minus twenty one"),
        (2_000_017, "two million seventeen"),
    ],
)
def test_number_words(number: int, said: str) -> None:
    assert " ".join(number_words(number)) == said


def test_a_number_beyond_the_scales_is_read_digit_by_digit() -> None:
    assert spoken_words("1" + "0" * 15) == ("one", *["zero"] * 15)
