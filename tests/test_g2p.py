"""Pronunciations of words outside the dictionary, and the training of the model that guesses them."""

import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.assets.g2p_alignment import align
from speech_lstm.assets.g2p_context_tree import ContextTree
from speech_lstm.assets.g2p_training import estimate, held_out, pack, prune, read_dictionary, score, write
from speech_lstm.runtime.errors import PronunciationError
from speech_lstm.runtime.lexicon.dictionary import decode, encode
from speech_lstm.runtime.lexicon.g2p import guess
from speech_lstm.runtime.lexicon.joint_ngram import ARRAYS, MODEL, JointNgram, joint_ngram
from speech_lstm.runtime.lexicon.lexicon import Lexicon


def codes_from(model: JointNgram) -> Callable[[str], list[str]]:
    return lambda word: [code for code, _ in model.best(word)]


@pytest.mark.parametrize(
    ("word", "overrides", "phones"),
    [
        ("thermostat's", {}, "TH ER M AH S T AE T S"),
        ("zorb's", {"zorb": "Z AO R B"}, "Z AO R B Z"),
        ("zorch's", {"zorch": "Z AO R CH"}, "Z AO R CH IH Z"),
        ("alexa'll", {"alexa": "AH L EH K S AH"}, "AH L EH K S AH AH L"),
        ("hvd", {}, "EY CH V IY D IY"),
        ("hvds", {}, "EY CH V IY D IY Z"),
        ("floorlamp", {}, "F L AO R L AE M P"),
        ("kitchenlight's", {}, "K IH CH AH N L AY T S"),
        ("snowboy", {}, "S N OW B OY"),
        ("zigbee", {}, "Z IH G B IY"),
        ("schweinsteiger", {}, "SH W AY N S T AY G ER"),
    ],
)
def test_guesses(word: str, overrides: dict[str, str], phones: str) -> None:
    lexicon = Lexicon(overrides)
    assert lexicon.is_guessed(word)
    assert tuple(phones.split()) in lexicon.pronunciations(word)
    assert len(lexicon.pronunciations(word)) <= 2


def test_a_second_guess_only_when_it_is_close() -> None:
    assert len(Lexicon().pronunciations("xiaomi")) == 2
    assert len(Lexicon().pronunciations("snowboy")) == 1


@pytest.mark.parametrize("word", ["жук", "", "'", "naïve", "a1"])
def test_no_guess_for_other_characters(word: str) -> None:
    assert guess(word, lambda _: ()) == ()


def test_words_of_any_length_take_time_linear_in_their_letters() -> None:
    started = time.process_time()
    assert len(Lexicon().pronunciations("supercalifragilistic" * 10)[0]) > 150
    assert len(Lexicon().pronunciations("a" * 500)[0]) > 100  # likelier than any float
    assert time.process_time() - started < 2


def test_phone_error_and_speed_on_300_held_out_words() -> None:
    dictionary = {word: codes for word, codes in read_dictionary().items() if held_out(word)}
    sample = sorted(dictionary, key=lambda word: zlib.crc32(word.encode()))[:300]
    result = score(codes_from(joint_ngram()), {word: dictionary[word] for word in sample})
    assert result.words == 300
    assert result.phone_error < 0.09
    assert result.phone_error_of_two < result.phone_error
    assert result.ms_per_word < 10
    assert MODEL.stat().st_size < 1_200_000


@pytest.mark.parametrize(("word", "phones"), [("kowalski", "K AH W AA L S K IY"), ("oconnell", "OW K AA N AH L")])
def test_surnames_are_among_the_two_likeliest(word: str, phones: str) -> None:
    assert tuple(phones.split()) in [decode(code) for code, _ in joint_ngram().best(word)[:2]]


def test_a_word_without_letters_is_an_error() -> None:
    with pytest.raises(PronunciationError, match="###"):
        Lexicon().pronunciations("###")


def test_the_context_tree_answers_from_the_widest_context_that_it_knows() -> None:
    cat, city = (("c", "K"), ("a", "A"), ("t", "T")), (("c", "S"), ("i", "I"), ("t", "T"), ("y", "I"))
    tree = ContextTree([cat, cat, city])
    assert [tree.guess(word) for word in ("cat", "city", "cab", "cit", "xc")] == ["KAT", "SITI", "KA", "SIT", "K"]


def test_probabilities_of_the_guesses_add_up_to_one_and_fall() -> None:
    guesses = joint_ngram().best("tomato")
    probabilities = [probability for _, probability in guesses]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
    assert ("T", "AH", "M", "EY", "T", "OW") in [decode(code) for code, _ in guesses[:2]]


@pytest.fixture(scope="module")
def entries() -> list[tuple[str, str]]:
    """A word in eight of the first third of the dictionary."""
    return [(word, codes[0]) for word, codes in list(read_dictionary().items())[:40_000:8]]


def test_alignment(entries: list[tuple[str, str]]) -> None:
    words = {"box": "B AA K S", "cake": "K EY K", "phone": "F OW N", "w": "D AH B AH L Y UW"}
    aligned = align([*entries, *((word, encode(phones.split())) for word, phones in words.items())])
    box, cake, phone, letter = aligned[-4:]
    assert box == (encode(["B"]), encode(["AA"]), encode(["K", "S"]))
    assert cake == (encode(["K"]), encode(["EY"]), encode(["K"]), "")
    assert phone is not None and "".join(phone) == encode(["F", "OW", "N"]) and phone.count("") == 2
    assert letter is None
    assert sum(units is None for units in aligned) < 0.01 * len(aligned)


def test_training_and_pruning_keep_probabilities_and_learn_the_spelling(
    entries: list[tuple[str, str]], tmp_path: Path
) -> None:
    units = [tuple(zip(w, a, strict=True)) for (w, _), a in zip(entries, align(entries), strict=True) if a is not None]
    full = estimate(units, order=4)
    pruned = prune(full, 3e-6)
    assert sum(map(len, pruned.prob)) < 0.8 * sum(map(len, full.prob))
    for model in (full, pruned):
        unseen_mass = 1 - sum(p for gram, p in model.prob[2].items() if gram[0] == 2)
        lower = 1 - sum(model.prob[1][gram[1:]] for gram in model.prob[2] if gram[0] == 2)
        assert model.backoff[(2,)] * lower == pytest.approx(unseen_mass, abs=0.02)
        path = tmp_path / "model.npz"
        write(path, pack(model))
        spelled = {word: [code] for word, code in entries if held_out(word)}
        result = score(codes_from(JointNgram.load(path)), spelled)
        assert result.phone_error < 0.2


def test_the_model_is_read_on_first_use_only() -> None:
    code = (
        "import speech_lstm.runtime.lexicon.lexicon as x\n"
        "from speech_lstm.runtime.lexicon.joint_ngram import joint_ngram\n"
        "x.Lexicon().pronunciations('light')\nassert joint_ngram.cache_info().currsize == 0\n"
        "x.Lexicon().pronunciations('zigbee')\nassert joint_ngram.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_arrays_have_one_entry_a_node() -> None:
    with np.load(MODEL) as data:
        assert {len(data[name]) for name in ARRAYS} == {len(data["unit"])}
        assert len(data["unit"]) == 1 + data["children"].sum()
