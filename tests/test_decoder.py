"""The search against brute force over all alignments, and its promises on times, alternatives, chunks and memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.graph import compile_graph
from speech_lstm.runtime.lexicon import Lexicon
from speech_lstm.runtime.wordgraph import WordArc, WordGraph

TOKENS = ("<blank>", "AA", "B", "D")
EXACT = DecoderOptions(blank_offset=0, fold_threshold=1, filler_cost=np.inf)


def phrases_graph(phrases: list[list[str]]) -> WordGraph:
    """One path a phrase from node 0 to node 1."""
    arcs, nodes = [], 2
    for phrase in phrases:
        at = 0
        for word in phrase[:-1]:
            arcs.append(WordArc(at, nodes, word))
            at, nodes = nodes, nodes + 1
        arcs.append(WordArc(at, 1, phrase[-1]))
    return WordGraph(nodes, 0, frozenset({1}), tuple(arcs))


def viterbi(scores: np.ndarray, labels: list[int]) -> float:
    """Textbook CTC Viterbi of one label sequence (Graves et al. 2006, blanks interleaved). scores: [frames, tokens]."""
    states = [0]
    for label in labels:
        states += [label, 0]
    best = [-np.inf] * len(states)
    best[0], best[1] = scores[0, 0], scores[0, labels[0]]
    for row in scores[1:]:
        best = [
            max(
                best[i],
                best[i - 1] if i else -np.inf,
                best[i - 2] if i > 1 and label and label != states[i - 2] else -np.inf,
            )
            + row[label]
            for i, label in enumerate(states)
        ]
    return max(best[-1], best[-2])


def random_log_probs(seed: int, frames: int, tokens: int = len(TOKENS)) -> np.ndarray:
    """Log-softmax of normal noise, float32 [frames, tokens]."""
    logits = np.random.default_rng(seed).normal(0, 3, (frames, tokens))
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


pronunciations = st.lists(st.sampled_from(["AA", "B", "D"]), min_size=1, max_size=3).map(" ".join)


@settings(deadline=None, max_examples=150)
@given(
    lexicon=st.fixed_dictionaries({w: st.lists(pronunciations, min_size=1, max_size=2) for w in ("one", "two", "six")}),
    phrases=st.lists(st.lists(st.sampled_from(["one", "two", "six"]), min_size=1, max_size=3), min_size=1, max_size=5),
    frames=st.integers(1, 14),
    seed=st.integers(0, 10_000),
)
def test_n_best_equals_brute_force(
    lexicon: dict[str, list[str]], phrases: list[list[str]], frames: int, seed: int
) -> None:
    words = Lexicon(lexicon)
    decoder = Decoder(compile_graph(phrases_graph(phrases), words, TOKENS), EXACT)
    log_probs = random_log_probs(seed, frames)
    scores = (log_probs - log_probs.max(1, keepdims=True)).astype(np.float64)
    expected: dict[tuple[str, ...], float] = {}
    for phrase in phrases:
        sequences: list[list[int]] = [[]]
        for word in phrase:
            sequences = [s + [TOKENS.index(p) for p in way] for s in sequences for way in words.pronunciations(word)]
        best = max(viterbi(scores, labels) for labels in sequences)
        if best > -np.inf:
            expected[tuple(phrase)] = max(best, expected.get(tuple(phrase), -np.inf))
    state = decoder.start()
    decoder.advance(state, log_probs)
    found = decoder.hypotheses(state, 20)
    assert {tuple(w.text for w in h.words) for h in found} == set(expected)
    for h in found:
        assert h.score == pytest.approx(expected[tuple(w.text for w in h.words)], abs=1e-3)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert state.best_final == pytest.approx(max(expected.values(), default=-np.inf), abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(0, 200), max_size=10), max_frames=st.integers(40, 300))
def test_any_split_gives_the_same_bits(cuts: list[int], max_frames: int) -> None:
    options = DecoderOptions(fold_threshold=0.8, max_frames=max_frames)
    graph = phrases_graph([["one", "two"], ["two", "six"], ["six"]])
    decoder = Decoder(compile_graph(graph, Lexicon({"one": "AA B", "two": "B AA D", "six": "D D"}), TOKENS), options)
    log_probs = random_log_probs(7, 200)
    whole, split = decoder.start(), decoder.start()
    decoder.advance(whole, log_probs)
    for part in np.split(log_probs, sorted(cuts)):
        decoder.advance(split, part)
    assert decoder.hypotheses(whole, 3) == decoder.hypotheses(split, 3)
    assert whole.slots.tobytes() == split.slots.tobytes()
    assert whole.num_rows <= max_frames
