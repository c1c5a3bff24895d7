"""Compiling word graphs: the language is kept whatever is merged, and broken grammars are refused."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.decoding.graph import DecodingGraph, compile_graph
from speech_lstm.runtime.decoding.spelling import Prefixes
from speech_lstm.runtime.errors import GrammarError, PronunciationError
from speech_lstm.runtime.grammar.wordgraph import WordArc, WordGraph
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

from .ctc import phrases_graph, slots_graph

FEW = ("<blank>", "AA", "B", "D")


def language(graph: DecodingGraph) -> list[tuple[int, ...]]:
    """Every phone sequence of a small graph; the same one twice if two paths say it."""
    sentences = []
    finals = set(graph.finals.tolist())
    paths: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for node, phones in paths:  # grows while it is read
        if node in finals:
            sentences.append(phones)
        begin, end = graph.leaving_first[node : node + 2]
        for arc in graph.leaving[begin:end].tolist():
            assert graph.source[arc] == node
            repeats = bool(phones) and phones[-1] == graph.label[arc]
            assert graph.slot[arc] == node + graph.num_nodes * repeats  # a blank must come between equal phones
            paths.append((int(graph.target[arc]), (*phones, int(graph.label[arc]))))
    return sentences


def sentences_of(graph: WordGraph) -> set[tuple[str, ...]]:
    """Every word sequence of a small word graph."""
    sentences = set()
    paths: list[tuple[int, tuple[str, ...]]] = [(graph.start, ())]
    for node, words in paths:
        if node in graph.finals:
            sentences.add(words)
        paths += [(a.target, (*words, a.word) if a.word else words) for a in graph.arcs if a.source == node]
    return sentences


words = st.sampled_from(["one", "two", "six", None])
pronunciations = st.lists(st.sampled_from(FEW[1:]), min_size=1, max_size=3).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(
    lexicon=st.fixed_dictionaries({w: st.lists(pronunciations, min_size=1, max_size=2) for w in ("one", "two", "six")}),
    arcs=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5), words), min_size=1, max_size=9),
    finals=st.sets(st.integers(1, 5), min_size=1),
)
def test_the_phones_and_words_of_every_sentence_are_kept(
    lexicon: dict[str, list[str]], arcs: list[tuple[int, int, str | None]], finals: set[int]
) -> None:
    graph = WordGraph(6, 0, frozenset(finals), tuple(WordArc(a, b, word) for a, b, word in arcs if a < b))
    sentences = sentences_of(graph)
    said = Lexicon(lexicon)
    if not sentences or () in sentences:
        with pytest.raises(GrammarError):
            compile_graph(graph, said, FEW)
        return
    spoken: dict[tuple[int, ...], set[tuple[str, ...]]] = {}
    for sentence in sentences:
        for ways in itertools.product(*(said.pronunciations(word) for word in sentence)):
            spoken.setdefault(tuple(FEW.index(p) for way in ways for p in way), set()).add(sentence)
    compiled = compile_graph(graph, said, FEW)
    assert set(language(compiled)) == set(spoken)
    prefixes = Prefixes(compiled.speller)
    for phones, meant in spoken.items():
        spellings = compiled.speller.sentences(prefixes.find(phones))
        found = {tuple(word for word, _, _ in spelling) for spelling in spellings}
        assert found == meant or (len(found) == 16 and found <= meant)
        for spelling in spellings:
            for word, begin, end in spelling:
                assert tuple(FEW[p] for p in phones[begin:end]) in said.pronunciations(word)
        for cut in range(len(phones)):
            for spelling in compiled.speller.beginnings(prefixes.find(phones[:cut])):
                prefix = tuple(word for word, _, _ in spelling)
                assert any(sentence[: len(prefix)] == prefix for sentence in sentences)


def test_arcs_are_sorted_by_target() -> None:
    graph = compile_graph(slots_graph([["turn", "switch"], ["on", "off"], ["radio", "light"]]), Lexicon(), TOKENS)
    assert (np.diff(graph.target) >= 0).all()
    for node in range(graph.num_nodes):
        assert set(graph.target[graph.incoming(node)]) <= {node}
    assert not graph.can_continue(int(graph.finals[0])) and graph.can_continue(0)


def test_common_beginnings_and_ends_are_shared() -> None:
    names = ["kitchen", "bathroom", "bedroom", "garage"]
    one = compile_graph(phrases_graph([["turn", "on", "the", name, "light"] for name in names]), Lexicon(), TOKENS)
    slots = compile_graph(slots_graph([["turn"], ["on"], ["the"], names, ["light"]]), Lexicon(), TOKENS)
    assert one.num_arcs == slots.num_arcs < 50


def test_a_grammar_whose_deterministic_form_is_exponential_compiles() -> None:
    # (one|two)* one (one|two)^k: the classic case; two and one begin alike, so it stays hard over phones
    choice, k = ["one", "two"], 16
    graph = slots_graph([["one", "two", ""]] * k + [["one"]] + [choice] * k)
    begin = time.process_time()
    compiled = compile_graph(graph, Lexicon(), TOKENS)
    assert time.process_time() - begin < 1
    assert compiled.num_arcs < 1000


def test_many_homophones_do_not_explode() -> None:
    compiled = compile_graph(slots_graph([["to", "too", "two"]] * 20), Lexicon(), TOKENS)
    spellings = compiled.speller.sentences(
        Prefixes(compiled.speller).find([TOKENS.index("T"), TOKENS.index("UW")] * 20)
    )
    assert len(spellings) == 16
    assert spellings[0] == tuple(("to", 2 * i, 2 * i + 2) for i in range(20))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (WordGraph(2, 0, frozenset(), (WordArc(0, 1, "on"),)), "no sentence"),
        (WordGraph(1, 0, frozenset({0}), ()), "empty sentence"),
        (slots_graph([["on", ""]]), "empty sentence"),
        (
            WordGraph(3, 0, frozenset({2}), (WordArc(0, 1, "on"), WordArc(1, 0, "off"), WordArc(1, 2, "now"))),
            "cycle",
        ),
    ],
)
def test_broken_grammars_are_refused(graph: WordGraph, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        compile_graph(graph, Lexicon(), TOKENS)


def test_what_the_model_cannot_say_is_refused() -> None:
    with pytest.raises(GrammarError, match="no token 'OW'; it has <blank> AA B D"):
        compile_graph(phrases_graph([["go"]]), Lexicon({"go": "OW"}), FEW)
    with pytest.raises(PronunciationError, match="♪"):
        compile_graph(phrases_graph([["♪"]]), Lexicon(), TOKENS)
    with pytest.raises(GrammarError, match="phone arcs; at most 3"):
        compile_graph(phrases_graph([["kitchen"]]), Lexicon(), TOKENS, max_arcs=3)


def test_a_word_graph_refers_to_its_own_nodes() -> None:
    with pytest.raises(GrammarError, match="node 3"):
        WordGraph(2, 0, frozenset({3}), ())
