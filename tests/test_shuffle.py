"""Words of a recording in another order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

pytest.importorskip("torch")

from speech_lstm.config import AugmentConfig
from speech_lstm.data.align import align
from speech_lstm.data.augment import Augmenter
from speech_lstm.data.corpus import PackedAudio, read_manifest
from speech_lstm.data.dataset import Example, TrainingBatches, make_examples
from speech_lstm.data.shuffle import FADE, shuffle, word_starts
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """Sentences of the tests as the shipped model aligns them."""
    model = Model.load("default", device="cpu")
    said = [u for u in read_manifest(DATA / "manifest.jsonl") if len(u.text.split()) > 3]
    found = {str(u.path): align(model, read_audio(u.path), u.text, Lexicon()) for u in said}
    return make_examples(said, Lexicon(), {path: list(each.phones) for path, each in found.items() if each})


def test_words_begin_where_their_pronunciations_do(examples: list[Example]) -> None:
    lexicon = Lexicon({"two": ["T UW"], "to": ["T UW", "T AH"], "tattoo": ["T AH T UW"], "a": ["AH"]})
    assert word_starts("to two tattoo", ["T", "AH", "T", "UW", "T", "AH", "T", "UW"], lexicon) == (0, 2, 4)
    assert word_starts("to two tattoo", ["T", "AH", "T", "UW", "T", "AH", "T"], lexicon) == ()
    assert word_starts("to two", ["T", "AH", "T", "UW", "T", "AH"], lexicon) == ()
    assert word_starts("", [], lexicon) == ()
    for example in examples:
        words = spoken_words(example.utterance.text)
        assert len(example.words) == len(words)
        for word, first, end in zip(words, example.words, (*example.words[1:], len(example.tokens)), strict=True):
            phones = tuple(TOKENS[token] for token in example.tokens[first:end])
            assert phones in {tuple(said) for said in Lexicon().pronunciations(word)}


@pytest.mark.parametrize("seed", range(6))
def test_phones_are_heard_where_they_are_said_to_be(examples: list[Example], seed: int) -> None:
    random = np.random.default_rng(seed)
    for example in examples:
        samples = read_audio(example.utterance.path)
        other, alignment = shuffle(samples, example.alignment, example.words, random)
        assert len(other) <= len(samples) and 0.2 * len(example.tokens) < len(alignment) <= len(example.tokens)
        times = [start for _, start, _ in alignment]
        assert times == sorted(times)
        for phone, start, end in alignment:
            piece = other[round(start * 16000) + FADE : round(end * 16000) - FADE]
            if len(piece) < FADE:
                continue
            misfits = []
            for number, before, after in example.alignment:
                whole = samples[round(before * 16000) : round(after * 16000)]
                if number == phone and len(whole) >= len(piece):
                    misfits.append(abs(sliding_window_view(whole, len(piece)) - piece).max(1).min())
            assert min(misfits) < 1e-6


def test_phones_that_are_heard_after_the_end_have_a_place() -> None:
    random = np.random.default_rng(1)
    late = [(1, 0.9, 1.0), (2, 1.1, 1.2), (3, 1.3, 1.4), (4, 1.5, 1.6)]
    for length in (16000, 18000, 100):
        for _ in range(20):
            other, alignment = shuffle(random.standard_normal(length, np.float32), late, (0, 1, 2, 3), random)
            assert len(other) >= min(length, 4000)
            assert all(0 <= start <= end <= len(other) / 16000 for _, start, end in alignment)


def test_streams_have_sentences_in_another_order(examples: list[Example], tmp_path: Path) -> None:
    audio = PackedAudio(tmp_path)
    audio.pack([example.utterance.path for example in examples], workers=1)

    def heard(probability: float, words: bool = True) -> list[tuple[int, ...]]:
        told = [example if words else replace(example, words=()) for example in examples]
        augmenter = Augmenter(AugmentConfig(shuffle_probability=probability), [], [])
        batches = TrainingBatches(told, [1.0] * len(told), audio, augmenter, 2, 16.0, [1])
        batches.strength.fill_(1.0)
        made = itertools.islice(batches, 4)
        return [tuple(part.tolist()) for b in made for part in b.tokens.split(b.token_counts.tolist())]

    said = {example.tokens for example in examples}
    assert set(heard(0.0)) <= said and set(heard(1.0, words=False)) <= said
    new = [tokens for tokens in heard(1.0) if tokens not in said]
    assert len(new) > 0.5 * len(heard(1.0))  # some come out in their order
