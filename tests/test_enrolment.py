"""Pronunciations learned from recordings: phones heard, their likelihood, and what is made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from speech_lstm.cli import main
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.errors import AudioError, GrammarError, ModelError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import WakeWord
from speech_lstm.runtime.wake.enrolment import enrol, likely_phones, log_likelihood, split_by_words

from .ctc import random_log_probs, spoken_log_probs

LEXICON = Lexicon()
WORDS = Path(__file__).parent / "data" / "words"


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load("default", "cpu")


def takes(word: str) -> list[np.ndarray]:
    """A recording, softer, and with noise."""
    clip = read_audio(next(WORDS.glob(f"{word}_*.opus")))
    noise = 0.003 * np.random.default_rng(0).standard_normal(len(clip)).astype(np.float32)
    return [clip, 0.4 * clip, np.clip(clip + noise, -1, 1)]


@pytest.mark.parametrize("text", ["jarvis", "snowboy", "banana"])
def test_spoken_phones_are_heard(text: str) -> None:
    phones = LEXICON.pronunciations(text)[0]
    assert likely_phones(spoken_log_probs(phones), TOKENS)[0] == phones


@pytest.mark.parametrize("phones", [("AA",), ("B", "AA", "D"), ("D", "D", "AA", "AA")])
def test_likelihood_is_that_of_ctc(phones: tuple[str, ...]) -> None:
    log_probs = random_log_probs(3, 12, len(TOKENS))
    target = torch.tensor([[TOKENS.index(phone) for phone in phones]])
    loss = torch.nn.functional.ctc_loss(
        torch.from_numpy(log_probs)[:, None], target, torch.tensor([12]), torch.tensor([len(phones)]), reduction="sum"
    )
    assert log_likelihood(phones, TOKENS, log_probs) == pytest.approx(-loss.item(), abs=1e-3)


def test_phones_are_split_by_words() -> None:
    words = ["okay", "computer"]
    for said in ("OW K EY | K AH M P Y UW T ER", "AO K EH | K AH M P Y UW DH AH", "K EY | K AH M B UW T"):
        parts = [tuple(part.split()) for part in said.split("|")]
        assert split_by_words(tuple(phone for part in parts for phone in part), words, LEXICON) == parts
    assert split_by_words(("UW", "T", "ER"), words, LEXICON) is None
    assert split_by_words(("B", "AA"), ["snowboy"], LEXICON) == [("B", "AA")]


def test_a_pronunciation_that_the_dictionary_lacks_is_learned(model: Model) -> None:
    wrong = Lexicon({"forward": "B AA P W AO T"})
    learned = enrol("forward", takes("forward"), model, wrong)
    assert learned.pronunciations["forward"][0] == "B AA P W AO T"
    assert learned.learned and set(learned.learned) < set(learned.pronunciations["forward"])
    assert min(learned.above) > 0
    waiting = Recognizer(
        ["left", "right"],
        wake_word="forward",
        model=model,
        pronunciations=learned.pronunciations,
        wake_sensitivity=0.7,
    )
    stream = waiting.stream()
    events = stream.accept(np.concatenate([np.zeros(8000, np.float32), takes("forward")[1]])) + stream.finish()
    assert [type(event) for event in events][:1] == [WakeWord]


def test_nothing_is_learned_where_the_dictionary_is_right(model: Model) -> None:
    known = [" ".join(phones) for phones in LEXICON.pronunciations("backward")]
    learned = enrol("backward", takes("backward")[:2], model, LEXICON)
    assert learned.learned == () and learned.pronunciations == {"backward": tuple(known)}


def test_unusable_recordings_are_named(model: Model) -> None:
    with pytest.raises(AudioError, match="no recordings"):
        enrol("backward", [], model, LEXICON)
    with pytest.raises(AudioError, match="recording 2: 'backward' was not heard"):
        enrol("backward", [takes("backward")[0], np.zeros(16000, np.float32)], model, LEXICON)
    with pytest.raises(AudioError, match="recording 3 sounds unlike"):
        enrol("backward", [*takes("backward")[:2], takes("forward")[0]], model, LEXICON)
    with pytest.raises(GrammarError, match="has no words"):
        enrol("!", takes("backward"), model, LEXICON)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    clip = str(next(WORDS.glob("backward_*.opus")))
    assert main(["wakeword", "enrol", "backward", clip, clip]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["backward"][0] == " ".join(LEXICON.pronunciations("backward")[0])
    assert "2 of 2 recordings" in printed.err
    assert main(["wakeword", "enrol", "backward", str(WORDS / "missing.wav")]) == 1


def test_a_word_that_comes_twice_keeps_both_of_its_new_ways(model: Model) -> None:
    pairs = [np.concatenate(pair) for pair in zip(takes("forward"), takes("backward"), strict=True)]
    learned = enrol("okay okay", pairs, model, Lexicon({"okay": "F AA R W AA D"}))
    ways = learned.pronunciations["okay"]
    assert learned.learned
    for way in learned.learned:
        assert any(f"{first} {second}" == way for first in ways for second in ways)


def test_a_model_that_hears_words_learns_no_wake_word() -> None:
    with pytest.raises(ModelError, match="take the model 'default'"):
        enrol("forward", takes("forward"), Model.load("commands-35", device="cpu"), LEXICON)
