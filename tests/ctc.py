"""Helpers of the decoder's tests: small word graphs, log-probabilities made of pronunciations, textbook CTC."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.grammar.wordgraph import WordArc, WordGraph
from speech_lstm.runtime.lexicon.dictionary import DICTIONARY
from speech_lstm.runtime.lexicon.tokens import TOKENS

FloatArray = npt.NDArray[np.float32]


def phrases_graph(phrases: Iterable[Sequence[str]]) -> WordGraph:
    """One path a phrase from node 0 to node 1."""
    arcs, nodes = [], 2
    for phrase in phrases:
        at = 0
        for word in phrase[:-1]:
            arcs.append(WordArc(at, nodes, word))
            at, nodes = nodes, nodes + 1
        arcs.append(WordArc(at, 1, phrase[-1]))
    return WordGraph(nodes, 0, frozenset({1}), tuple(arcs))


def slots_graph(slots: Sequence[Sequence[str]]) -> WordGraph:
    """A word of each slot in turn; the empty string makes a slot optional."""
    arcs = [WordArc(i, i + 1, word or None) for i, words in enumerate(slots) for word in words]
    return WordGraph(len(slots) + 1, 0, frozenset({len(slots)}), tuple(arcs))


def dictionary_words(count: int) -> list[str]:
    """Different words of the CMU dictionary in random order, always the same."""
    lines = DICTIONARY.read_text().splitlines()
    known = [word for word in (line.split(" ")[0] for line in lines) if word.isalpha()]
    return [known[i] for i in np.random.default_rng(0).permutation(len(known))[:count]]


def random_log_probs(seed: int, frames: int, tokens: int, spread: float = 3) -> FloatArray:
    """Log-softmax of normal noise, float32 [frames, tokens]."""
    return log_softmax(np.random.default_rng(seed).normal(0, spread, (frames, tokens)))


def spoken_log_probs(
    phones: Iterable[str], seed: int = 0, noise: float = 0.5, silence: int = 10, sharpness: float = 5.0
) -> FloatArray:
    """Peaky log-probabilities like a CTC model's, float32 [frames, 40]: a frame or two of each phone, blank between."""
    rng = np.random.default_rng(seed)
    best = [0] * silence
    for phone in phones:
        best += [TOKENS.index(phone)] * int(rng.integers(1, 3)) + [0] * int(rng.integers(1, 3))
    best += [0] * silence
    logits = rng.normal(0, noise, (len(best), len(TOKENS)))
    logits[np.arange(len(best)), best] += sharpness
    logits[:, 0] += 3
    return log_softmax(logits)


def log_softmax(logits: npt.NDArray[np.float64]) -> FloatArray:
    """Over the last axis, in float32."""
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)


def viterbi(scores: npt.NDArray[np.float64], labels: Sequence[int]) -> float:
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
