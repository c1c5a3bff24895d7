"""Other words of English in the place of a word: distances and paths against plain definitions, and what they tell."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from speech_lstm.runtime.decoding.decoder import Decoder
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.decoding.hypothesis import Sentence
from speech_lstm.runtime.decoding.other_words import (
    LEAST_LEAD,
    MOST_LEAD,
    MOST_PHONES,
    NEAREST,
    NO_WORDS,
    OtherWords,
    Vocabulary,
    best_paths,
    bundled,
    vocabulary_of,
)
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

from .test_confidence import posteriors

LEXICON = Lexicon()


def edit_distance(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    row = list(range(len(second) + 1))
    for number, one in enumerate(first, 1):
        longer = [number]
        for place, other in enumerate(second, 1):
            longer.append(min(row[place] + 1, longer[-1] + 1, row[place - 1] + (one != other)))
        row = longer
    return row[-1]


def phones_of(word: str) -> tuple[int, ...]:
    return tuple(TOKENS.index(phone) for phone in LEXICON.pronunciations(word)[0])


def sentence_of(phrase: str, log_probs: np.ndarray) -> Sentence:
    decoder = Decoder(compile_graph(Grammar.from_phrases([phrase]).graph, LEXICON, TOKENS))
    state = decoder.start()
    decoder.advance(state, log_probs)
    return next(decoder.sentences(state))


def test_distances_are_edit_distances() -> None:
    rng = random.Random(5)
    ways = [tuple(rng.randint(1, 4) for _ in range(rng.randint(1, 12))) for _ in range(300)]
    vocabulary = Vocabulary(ways)
    for length in (1, 2, 7, MOST_PHONES):
        phones = tuple(rng.randint(1, 4) for _ in range(length))
        assert vocabulary.distances(phones).tolist() == [edit_distance(phones, way) for way in ways]


def test_the_nearest_words_are_others_and_the_frequent_ones_come_first() -> None:
    cat, vocabulary = phones_of("cat"), bundled()
    found = vocabulary.nearest(cat, [cat])
    assert len(found) == NEAREST and cat not in found
    distances = [edit_distance(cat, way) for way in found]
    assert distances == sorted(distances) and distances[0] == 1
    places = [vocabulary.ways.index(way) for way, distance in zip(found, distances, strict=True) if distance == 1]
    assert places == sorted(places)


def test_paths_are_the_best_of_all_alignments() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(6, 4)).astype(np.float32)
    sequences = [(1,), (2, 3), (1, 1), (3, 2, 3), (1, 2, 3, 1, 2, 3, 1)]
    tokens = np.zeros((len(sequences), 7), dtype=np.intp)
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = sequence
    found = best_paths(scores, tokens, np.array(list(map(len, sequences))))
    best = dict.fromkeys(sequences, -np.inf)
    for path in itertools.product(range(4), repeat=len(scores)):
        said = tuple(token for token, _ in itertools.groupby(path) if token)
        if said in best:
            best[said] = max(best[said], sum(scores[row, token] for row, token in enumerate(path)))
    assert found == pytest.approx([best[sequence] for sequence in sequences], abs=1e-4)
    assert found[-1] == -np.inf


def test_a_word_that_was_not_said_is_behind_the_one_that_was() -> None:
    right = sentence_of("turn on the cat", posteriors("turn on the cat"))
    assert min(right.leads) > 3 and max(right.leads) <= MOST_LEAD
    wrong = sentence_of("turn on the cat", posteriors("turn on the cap"))
    assert LEAST_LEAD <= wrong.leads[-1] < -3 and min(wrong.leads[:-1]) > 3
    unsure = sentence_of("turn on the cat", posteriors("turn on the cat", "turn on the cap", 0.45))
    assert 0 < unsure.leads[-1] < 1


def test_other_ways_to_say_the_word_and_its_homophones_do_not_count() -> None:
    words = OtherWords(bundled(), {"the": [phones_of("the"), tuple(TOKENS.index(phone) for phone in ("DH", "IY"))]})
    log_probs = posteriors("the")
    assert words.lead("the", phones_of("the"), log_probs, None, None) > 3
    assert sentence_of("two", posteriors("too")).leads[0] > 3


def test_rows_that_are_heard_later_change_nothing() -> None:
    heard = np.concatenate([posteriors("cat"), posteriors("kitchen")])
    decoder = Decoder(compile_graph(Grammar.from_phrases(["cat"]).graph, LEXICON, TOKENS))
    end = len(posteriors("cat")) - 8
    early, late = decoder.start(), decoder.start()
    decoder.advance(early, heard[:end])
    progress = decoder.follow(late, heard)
    leads = [next(decoder.sentences(state, at)).leads for state, at in ((early, early.now), (late, progress[end - 1]))]
    assert leads[0] == leads[1]


def test_without_a_vocabulary_everything_is_clear() -> None:
    assert vocabulary_of(("<blank>", "yes", "no", "<unk>")) is NO_WORDS
    assert OtherWords(NO_WORDS, {"yes": [(1,)]}).lead("yes", (1,), posteriors("yes"), None, None) == MOST_LEAD
    long = tuple([1, 2] * 16)
    assert OtherWords(bundled(), {"long": [long]}).lead("long", long, posteriors("yes"), None, None) == MOST_LEAD


def test_codes_are_those_of_the_file() -> None:
    codes = bundled().codes.split(" ")
    assert len(codes) == len(set(codes)) == len(bundled().ways) > 10_000
    assert max(map(len, codes)) <= MOST_PHONES
