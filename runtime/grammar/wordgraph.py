"""The word graph: what a grammar means, as an acyclic automaton over words. Grammars make it, the decoder reads it."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from speech_lstm.runtime.errors import GrammarError

MOST_KNOWN = 1000
"""Answers of `WordGraph.before` that are kept."""


@dataclass(frozen=True)
class WordArc:
    """One step through a word graph: a word, or nothing (an epsilon arc, `word` None).

    `slot`, `value` and `intent` carry the meaning; the decoder looks at `word` alone.
    """

    source: int
    target: int
    word: str | None
    slot: str | None = None
    value: Any = None
    intent: str | None = None


@dataclass(frozen=True)
class WordGraph:
    """An acyclic automaton over words, nodes 0..num_nodes-1; the sentences are the paths from `start` to `finals`."""

    num_nodes: int
    start: int
    finals: frozenset[int]
    arcs: tuple[WordArc, ...]

    @cached_property
    def leaving(self) -> tuple[tuple[WordArc, ...], ...]:
        """The arcs that leave each node, in the order of `arcs`."""
        leaving: list[list[WordArc]] = [[] for _ in range(self.num_nodes)]
        for arc in self.arcs:
            leaving[arc.source].append(arc)
        return tuple(map(tuple, leaving))

    @cached_property
    def sources(self) -> dict[str, dict[int, list[int]]]:
        """Word -> target -> sources of the arcs with it."""
        found: dict[str, dict[int, list[int]]] = {}
        for arc in self.arcs:
            if arc.word is not None:
                found.setdefault(arc.word, {}).setdefault(arc.target, []).append(arc.source)
        return found

    @cached_property
    def ending(self) -> frozenset[int]:
        """The nodes from which a sentence can end without another word."""
        return self.silently_before(self.finals)

    @cached_property
    def _silent_sources(self) -> dict[int, list[int]]:
        """Target -> sources of the arcs without a word."""
        found: dict[int, list[int]] = {}
        for arc in self.arcs:
            if arc.word is None:
                found.setdefault(arc.target, []).append(arc.source)
        return found

    @cached_property
    def _known_before(self) -> dict[tuple[str, frozenset[int]], frozenset[int]]:
        return {}

    def before(self, word: str, nodes: frozenset[int]) -> frozenset[int]:
        """The nodes from which a word, with what has no word before it, leads to any of `nodes`. Answers are kept,
        up to `MOST_KNOWN`: likely sentences mostly end alike.
        """
        found = self._known_before.get((word, nodes))
        if found is None:
            sources = self.sources.get(word, {})
            found = self.silently_before({source for target in sources.keys() & nodes for source in sources[target]})
            if len(self._known_before) >= MOST_KNOWN:
                self._known_before.clear()
            self._known_before[word, nodes] = found
        return found

    def silently_before(self, nodes: Collection[int]) -> frozenset[int]:
        """These nodes and all from which they are reached without a word."""
        found, pending = set(nodes), list(nodes)
        while pending:
            new = [node for node in self._silent_sources.get(pending.pop(), ()) if node not in found]
            found.update(new)
            pending += new
        return frozenset(found)

    def __post_init__(self) -> None:
        """Raise GrammarError when an arc, the start or a final node lies outside 0..num_nodes-1."""
        inside = range(self.num_nodes)
        nodes = {self.start, *self.finals, *(arc.source for arc in self.arcs), *(arc.target for arc in self.arcs)}
        outside = sorted(node for node in nodes if node not in inside)
        if outside:
            raise GrammarError(f"word graph of {self.num_nodes} nodes refers to node {outside[0]}")
