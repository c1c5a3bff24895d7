"""Signs beside a {list} are said as they are beside the number itself, and slots end where their words end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.text import spoken_words

LISTS: dict[str, Any] = {
    "amount": ["5", 10, "1.50"],
    "share": ["1/2", "¼"],
    "who": ["John", "Smith"],
    "part": ["LED", "Spotify™"],
    "unit": ["°C", "€", "km"],
}


@pytest.mark.parametrize(
    ("template", "words", "slots"),
    [
        ("set to -{1..5:n} degrees", "set to minus five degrees", [("n", 5, "five")]),
        ("set to -{amount}", "set to minus five", [("amount", "5", "five")]),
        ("{-5..5:n}°C", "negative five degrees celsius", [("n", -5, "negative five")]),
        ("add .{1..9:n}", "add point five", [("n", 5, "five")]),
        ("{1..3:a}.{1..9:b}", "one point five", [("a", 1, "one"), ("b", 5, "five")]),
        ("±{1..5:n} or +{1..5:m}", "plus or minus two or plus five", [("n", 2, "two"), ("m", 5, "five")]),
        ("pay ${1..5:n}", "pay one dollar", [("n", 1, "one")]),
        ("pay ${1..500:n}", "pay a hundred dollars", [("n", 100, "a hundred")]),
        ("pay {1..5:n}€", "pay five euros", [("n", 5, "five")]),
        ("pay {1..5:n} €", "pay one euro", [("n", 1, "one")]),
        ("pay € {1..5:n}", "pay five euros", [("n", 5, "five")]),
        ("pay ${amount}", "pay one dollar fifty cents", [("amount", "1.50", "one dollar fifty")]),
        ("pay £{1..5:n}.50", "pay five pounds fifty pence", [("n", 5, "five")]),
        ("pay ${0..5:d}.{0..99:c}", "pay five dollars five cents", [("d", 5, "five"), ("c", 5, "five")]),
        ("${1..5:n} million", "five million dollars", [("n", 5, "five")]),
        ("channel #{1..5:n}", "channel number five", [("n", 5, "five")]),
        ("Dec {1..31:n}", "december twenty five", [("n", 25, "twenty five")]),
        ("No. {1..9:n}", "number five", [("n", 5, "five")]),
        ("the {1..31:n}th floor", "the twenty first floor", [("n", 21, "twenty first")]),
        ("the {1..200:n}(st|nd|rd|th)", "the one hundred and fifth", [("n", 105, "one hundred and fifth")]),
        ("the {amount}th", "the tenth", [("amount", 10, "tenth")]),
        ("{1..5:n} ° C", "five degrees celsius", [("n", 5, "five")]),
        ("{1..5:n}°", "one degree", [("n", 1, "one")]),
        ("{1..5:n} (°C|°F)", "one degree fahrenheit", [("n", 1, "one")]),
        ("{1..5:n} {unit}", "one kilometer", [("n", 1, "one"), ("unit", "km", "kilometer")]),
        ("{0..100:n}%", "a hundred percent", [("n", 100, "a hundred")]),
        ("{1..5:n} km[/h]", "one kilometer per hour", [("n", 1, "one")]),
        ("{1..5:n}½ cups", "five and a half cups", [("n", 5, "five")]),
        ("{1..5:n} [1/2] cups", "five and a half cups", [("n", 5, "five")]),
        ("{1..5:n} [1/2] cups", "five cups", [("n", 5, "five")]),
        ("{1..5:n} {share} cups", "one and a quarter cups", [("n", 1, "one"), ("share", "¼", "and a quarter")]),
        ("{1..5:a}/{2..8:b} cup", "three quarters cup", [("a", 3, "three"), ("b", 4, "quarters")]),
        ("{10..90,10:n}s music", "eighties music", [("n", 80, "eighties")]),
        ("at {1..12:h}:30", "at seven thirty", [("h", 7, "seven")]),
        ("at {1..12:h}:{0..59:m}", "at seven oh five", [("h", 7, "seven"), ("m", 5, "oh five")]),
        ("at {1..12:h}:{0..59:m}", "at seven o'clock", [("h", 7, "seven"), ("m", 0, "o'clock")]),
        ("at {1..12:h}:00 (am|p.m.)", "at seven p m", [("h", 7, "seven")]),
        ("{1..9:a}x{1..9:b}", "four by five", [("a", 4, "four"), ("b", 5, "five")]),
        ("CO{2..3:n}", "c o two", [("n", 2, "two")]),
        ("call Dr. {who}", "call doctor smith", [("who", "Smith", "smith")]),
        ("go to St. {who}", "go to saint john", [("who", "John", "john")]),
        ("go to Main St. [now]", "go to main street", []),
        ("all {part}[s] on", "all l e d's on", [("part", "LED", "l e d's")]),
        ("play {part}", "play spotify", [("part", "Spotify™", "spotify")]),
    ],
)
def test_signs_beside_lists(template: str, words: str, slots: list[tuple[str, Any, str]]) -> None:
    found = Grammar.from_phrases([template], lists=LISTS).interpret(words.split()).slots
    said = [(slot.name, slot.value, " ".join(words.split()[slot.first_word : slot.last_word + 1])) for slot in found]
    assert said == slots


def test_a_value_that_nothing_is_said_for_has_the_word_before() -> None:
    grammar = Grammar.from_phrases(["at {1..12:h}:{0..59:m} pm"])
    assert [slot[:2] for slot in grammar.interpret(["at", "seven", "pm"]).slots] == [("h", 7), ("m", 0)]


_BEFORE = st.sampled_from(["", "-", "$", "€", "#", "±", ".", "No. ", "$ ", "+", "~", "x", "CO", "7:", "1/", "3."])
_AFTER = st.sampled_from(
    ["", "th", "°", " °C", "€", " €", "%", "½", " 1/2", ":30", ":00 pm", "s", "'s", " km", "k", ".", ".5"]
)


@settings(deadline=None, max_examples=200)
@given(before=_BEFORE, after=_AFTER, number=st.integers(10, 59))
def test_a_range_is_said_as_the_number_that_it_stands_for(before: str, after: str, number: int) -> None:
    grammar = Grammar.from_phrases([f"say {before}{{{number}..{number}:n}}{after} now"])
    words = spoken_words(f"say {before}{number}{after} now")
    assert [slot[:2] for slot in grammar.interpret(words).slots] == [("n", number)]


@pytest.mark.parametrize(
    ("options", "said", "value"),
    [
        ("from: 1, to: 9, multiplier: 0.1", "three", 0.3),
        ("from: 0, to: 100, multiplier: 0.01", "fifty five", 0.55),
        ("from: 1, to: 9, multiplier: 1.1", "three", 3.3),
        ("from: 1, to: 9, multiplier: 0.5", "four", 2),
        ("from: 1, to: 9, fractions: tenths, multiplier: 3", "one point one", 3.3),
    ],
)
def test_numbers_of_a_multiplied_range_are_exact(tmp_path: Any, options: str, said: str, value: float) -> None:
    path = tmp_path / "range.yaml"
    path.write_text(
        f'intents: {{Go: {{data: [{{sentences: ["go {{n}}"]}}]}}}}\nlists: {{n: {{range: {{{options}}}}}}}\n'
    )
    (slot,) = Grammar.load(path).interpret(["go", *said.split()]).slots
    assert repr(slot.value) == repr(value)


def test_prices_of_two_lists_share_their_words() -> None:
    grammar = Grammar.from_phrases(["pay ${1..100:d}.{0..99:c}"])
    assert len(grammar.graph.arcs) < 2000


def test_comments_of_text_files_are_no_numbers(tmp_path: Any) -> None:
    path = tmp_path / "home.txt"
    path.write_text("# comment\nchannel #{1..5:n}  # this one too\ntrack #5#\nstop #now\n", encoding="utf-8")
    grammar = Grammar.load(path)
    assert grammar.interpret(["channel", "number", "two"]).slots[0].value == 2
    assert "comment" not in grammar.words and "now" not in grammar.words and "stop" in grammar.words
    with pytest.raises(GrammarError):
        grammar.interpret(["channel", "two"])
