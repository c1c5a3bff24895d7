"""Whole words as tokens: what a model of them is trained on, and how it is used."""

from __future__ import annotations

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

from speech_lstm.config import ConfigError
from speech_lstm.data.corpus import PackedAudio, Utterance
from speech_lstm.data.dataset import Example
from speech_lstm.data.words import ENOUGH, balanced, read_words, word_examples, word_tokens

WORDS = Path(__file__).parent / "data" / "words"
KNOWN = ("left", "right", "no")
TOKEN = {token: number for number, token in enumerate(word_tokens(KNOWN))}


def utterance(text: str, seconds: float = 4.0) -> Utterance:
    return Utterance(Path(f"{text}.wav"), text, seconds, "", "train", "made up")


def aligned(text: str) -> list[tuple[str, float, float]]:
    """A tenth of a second for each phone, after a second of silence."""
    phones = [phone for word in text.split() for phone in Lexicon().pronunciations(word)[0]]
    return [(phone, 1 + number / 10, 1.1 + number / 10) for number, phone in enumerate(phones)]


def examples_of(*texts: str, align: bool = True) -> list[Example]:
    found = {f"{text}.wav": aligned(text) for text in texts} if align else None
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
def recognizer() -> sl.Recognizer:
    """All words of the shipped model."""
    words = sl.Model.load("commands-35", "cpu").metadata.tokens[1:-1]
    assert len(words) == 35
    return sl.Recognizer(words, model="commands-35", device="cpu")


def test_the_shipped_model_hears_the_words_of_the_tests(recognizer: sl.Recognizer) -> None:
    clips = [clip for clip in sorted(WORDS.glob("*.opus")) if "an4" not in clip.stem]
    results = {clip.stem.split("_")[0]: recognizer.recognize(sl.read_audio(clip)) for clip in clips}
    right = [word for word, result in results.items() if result.text == word and result.accepted]
    assert len(results) == 17 and len(right) >= 15, results
    assert all(0 <= result.start < result.end <= 1.2 for result in results.values() if result.accepted)


def test_the_shipped_model_hears_a_stream_and_rejects_others(recognizer: sl.Recognizer) -> None:
    pause = np.zeros(16000, np.float32)
    clips = [sl.read_audio(next(WORDS.glob(f"{word}_sc*.opus"))) for word in ("right", "stop")]
    stream = recognizer.stream()
    events = [*stream.accept(np.concatenate([pause, clips[0], pause, clips[1], pause])), *stream.finish()]
    assert [event.result.text for event in events if isinstance(event, sl.Command)] == ["right", "stop"]
    sentences = sorted((WORDS.parent / "sentences").glob("*.opus"))
    accepted = [recognizer.recognize(sl.read_audio(clip)).accepted for clip in sentences]
    assert sum(accepted) <= len(accepted) / 5
    assert not recognizer.recognize(0.05 * np.random.default_rng(0).standard_normal(16000)).accepted


def test_other_words_are_refused(recognizer: sl.Recognizer) -> None:
    with pytest.raises(GrammarError, match="the word 'light'; it hears these and no others: backward, bed"):
        recognizer.with_grammar(["stop the light"])
    assert recognizer.with_grammar(["Go left", "go right"]).recognize(np.zeros(8000)).text == ""
    with pytest.raises(ModelError, match="false alarms"):
        sl.Recognizer(["stop"], wake_word="marvin", model=recognizer.model)
    with pytest.raises(ModelError, match="needs a model of phones"):
        sl.FreeTranscriber(recognizer.model)
