"""Written text becomes the words that are said."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.lexicon.number_words import number_words
from speech_lstm.runtime.lexicon.text import spoken
from speech_lstm.runtime.text import normalise, spoken_words, unsaid


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Turn on the LIGHT, please!", "turn on the light please"),
        ("living-room", "living room"),
        ("the kitchen's light", "the kitchen's light"),
        ("the dogs' ‘bowl’", "the dogs bowl"),
        ("rock 'n' roll", "rock 'n roll"),
        ("12\u00a0000 or 1\u202f000\u202f000", "twelve thousand or one million"),
        ("1,250 or 1250", "one thousand two hundred fifty or one thousand two hundred fifty"),
        ("room 007", "room zero zero seven"),
        ("mp3 4k #1", "mp three four k number one"),
        ("Café Łódź", "cafe lodz"),
        ("... !", ""),
    ],
)
def test_words_and_numbers(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("-5 to 10-12", "minus five to ten twelve"),
        ("−5", "minus five"),
        ("–5 and − 5", "minus five and minus five"),
        ("-$5 or $-5", "minus five dollars or minus five dollars"),
        (".5", "point five"),
        ("-.5", "minus point five"),
        ("±2", "plus or minus two"),
        ("50% & 5+1", "fifty percent and five plus one"),
        ("4x4, 5×3, 6÷2, 5*3", "four by four five times three six divided by two five times three"),
        ("~5 m²", "about five square meters"),
        ("x² + y³", "x squared plus y cubed"),
        ("§ 5", "section five"),
        ("# 5, No. 5, no. 7, №5, Nº 5", "number five number five number seven number five number five"),
    ],
)
def test_signs(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("$5, $1.01 and €0.50", "five dollars one dollar one cent and fifty cents"),
        ("5€, 5 €, € 5, €5", "five euros five euros five euros five euros"),
        ("1€ or $1", "one euro or one dollar"),
        ("5,50 € or €5,50", "five euros fifty cents or five euros fifty cents"),
        ("£5.20, £1.01 and 1 £", "five pounds twenty pence one pound one penny and one pound"),
        ("¥100, ₹5, 20¢, 1¢", "one hundred yen five rupees twenty cents one cent"),
        ("$.50 and $0", "fifty cents and zero dollars"),
        ("$1.5 million and $5k", "one point five million dollars and five thousand dollars"),
        ("$1,250", "one thousand two hundred fifty dollars"),
        ("the $ sign", "the dollar sign"),
    ],
)
def test_money(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("21.5 °C", "twenty one point five degrees celsius"),
        ("70°F and 20°", "seventy degrees fahrenheit and twenty degrees"),
        ("21 º, 21˚, 21 ℃", "twenty one degrees twenty one degrees twenty one degrees celsius"),
        ("5 ° C", "five degrees celsius"),
        ("1°, -1°C", "one degree minus one degree celsius"),
        ("5 km, 1 kg, 60 mph", "five kilometers one kilogram sixty miles per hour"),
        ("10 km/h for 5 min", "ten kilometers per hour for five minutes"),
        ("60 W, 12V", "sixty watts twelve volts"),
        ("2 MHz, 3 dB, 2 tbsp", "two megahertz three decibels two tablespoons"),
    ],
)
def test_degrees_and_units(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("½ or 1/2 or ¾", "one half or one half or three quarters"),
        ("50/50, 80/20 or 15/16", "fifty fifty eighty twenty or fifteen sixteenths"),
        ("⅓, 2/3, 5/8, 1/100", "one third two thirds five eighths one hundredth"),
        ("3/4 cup", "three quarters cup"),
        ("1 1/2, 2 3/4, 2⅓, 1 ½", "one and a half two and three quarters two and a third one and a half"),
        ("24/7", "twenty four seven"),
        ("1st, 2nd, 12th, 20th, 23rd", "first second twelfth twentieth twenty third"),
        ("1,000th 5ᵗʰ", "one thousandth fifth"),
        ("80s music, the '90s, 90's", "eighties music the nineties nineties"),
        ("1980s, 2010s, 1900s, 2000s", "nineteen eighties twenty tens nineteen hundreds two thousands"),
        ("747s", "seven hundred forty sevens"),
    ],
)
def test_fractions_ranks_and_decades(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("7:30 a.m.", "seven thirty a m"),
        ("9:05 or 12:00", "nine oh five or twelve o'clock"),
        ("7:00 pm, 7:00pm, 7:00 P.M.", "seven pm seven pm seven p m"),
        ("7.30 pm", "seven thirty pm"),
        ("0:00, 19:00, 19:30", "midnight nineteen hundred nineteen thirty"),
        ("7:30:05", "seven thirty oh five"),
        ("1:30:00", "one thirty"),
        ("16:9", "sixteen nine"),
    ],
)
def test_times_of_day(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Dr. Smith, Mr. X, Prof. Y", "doctor smith mister x professor y"),
        ("Main St.", "main street"),
        ("Main St. bridge", "main street bridge"),
        ("St. John and st. john", "saint john and saint john"),
        ("Elm Dr. or the Dr. said", "elm drive or the doctor said"),
        ("42nd St, 5th Ave, Park Ave.", "forty second street fifth avenue park avenue"),
        ("Play Ave Maria", "play ave maria"),
        ("Oak Blvd. and Pine Rd.", "oak boulevard and pine road"),
        ("Mt. Everest", "mount everest"),
        ("Super Mario Bros., Tiffany & Co., Vol. 2", "super mario brothers tiffany and company volume two"),
        ("Jan. 5th, Dec 25, on Wed., Jan said", "january fifth december twenty five on wednesday jan said"),
        ("amazon.com", "amazon dot com"),
        (
            "123 W Main St, 500 W 42nd St, MAIN ST",
            "one hundred twenty three w main street five hundred w forty second street main street",
        ),
        ("a 60 W bulb, 60 W", "a sixty watts bulb sixty watts"),
    ],
)
def test_streets_and_titles(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("L.E.D. strip", "l e d strip"),
        ("LED strip, LEDs", "l e d strip l e d's"),
        ("the TV and the TVs", "the tv and the tvs"),
        ("HDMI 1", "h d m i one"),
        ("HVAC", "hvac"),
        ("AC, A/C, USB", "ac a c usb"),
        ("CO2, CO₂ and H₂O", "c o two c o two and h two o"),
        ("CO alarm, the CO's level, CT scan", "c o alarm the c o's level c t scan"),
        ("STOP, IT'S SONOS", "stop it's sonos"),
        ("HE LED THEM ON", "he led them on"),
        ("Rocky II, Louis XIV", "rocky two louis fourteen"),
        ("what a day", "what a day"),
    ],
)
def test_capitals(written: str, said: str) -> None:
    assert normalise(written) == said


@pytest.mark.parametrize("apostrophe", "'’‘ʼ`´‛ʻ′")
def test_apostrophes(apostrophe: str) -> None:
    assert normalise(f"Don{apostrophe}t say what{apostrophe}s up") == "don't say what's up"


def test_trade_marks_and_invisible_characters_are_passed_over() -> None:
    assert normalise("Spotify™ Acme® ©Bose\u200b Living\u00adroom") == "spotify acme bose livingroom"
    assert normalise("turn on\u200bthe light 1\ufe0f\u20e3") == "turn on the light one"
    assert unsaid("Spotify™ Acme® ©Bose\u200b") == ()


@pytest.mark.parametrize(
    ("written", "signs"),
    [
        ("turn on/off", ("/",)),
        ("C# 🙂", ("#", "🙂")),
        ("5-6, 16:9 and 1,5", ("-", ":", ",")),
        ("set to - 5", ("-",)),
        ('the 65" TV, or "channel 5", no', ('"',)),
        ('"channel 5"', ()),
        ("a * b | c ^", ("*", "|", "^")),
        ("What's up, Dr. O'Neil? (Really!) \"no\" … living-room – the 50 % & 5€ #5 -5 snake_case", ()),
    ],
)
def test_signs_that_no_word_is_said_for_are_told(written: str, signs: tuple[str, ...]) -> None:
    assert unsaid(written) == signs


def test_normalised_text_stays_as_it_is() -> None:
    for text in ("turn on the light", "what's up 'em", "five o'clock", "日本", "one and a half", "l e d's"):
        assert normalise(text) == text


_CHARACTERS = st.sampled_from(list("aAzZéß'’.,:;/#-–−+±%&@=~*²½⅓°º$€£¢ \t\n0123456789٣字🙂\u0301\u200b()[]{}<>|_x\\™"))
_SHORT = "12 1/2 7:00 pm 12. St. Dr. Ave 80s 5th CO2 LED $5 5€ km No. .5 -. 9,999 a.m. x"
_PIECES = st.sampled_from(_SHORT.split())


@settings(deadline=None, max_examples=400)
@given(st.lists(_CHARACTERS | _PIECES | st.just(" "), max_size=20).map("".join))
@example("9" * 5000 + "th 1/" + "9" * 5000 + " $" + "9" * 5000 + "s")
def test_any_text_gives_lower_case_words_that_stay_as_they_are(text: str) -> None:
    words = spoken_words(text)
    assert all(word and word == word.lower() and not any(map(str.isspace, word)) for word in words)
    assert not any(char.isdecimal() and char.isascii() for word in words for char in word)
    assert all(0 <= said.start <= said.end for said in spoken(text))
    unsaid(text)


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
