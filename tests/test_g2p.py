"""Pronunciations made by rule for words outside the dictionary."""

import pytest

from speech_lstm.runtime.errors import PronunciationError
from speech_lstm.runtime.lexicon import Lexicon


@pytest.mark.parametrize(
    ("word", "overrides", "phones"),
    [
        ("thermostat's", {}, "TH ER M AH S T AE T S"),
        ("zorb's", {"zorb": "Z AO R B"}, "Z AO R B Z"),
        ("zorch's", {"zorch": "Z AO R CH"}, "Z AO R CH AH Z"),
        ("hvd", {}, "EY CH V IY D IY"),
        ("kitchenlight", {}, "K IH CH AH N L AY T"),
        ("kitchenlight's", {}, "K IH CH AH N L AY T S"),
    ],
)
def test_rules(word: str, overrides: dict[str, str], phones: str) -> None:
    lexicon = Lexicon(overrides)
    assert lexicon.is_guessed(word)
    assert tuple(phones.split()) in lexicon.pronunciations(word)


@pytest.mark.parametrize("word", ["blorptastiq", "жук", "qqqqqqqq", ""])
def test_no_rule_fits(word: str) -> None:
    with pytest.raises(PronunciationError, match="no pronunciation"):
        Lexicon().pronunciations(word)
