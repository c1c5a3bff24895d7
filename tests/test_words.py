"""Whole words as tokens: what a model of them is trained on, and how it is used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.runtime.errors import GrammarError, ModelError, PronunciationError
from speech_lstm.runtime.lexicon.closed import ClosedLexicon, lexicon_for
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import BLANK, TOKENS, UNKNOWN

pytest.importorskip("torch")
pytest.importorskip("pydantic")

import torch

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import ConfigError
from speech_lstm.data.corpus import PackedAudio, Utterance
from speech_lstm.data.dataset import Alignment, Example
from speech_lstm.data.words import ENOUGH, balanced, read_words, word_examples, word_tokens
from speech_lstm.evaluation.calibrate import fit
from speech_lstm.evaluation.trials import make_trials
from speech_lstm.export.checkpoint import describe
from speech_lstm.export.to_onnx import export_onnx

WORDS = Path(__file__).parent / "data" / "words"
KNOWN = ("left", "right", "no")
TOKEN = {token: number for number, token in enumerate(word_tokens(KNOWN))}


def utterance(text: str, seconds: float = 4.0) -> Utterance:
    return Utterance(Path(f"{text}.wav"), text, seconds, "", "train", "made up")


def aligned(text: str) -> Alignment:
    """A tenth of a second for each phone, after a second of silence."""
    phones = [phone for word in text.split() for phone in Lexicon().pronunciations(word)[0]]
    return [(phone, 1 + number / 10, 1.1 + number / 10) for number, phone in enumerate(phones)]


def examples_of(*texts: str, align: bool = True) -> list[Example]:
    found: dict[str, Alignment | None] | None = {f"{text}.wav": aligned(text) for text in texts} if align else None
    return word_examples([utterance(text) for text in texts], list(TOKEN), Lexicon(), found)


def test_few_words_are_heard_whole() -> None:
    assert list(TOKEN) == [BLANK, *KNOWN, UNKNOWN]
    heard = {example.utterance.text: example for example in examples_of("left", "turn left", "no no", "good old days")}
    tokens = {text: [list(TOKEN)[token] for token in example.tokens] for text, example in heard.items()}
    assert tokens == {
        "left": ["left"],
        "turn left": [UNKNOWN, "left"],
        "no no": ["no", "no"],
        "good old days": [UNKNOWN],  # other words are not counted
    }
    said = heard["turn left"].in_phones
    assert said is not None and [TOKENS[phone] for phone in said.tokens] == ["T", "ER", "N", "L", "EH", "F", "T"]
    (_, _, turn), (_, start, end) = heard["turn left"].alignment
    assert turn == pytest.approx(1.3) and (start, end) == pytest.approx((1.58, 1.7))  # at the end of the word


def test_longer_sentences_are_cut_at_the_words_of_the_set() -> None:
    pieces = examples_of("he said no and then he left the house again")
    found = [([list(TOKEN)[t] for t in piece.tokens], piece.span) for piece in pieces]
    assert [tokens for tokens, _ in found].count([UNKNOWN]) == len(found) - 2
    assert [tokens[0] for tokens, _ in found if tokens != [UNKNOWN]] == ["no", "left"]
    spoken = [piece.in_phones.tokens for piece in pieces if piece.in_phones]
    whole = [TOKENS.index(phone) for phone, _, _ in aligned("he said no and then he left the house again")]
    assert [phone for part in spoken for phone in part] == whole  # nothing is lost
    many = word_examples(
        [utterance("no", 1.0)] * ENOUGH + [pieces[0].utterance],
        list(TOKEN),
        Lexicon(),
        {"he said no and then he left the house again.wav": aligned("he said no and then he left the house again")},
    )
    assert [piece.tokens for piece in many if piece.span].count((TOKEN["no"],)) == 0  # it has recordings enough
    (no,) = (piece for piece in pieces if piece.tokens == (TOKEN["no"],))
    assert no.span == pytest.approx((1.5, 1.7)) and no.alignment[0][2] == pytest.approx(0.2)  # no pause around it
    assert pieces[0].span is not None and pieces[0].span[0] == pytest.approx(0.92)  # a little of the silence
    assert examples_of("he said no and then he left the house again", align=False) == []


def test_what_is_found_after_the_end_of_a_recording_is_no_piece() -> None:
    text = "he said no and then he left"
    short = utterance(text, 2.5)
    pieces = word_examples([short], list(TOKEN), Lexicon(), {f"{text}.wav": aligned(text)})
    assert all(piece.span and piece.span[1] <= 2.5 and piece.seconds >= 0.1 for piece in pieces)
    assert [TOKEN["left"] in piece.tokens for piece in pieces].count(True) == 0  # it begins at 2.5 s


def test_a_piece_has_its_own_part_of_the_recording(tmp_path: Path) -> None:
    audio = PackedAudio(tmp_path)
    clip = next(WORDS.glob("left_*.opus"))
    audio.pack([clip], workers=1)
    whole = Example(Utterance(clip, "left", 1.0, "", "train", "words"), (1,))
    part = Example(whole.utterance, (1,), span=(0.25, 0.5))
    assert np.array_equal(part.samples(audio), whole.samples(audio)[4000:8000]) and part.seconds == 0.25


def test_rare_words_are_heard_more_often() -> None:
    examples = examples_of(*["left"] * 30, *["right"] * 10, *["no"] * 1, *["what"] * 200)
    weights = balanced(examples, list(TOKEN))
    heard = {
        token: sum(w for w, e in zip(weights, examples, strict=True) if e.tokens == (number,))
        for token, number in TOKEN.items()
    }
    assert heard["left"] == pytest.approx(heard["right"]) and heard["no"] == 4.0  # at most four times
    assert heard[UNKNOWN] == pytest.approx((heard["left"] + heard["right"] + heard["no"]) / 3)
    (whole,), (piece,) = (
        examples_of("no"),
        [e for e in examples_of("he said no and left") if e.tokens == (TOKEN["no"],)],
    )
    assert balanced([whole, piece], list(TOKEN)) == pytest.approx([1 / 3, 1 / 15])  # it is short and slurred


@pytest.mark.parametrize(
    ("content", "said"), [("", "has no words"), ("left\nleft\n", "'left' is there twice"), ("Go on\n", "'Go on'")]
)
def test_a_file_that_has_no_such_words(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text(content)
    with pytest.raises(ConfigError, match=rf"data\.words: .*{said}"):
        read_words(tmp_path / "words.txt")


def test_a_word_is_said_with_its_own_token() -> None:
    lexicon = lexicon_for(list(TOKEN))
    assert isinstance(lexicon, ClosedLexicon) and isinstance(lexicon_for(TOKENS), Lexicon)
    assert lexicon.pronunciations("Left") == (("left",),)
    with pytest.raises(GrammarError, match="the word 'up'; it hears these and no others: left, right, no"):
        lexicon.pronunciations("up")
    with pytest.raises(PronunciationError, match="whole words"):
        lexicon_for(list(TOKEN), {"left": "L EH F T"})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> sl.Model:
    """A tiny one of the words, with random weights."""
    torch.manual_seed(0)
    network = AcousticModel(len(TOKEN), hidden=16, layers=1)
    path = tmp_path_factory.mktemp("words") / "words.onnx"
    export_onnx(network, describe(network, tuple(TOKEN)), path)
    return sl.Model.load(path, "cpu")


def heard(*tokens: str) -> np.ndarray:
    """Log-probabilities of a frame each, nearly certain: float32 [frames, tokens]."""
    probs = np.full((len(tokens), len(TOKEN)), 0.001, np.float32)
    for row, token in zip(probs, tokens, strict=True):
        row[TOKEN[token]] = 1 - 0.001 * (len(TOKEN) - 1)
    return np.log(probs)


SILENCE = (BLANK,) * 20


def test_a_grammar_of_the_words_is_recognised(model: sl.Model) -> None:
    recognizer = sl.Recognizer(["left", "right"], model=model)
    result = recognizer.decode(heard(*SILENCE, "left", *SILENCE))
    assert (result.text, result.start, result.end) == ("left", 0.8, 0.84) and result.accepted
    assert not recognizer.decode(heard(*SILENCE, UNKNOWN, *SILENCE)).accepted  # other speech
    assert not recognizer.decode(heard(*SILENCE, "no", *SILENCE)).accepted  # a word that the grammar has not
    assert not recognizer.decode(heard(*SILENCE)).accepted
    assert recognizer.with_grammar(["No, left!"]).decode(heard(*SILENCE, "no", *SILENCE, "left")).text == "no left"


def test_a_stream_hears_a_word_of_one_frame(model: sl.Model) -> None:
    recognizer = sl.Recognizer(["left", "right"], model=model)
    session = recognizer._session(recognizer.options.session)
    pause = (*SILENCE, *SILENCE)
    events = session.advance(heard(*SILENCE, "left", *pause, UNKNOWN, *pause, "right", *SILENCE))
    commands = [event for event in [*events, *session.finish()] if isinstance(event, sl.Command)]
    assert [event.result.text for event in commands] == ["left", "right"]


def test_what_a_model_of_words_cannot_do_is_said(model: sl.Model) -> None:
    with pytest.raises(GrammarError, match="the word 'light'; it hears these and no others: left, right, no"):
        sl.Recognizer(["left light"], model=model)
    with pytest.raises(ModelError, match="false alarms"):
        sl.Recognizer(["left"], wake_word="right", model=model)
    with pytest.raises(ModelError, match="needs a model of phones"):
        sl.FreeTranscriber(model)
    with pytest.raises(PronunciationError, match="whole words"):
        sl.Recognizer(["left"], model=model, pronunciations={"left": "L EH F T"})


def test_confidence_is_calibrated_on_words_alone(model: sl.Model, tmp_path: Path) -> None:
    said = {"left": "left", "right": "right", "sentence": "what is there"}
    rows = [{"audio_filepath": str(next(WORDS.glob("left_*.opus"))), "text": text} for text in said.values()]
    manifests = {name: tmp_path / f"{name}.jsonl" for name in ("words", "sentences")}
    manifests["words"].write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    manifests["sentences"].write_text(json.dumps(rows[2]) + "\n")
    trials = make_trials(model, [manifests["words"]], [manifests["sentences"]], [], 1)
    assert {trial.kind for trial in trials} == {
        "word", "word outside", "sentence where words are expected", "silence", "music"
    }  # fmt: skip
    assert all(set(trial.phrases) <= set(KNOWN) for trial in trials)
    assert fit(trials, model.metadata).confidence.weights
