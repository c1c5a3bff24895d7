"""The search graph of the decoder: a word graph and a lexicon become a small automaton over phones.

Words are not in the graph that is searched. In CTC silence is blank and blank may stand between any two phones, so word
boundaries do not change a score: prefixes and suffixes of words can be shared without limit, and the words of a
phone sequence are read off afterwards (`Speller`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar.wordgraph import WordGraph

from .automaton import Automaton, Label, determinise, minimise
from .other_words import OtherWords, vocabulary_of
from .spelling import Phones, Speller

IntArray = npt.NDArray[np.int64]

LEAST_LAYER = 256
"""Arcs that are worth a numpy call of their own in each frame."""


class Pronouncing(Protocol):
    """What the compiler needs of a `Lexicon`."""

    def pronunciations(self, word: str) -> Sequence[Sequence[str]]:
        """Ways to say a word, each a sequence of phones."""


class Layers(NamedTuple):
    """The arcs in the order in which they are searched: one arc into each node, then another one into each node that
    has a second, and so on while there are many, then the rest by target. So few nodes need a maximum over a group.

    `slot`, `label`: [arcs], as those of the graph. `ends`: where each layer ends; its arcs lead to node 1, 2, ...
    `first`: where the rest of a node begins in the rest, for node 1, 2, ...
    """

    slot: IntArray
    label: IntArray
    ends: tuple[int, ...]
    first: IntArray


class Entries(NamedTuple):
    """Arcs into a node. `sources`: [arcs]; `labels`: the distinct labels; `which`: [arcs], the label of an arc, None
    where all labels are distinct. `arcs`: source, label and number of the label; `number`: that of a label.
    """

    sources: IntArray
    labels: IntArray
    which: IntArray | None
    arcs: list[tuple[int, int, int]]
    number: dict[int, int]


@dataclass(frozen=True, eq=False)
class DecodingGraph:
    """Arcs (one phone each) sorted by their target; node 0 is the start and no arc leads to it. The more arcs lead to
    one of the others, the lower is its number.

    `tokens`: of the model, token 0 = blank. `label`: [arcs], token of the phone. `source`, `target`: [arcs], the nodes
    that an arc leaves and leads to. `slot`: [arcs], the source plus `num_nodes` where the phone before equals this one,
    so that a blank must have come between. `first`: [nodes - 1], the first arc into node 1, 2, ... `leaving`: arcs
    sorted by source, `leaving_first`: [nodes + 1], where those of a node begin in it. `finals`: nodes where a sentence
    ends. `speller`: the words of a path; `backward_speller`: those of its end; `other_words`: what they are told from.
    """

    num_nodes: int
    tokens: tuple[str, ...]
    label: IntArray
    source: IntArray
    target: IntArray
    slot: IntArray
    first: IntArray
    leaving: IntArray
    leaving_first: IntArray
    finals: IntArray
    speller: Speller
    backward_speller: Speller
    other_words: OtherWords

    @classmethod
    def of(
        cls,
        num_nodes: int,
        tokens: tuple[str, ...],
        source: IntArray,
        label: IntArray,
        target: IntArray,
        finals: IntArray,
        speller: Speller,
    ) -> DecodingGraph:
        """The graph of arcs that are in order: by target, label and source. A label that both leads to a node and
        leaves it is the only one that leads to it, so the phone of an arc repeats the one before where they are equal.
        """
        before = np.zeros(num_nodes, dtype=np.int64)
        before[target] = label
        leaving = np.argsort(source, kind="stable")
        return cls(
            num_nodes=num_nodes,
            tokens=tokens,
            label=label,
            source=source,
            target=target,
            slot=source + num_nodes * (before[source] == label),
            first=np.searchsorted(target, np.arange(1, num_nodes)),
            leaving=leaving,
            leaving_first=np.searchsorted(source[leaving], np.arange(num_nodes + 1)),
            finals=finals,
            speller=speller,
            backward_speller=speller.backwards(),
            other_words=OtherWords(vocabulary_of(tokens), speller.said),
        )

    @property
    def num_tokens(self) -> int:
        """Of the model."""
        return len(self.tokens)

    @property
    def num_arcs(self) -> int:
        """Number of phone states of the search."""
        return len(self.label)

    def incoming(self, node: int) -> slice:
        """The arcs that lead to a node, sorted by label."""
        if node == 0:
            return slice(0, 0)
        end = int(self.first[node]) if node < self.num_nodes - 1 else len(self.label)
        return slice(int(self.first[node - 1]), end)

    def entries(self, node: int) -> Entries:
        """The same arcs; kept, as most searches end with the same words."""
        known = self._entries.get(node)
        if known is None:
            arcs = self.incoming(node)
            labels, which = np.unique(self.label[arcs], return_inverse=True)
            known = self._entries[node] = Entries(
                sources=self.source[arcs],
                labels=labels,
                which=None if len(labels) == len(which) else which,
                arcs=list(zip(self.source[arcs].tolist(), self.label[arcs].tolist(), which.tolist(), strict=True)),
                number={label: number for number, label in enumerate(labels.tolist())},
            )
        return known

    @cached_property
    def _entries(self) -> dict[int, Entries]:
        return {}

    @cached_property
    def layers(self) -> Layers:
        """The arcs as `DenseSearch` wants them."""
        counts = np.diff(self.first, append=len(self.label))  # of the arcs into node 1, 2, ..., never rising
        rank = np.arange(len(self.label)) - self.first.repeat(counts)
        sizes = np.bincount(rank)
        depth = max(1, int(np.searchsorted(-sizes, -LEAST_LAYER, side="right")))
        order = np.lexsort((self.target, np.minimum(rank, depth)))
        with_rest = counts[counts > depth] - depth
        return Layers(
            slot=self.slot[order],
            label=self.label[order],
            ends=tuple(sizes[:depth].cumsum().tolist()),
            first=with_rest.cumsum() - with_rest,
        )

    def can_continue(self, node: int) -> bool:
        """Whether a phone may follow at a node."""
        return bool(self.leaving_first[node + 1] > self.leaving_first[node])


def compile_graph(
    graph: WordGraph, lexicon: Pronouncing, tokens: Sequence[str], max_arcs: int = 1_000_000
) -> DecodingGraph:
    """Pronounce, merge and number a word graph for a model with these tokens (token 0 = blank).

    Raises GrammarError for a grammar that is empty, has no end or needs over `max_arcs` arcs, and
    PronunciationError for a word that cannot be said.
    """
    words = _smallest(_without_epsilon(graph))
    if words.start in words.finals:
        raise GrammarError("the grammar accepts the empty sentence: give at least one word that must be said")
    token_of = {token: number for number, token in enumerate(tokens)}
    said = {
        word: tuple(dict.fromkeys(_tokens(phones, token_of) for phones in lexicon.pronunciations(word)))
        for word in dict.fromkeys(word for arcs in words.arcs for word in arcs)
    }
    phones = _smallest(_pronounce(words, said))
    if phones.num_arcs > max_arcs:
        raise GrammarError(f"the grammar needs {phones.num_arcs} phone arcs; at most {max_arcs} are allowed")
    return _number(phones, tuple(tokens), Speller(words.arcs, (words.start,), words.finals, said))


def _smallest(automaton: Automaton[Label]) -> Automaton[Label]:
    """The deterministic or the merged nondeterministic automaton, whichever has fewer arcs.

    Determinising shares beginnings, but where many paths differ in what may follow it multiplies what follows.
    """
    merged = minimise(automaton)
    deterministic = determinise(merged, max_arcs=2 * merged.num_arcs)
    if deterministic is not None:
        deterministic = minimise(deterministic)
    if deterministic is None or deterministic.num_arcs > merged.num_arcs:
        return merged
    return deterministic


def _without_epsilon(graph: WordGraph) -> Automaton[str]:
    silent = [[arc.target for arc in leaving if arc.word is None] for leaving in graph.leaving]
    arcs: list[dict[str, tuple[int, ...]]] = []
    finals = set()
    for node in range(graph.num_nodes):
        reached = [node]
        seen = {node}
        for current in reached:  # grows while it is read
            reached.extend(target for target in dict.fromkeys(silent[current]) if target not in seen)
            seen.update(silent[current])
        outgoing: dict[str, dict[int, None]] = {}
        for current in reached:
            for arc in graph.leaving[current]:
                if arc.word is not None:
                    outgoing.setdefault(arc.word, {})[arc.target] = None
        arcs.append({word: tuple(targets) for word, targets in outgoing.items()})
        if not graph.finals.isdisjoint(reached):
            finals.add(node)
    return Automaton(graph.start, frozenset(finals), tuple(arcs))


def _tokens(phones: Sequence[str], token_of: dict[str, int]) -> Phones:
    unknown = [phone for phone in phones if phone not in token_of]
    if unknown:
        raise GrammarError(f"the model has no token {unknown[0]!r}; it has {' '.join(token_of)}")
    return tuple(token_of[phone] for phone in phones)


def _pronounce(words: Automaton[str], said: dict[str, tuple[Phones, ...]]) -> Automaton[int]:
    """A prefix tree of pronunciations from every word node; the last phone of a word leads to the next word node."""
    arcs: list[dict[int, list[int]]] = [{} for _ in words.arcs]
    for node, outgoing in enumerate(words.arcs):
        inner: dict[tuple[int, int], int] = {}
        for word, targets in outgoing.items():
            for phones in said[word]:
                at = node
                for phone in phones[:-1]:
                    if (at, phone) not in inner:
                        inner[at, phone] = len(arcs)
                        arcs[at].setdefault(phone, []).append(len(arcs))
                        arcs.append({})
                    at = inner[at, phone]
                ends = arcs[at].setdefault(phones[-1], [])
                ends.extend(target for target in targets if target not in ends)
    return Automaton(words.start, words.finals, tuple({p: tuple(t) for p, t in outgoing.items()} for outgoing in arcs))


def _number(automaton: Automaton[int], tokens: tuple[str, ...], speller: Speller) -> DecodingGraph:
    """Arrays from an automaton. A node that a phone both leads to and leaves is split by the phone before, exactly."""
    triples = [
        (source, label, target)
        for source, arcs in enumerate(automaton.arcs)
        for label, targets in arcs.items()
        for target in targets
    ]
    # number of (node, label before it); label 0 where no label that leaves the node equals the one before
    number_of: dict[tuple[int, int], int] = {(automaton.start, 0): 0}
    copies: dict[int, list[int]] = {automaton.start: [0]}
    for _, label, target in triples:
        key = (target, label if label in automaton.arcs[target] else 0)
        if key not in number_of:
            number_of[key] = len(number_of)
            copies.setdefault(target, []).append(key[1])
    rows = [
        (
            number_of[target, label if label in automaton.arcs[target] else 0],
            label,
            number_of[source, before],
        )
        for source, label, target in triples
        for before in copies[source]
    ]
    num_nodes = len(number_of)
    targets, labels, sources = np.array(rows, dtype=np.int64).T
    by_arcs = np.argsort(-np.bincount(targets)[1:], kind="stable")  # most arcs first, but for the start
    new_number = np.zeros(num_nodes, dtype=np.int64)
    new_number[1 + by_arcs] = np.arange(1, num_nodes)
    targets, sources = new_number[targets], new_number[sources]
    order = np.lexsort((sources, labels, targets))
    finals = np.sort(new_number[[number for (node, _), number in number_of.items() if node in automaton.finals]])
    return DecodingGraph.of(num_nodes, tokens, sources[order], labels[order], targets[order], finals, speller)
