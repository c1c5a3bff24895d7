"""The search graph of the decoder: a word graph and a lexicon become the smallest automaton over phones.

Words are not in the graph that is searched. In CTC silence is blank and blank may stand between any two phones, so word
boundaries do not change a score: prefixes and suffixes of words can be shared without limit, and the words of a
phone sequence are read off afterwards (`DecodingGraph.spell`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .automaton import Automaton, determinise, minimise
from .errors import GrammarError
from .lexicon import Lexicon
from .wordgraph import WordGraph

Spelling = tuple[tuple[str, int, int], ...]
"""Words with the first phone of each and the one after its last."""


@dataclass(frozen=True)
class PhoneLattice:
    """All pronunciations of a word graph before they are merged, and the words that end on an arc."""

    automaton: Automaton[int]
    words: dict[tuple[int, int, int], tuple[str, ...]]  # (source, token, target) -> words


@dataclass(frozen=True, eq=False)
class DecodingGraph:
    """Arcs (one phone each) sorted by their target; node 0 is the start and no arc leads to it.

    `label`: int64 [arcs], token of the phone. `source`: int64 [arcs], the node an arc leaves; `slot`: int64 [arcs], the
    same plus `num_nodes` where the phone before may equal this one, so that a blank must have come between. `first`:
    int64 [nodes - 1], the first arc into node 1, 2, ... `finals`: int64, nodes where a sentence ends.
    `can_continue`: bool [nodes], whether an arc leaves the node.
    """

    num_nodes: int
    num_tokens: int
    label: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    finals: npt.NDArray[np.int64]
    can_continue: npt.NDArray[np.bool_]
    lattice: PhoneLattice

    def incoming(self, node: int) -> slice:
        """The arcs that lead to a node."""
        if node == 0:
            return slice(0, 0)
        end = int(self.first[node]) if node < self.num_nodes - 1 else len(self.label)
        return slice(int(self.first[node - 1]), end)

    def spell(self, phones: Sequence[int], complete: bool = True) -> tuple[Spelling, ...]:
        """The word sequences that these tokens pronounce, distinct, in the grammar's order.

        With `complete` false the sentence may break off anywhere, and only words that are over are in the result.
        """
        lattice = self.lattice
        reached: dict[int, list[Spelling]] = {lattice.automaton.start: [()]}
        begun: dict[Spelling, int] = {(): 0}  # phones before the word that is being said
        for position, token in enumerate(phones):
            after: dict[int, list[Spelling]] = {}
            for node, spellings in reached.items():
                for target in lattice.automaton.arcs[node].get(token, ()):
                    found = after.setdefault(target, [])
                    words = lattice.words.get((node, token, target))
                    for spelling in spellings:
                        longer = (
                            [spelling]
                            if words is None
                            else [(*spelling, (word, begun[spelling], position + 1)) for word in words]
                        )
                        for new in longer:
                            if new not in found:
                                found.append(new)
                                begun[new] = new[-1][2] if new else 0
            reached = after
        ends = [s for node, s in reached.items() if not complete or node in lattice.automaton.finals]
        return tuple(dict.fromkeys(spelling for spellings in ends for spelling in spellings))


def compile_graph(
    graph: WordGraph, lexicon: Lexicon, tokens: Sequence[str], max_arcs: int = 1_000_000
) -> DecodingGraph:
    """Pronounce, merge and number a word graph for a model with these tokens (token 0 = blank).

    Raises GrammarError for a grammar that is empty, has no end or needs over `max_arcs` arcs, and
    PronunciationError for a word that cannot be said.
    """
    lattice = phone_lattice(graph, lexicon, tokens)
    merged = minimise(lattice.automaton)
    small = determinise(merged, max_arcs)
    if small is not None:
        merged = minimise(small)
    if merged.start in merged.finals:
        raise GrammarError("the grammar accepts the empty sentence: give at least one word that must be said")
    if merged.num_arcs > max_arcs:
        raise GrammarError(f"the grammar needs {merged.num_arcs} phone arcs; at most {max_arcs} are allowed")
    return _number(merged, len(tokens), lattice)


def phone_lattice(graph: WordGraph, lexicon: Lexicon, tokens: Sequence[str]) -> PhoneLattice:
    """A prefix tree of pronunciations from every word node; the last phone of a word leads to the next word node."""
    token_of = {token: number for number, token in enumerate(tokens)}
    direct: list[list[tuple[str, int]]] = [[] for _ in range(graph.num_nodes)]
    silent: list[list[int]] = [[] for _ in range(graph.num_nodes)]
    for arc in graph.arcs:
        if arc.word is None:
            silent[arc.source].append(arc.target)
        else:
            direct[arc.source].append((arc.word, arc.target))
    said: dict[str, list[tuple[int, ...]]] = {}
    arcs: list[dict[int, tuple[int, ...]]] = [{} for _ in range(graph.num_nodes)]
    words: dict[tuple[int, int, int], tuple[str, ...]] = {}
    finals = set()
    needed = [graph.start]
    seen = {graph.start}
    for node in needed:  # grows while it is read
        closure = _closure(node, silent)
        if not graph.finals.isdisjoint(closure):
            finals.add(node)
        inner: dict[tuple[int, int], int] = {}  # the prefix tree that begins at this node
        for word, target in dict.fromkeys(pair for reached in closure for pair in direct[reached]):
            if word not in said:
                said[word] = [_tokens(phones, token_of) for phones in lexicon.pronunciations(word)]
            for phones in said[word]:
                at = node
                for phone in phones[:-1]:
                    if (at, phone) not in inner:
                        inner[at, phone] = len(arcs)
                        arcs[at][phone] = (*arcs[at].get(phone, ()), len(arcs))
                        arcs.append({})
                    at = inner[at, phone]
                key = (at, phones[-1], target)
                if target not in arcs[at].get(phones[-1], ()):
                    arcs[at][phones[-1]] = (*arcs[at].get(phones[-1], ()), target)
                if word not in words.get(key, ()):
                    words[key] = (*words.get(key, ()), word)
            if target not in seen:
                seen.add(target)
                needed.append(target)
    return PhoneLattice(Automaton(graph.start, frozenset(finals), tuple(arcs)), words)


def _closure(node: int, silent: list[list[int]]) -> list[int]:
    """The nodes that epsilon arcs lead to, with the node itself, in the order of the arcs."""
    reached = [node]
    seen = {node}
    for current in reached:
        for target in silent[current]:
            if target not in seen:
                seen.add(target)
                reached.append(target)
    return reached


def _tokens(phones: Sequence[str], token_of: dict[str, int]) -> tuple[int, ...]:
    unknown = [phone for phone in phones if phone not in token_of]
    if unknown:
        raise GrammarError(f"the model has no token {unknown[0]!r}; it has {' '.join(token_of)}")
    return tuple(token_of[phone] for phone in phones)


def _number(automaton: Automaton[int], num_tokens: int, lattice: PhoneLattice) -> DecodingGraph:
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
            label == before,
        )
        for source, label, target in triples
        for before in copies.get(source, ())
    ]
    rows.sort()
    target, labels, sources, repeat = np.array(rows, dtype=np.int64).T.copy()
    num_nodes = len(number_of)
    can_continue = np.zeros(num_nodes, dtype=np.bool_)
    can_continue[sources] = True
    return DecodingGraph(
        num_nodes=num_nodes,
        num_tokens=num_tokens,
        label=labels,
        source=sources,
        slot=sources + num_nodes * repeat,
        first=np.searchsorted(target, np.arange(1, num_nodes)).astype(np.int64),
        finals=np.array(
            sorted(number for (node, _), number in number_of.items() if node in automaton.finals), dtype=np.int64
        ),
        can_continue=can_continue,
        lattice=lattice,
    )
