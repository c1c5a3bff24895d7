"""Confidence: what lowers it, that rivals of another meaning count and others do not, and the metadata format."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from speech_lstm.runtime.decoding.confidence import FEATURES, LATER, ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.decoding.hypothesis import Sentence
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.live.interpreter import Interpreter
from speech_lstm.runtime.results import Alternative, Result

LEXICON = Lexicon()
FRAME = 0.04


def posteriors(text: str, other: str = "", share: float = 0.0) -> np.ndarray:
    """float32 [frames, tokens] of words; `share` of the probability is with the phones of as many other ones."""

    def tokens(words: str) -> list[int]:
        phones = [phone for word in words.split() for phone in LEXICON.pronunciations(word)[0]]
        return [token for phone in phones for token in (TOKENS.index(phone), 0)] + [0] * 10

    said = tokens(text)
    probabilities = np.full((len(said), len(TOKENS)), 1e-4, np.float32)
    probabilities[np.arange(len(said)), said] = 1 - share
    if other:
        assert len(tokens(other)) == len(said)
        probabilities[np.arange(len(said)), tokens(other)] += share
    return np.log(probabilities / probabilities.sum(axis=1, keepdims=True))


def sentences(grammar: Grammar, log_probs: np.ndarray) -> Iterator[Sentence]:
    decoder = Decoder(compile_graph(grammar.graph, LEXICON, TOKENS))
    state = decoder.start()
    decoder.advance(state, log_probs)
    return decoder.sentences(state)


def heard(grammar: Grammar, log_probs: np.ndarray, alternatives: int = 0, threshold: float = 0.5) -> Result:
    interpreter = Interpreter(grammar, ConfidenceModel(), threshold, FRAME)
    return interpreter.decide(sentences(grammar, log_probs), len(log_probs), alternatives).result


def test_a_command_that_hardly_beats_another_one_is_less_certain() -> None:
    grammar = Grammar.from_phrases(["turn on the cat", "turn on the cap"])
    confidences = [
        heard(grammar, posteriors("turn on the cat", "turn on the cap", share)).confidence
        for share in (0, 0.2, 0.4, 0.49)
    ]
    assert confidences == sorted(confidences, reverse=True) and confidences[0] - confidences[-1] > 0.05
    alone = heard(Grammar.from_phrases(["turn on the cat"]), posteriors("turn on the cat", "turn on the cap", 0.49))
    assert alone.confidence > confidences[-1] + 0.05


def test_it_is_rejected_although_it_would_be_accepted_alone() -> None:
    grammar = Grammar.from_phrases(["turn on the cat", "turn on the cap"])
    audio = posteriors("turn on the cat", "turn on the cap", 0.45)
    best = next(sentences(grammar, audio))
    alone = ConfidenceModel().command(best.hypothesis, len(audio))
    assert not heard(grammar, audio, threshold=alone - 0.02).accepted
    assert Interpreter(grammar, ConfidenceModel(), alone - 0.02, FRAME).accepts(best, len(audio))


def test_sentences_of_the_same_meaning_or_sound_are_no_rivals() -> None:
    optional = Grammar.from_phrases(["On: turn on [the] light", "Off: stop"])
    plain = Grammar.from_phrases(["On: turn on the light", "Off: stop"])
    audio = posteriors("turn on the light")
    assert heard(optional, audio, 2).confidence == pytest.approx(heard(plain, audio, 2).confidence)
    homophones = heard(Grammar.from_phrases(["two", "too"]), posteriors("two"), 1)
    assert homophones.confidence == pytest.approx(heard(Grammar.from_phrases(["two"]), posteriors("two")).confidence)
    assert len(homophones.alternatives) == 1


def test_only_the_slot_that_differs_is_uncertain(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("grammar") / "home.yaml"
    path.write_text(
        "language: en\n"
        "intents: {On: {data: [{sentences: ['turn on the {device} in the {area}']}]}}\n"
        "lists:\n"
        "  device: {values: [lamp, radio]}\n"
        "  area: {values: [kitchen, cat, cap]}\n"
    )
    audio = posteriors("turn on the lamp in the cat", "turn on the lamp in the cap", 0.45)
    result = heard(Grammar.load(path), audio)
    device, area = result.slot_details
    assert (device.value, area.value) == ("lamp", "cat") and device.confidence - area.confidence > 0.05
    certain = {word.text: word.confidence for word in result.words}
    assert certain["lamp"] - certain["cat"] > 0.05


def test_the_rival_is_found_whatever_the_number_of_alternatives() -> None:
    grammar = Grammar.from_phrases(["On: [please] turn on [the] [good] cat", "Off: [please] turn on [the] [good] cap"])
    audio = posteriors("please turn on the cat", "please turn on the cap", 0.4)
    results = [heard(grammar, audio, count) for count in (0, 1, 3)]
    assert len({round(result.confidence, 6) for result in results}) == 1
    assert [[other.intent for other in result.alternatives] for result in results] == [[], ["Off"], ["Off"]]


def test_alternatives_ask_for_different_things_and_the_surest_comes_first() -> None:
    """Optional words give many sentences of the same meaning, which are one command."""
    grammar = Grammar.from_phrases(
        ["Light: [please] [now] turn on the [big] {where} light", "Stop: stop"],
        lists={"where": {"cat": 1, "kitchen cat": 1, "cap": 2, "can": 3, "kitchen": 4}},
    )
    result = heard(grammar, posteriors("turn on the cat light", "turn on the cap light", 0.3), 4)
    readings: list[Result | Alternative] = [result, *result.alternatives]
    commands = [(reading.intent, *reading.slots.items()) for reading in readings]
    assert commands[:2] == [("Light", ("where", 1)), ("Light", ("where", 2))]
    assert len(set(commands)) == len(commands) >= 3
    confidences = [reading.confidence for reading in readings]
    assert confidences == sorted(confidences, reverse=True)


def test_weights_survive_the_metadata_and_early_ones_lack_the_later_features() -> None:
    model = ConfidenceModel(0.5, tuple(float(number) for number in range(len(FEATURES))))
    written = model.to_metadata()
    assert ConfidenceModel.from_metadata(written, FRAME) == model
    for later in LATER:
        del written["weights"][later]
    early = ConfidenceModel.from_metadata(written, FRAME)
    assert early.weights == (*model.weights[:5], *[0.0] * len(LATER))
    del written["weights"]["margin"]
    with pytest.raises(ModelError, match="margin"):
        ConfidenceModel.from_metadata(written, FRAME)
    slow = ConfidenceModel.from_metadata(model.to_metadata(), 2 * FRAME)
    assert (slow.weights, slow.frame_seconds) == (model.weights, 2 * FRAME)
    with pytest.raises(ModelError, match="finite"):
        ConfidenceModel(float("nan"))
    whole = model.to_metadata()
    for unknown in ({**whole, "slope": 1.0}, {**whole, "weights": {**whole["weights"], "slope": 1.0}}):
        with pytest.raises(ModelError, match="unknown: slope"):
            ConfidenceModel.from_metadata(unknown, FRAME)
