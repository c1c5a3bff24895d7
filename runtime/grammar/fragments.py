"""Pieces of text on an acyclic graph, built from the end to the beginning so that equal continuations are one node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from speech_lstm.runtime.lexicon.characters import plain

from ..errors import GrammarError

SPACE = " "
MOST_ARCS = 1_000_000

_PIECE = re.compile(r"\s+|[%&+=@]|[^\s%&+=@]+")


@dataclass(frozen=True)
class Number:
    """A number of a range: its digits, with which signs beside it are read, and the ways to say it alone."""

    written: str
    wordings: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Mark:
    """What a place in a sentence means: a slot begins, a slot ends with a value, the sentence has an intent."""

    slot: str | None = None
    value: Any = None
    begins: bool = False
    intent: str | None = None


Label = str | Number | Mark | None
"""Characters without a space, `SPACE` between words, a number, a mark, or nothing."""
Arc = tuple[Label, int]


class Fragments:
    """Nodes with their outgoing arcs; the targets of a node have smaller numbers than the node.

    Node 0 is the end. Node 1 is a dead end (a list has no value for this sentence), which no arc leads to.
    """

    END, DEAD = 0, 1

    def __init__(self) -> None:
        self.arcs: list[tuple[Arc, ...]] = [(), ()]
        self._number_of: dict[tuple[Arc, ...], int] = {}
        self._marks: dict[tuple[Any, ...], Mark] = {}
        self._num_arcs = 0

    def node(self, arcs: Iterable[Arc]) -> int:
        """The node with these outgoing arcs, in the order of preference."""
        key = tuple(dict.fromkeys(arc for arc in arcs if arc[1] != self.DEAD))
        if not key:
            return self.DEAD
        if len(key) == 1 and key[0][0] is None:
            return key[0][1]
        number = self._number_of.get(key)
        if number is None:
            self._num_arcs += len(key)
            if self._num_arcs > MOST_ARCS:
                raise GrammarError(
                    f"the grammar is too large (over {MOST_ARCS} arcs): permutations of many parts are the usual "
                    "reason, each part is repeated for every set of parts that may have come before"
                )
            number = self._number_of[key] = len(self.arcs)
            self.arcs.append(key)
        return number

    def union(self, nodes: Iterable[int]) -> int:
        """A node that continues as any of these do."""
        arcs: list[Arc] = []
        for node in dict.fromkeys(nodes):
            small = node > self.DEAD and len(self.arcs[node]) <= 4
            arcs.extend(self.arcs[node] if small else [(None, node)])
        return self.node(arcs)

    def text(self, text: str, target: int) -> int:
        """A node that says text on the way to the target; signs that never depend on a number stand apart."""
        for piece in reversed(_PIECE.findall(plain(text))):
            if piece.isspace():
                target = self.space(target)
            elif piece in "%&+=@":
                target = self.space(self.node([(piece, self.space(target))]))
            else:
                target = self.node([(piece, target)])
        return target

    def space(self, target: int) -> int:
        """A node that ends a word on the way to the target."""
        arcs = self.arcs[target]
        if target == self.END or (len(arcs) == 1 and arcs[0][0] == SPACE):
            return target
        return self.node([(SPACE, target)])

    def mark(self, mark: Mark, target: int) -> int:
        """A node that has a meaning on the way to the target."""
        key = (mark.slot, mark.begins, mark.intent, type(mark.value), repr(mark.value))
        return self.node([(self._marks.setdefault(key, mark), target)])

    def trie(self, entries: Iterable[tuple[Sequence[Label], int]]) -> int:
        """A node that continues with any of the sequences, each to its own node, with beginnings shared.

        A beginning is shared by entries that no shorter one comes between, so that the first of two meanings stays it.
        """
        levels: list[list[dict[Label, int] | list[int]]] = [[]]
        for labels, target in entries:
            at = 0
            for label in labels:
                if not (levels[at] and isinstance(levels[at][-1], dict)):
                    levels[at].append({})
                branches = levels[at][-1]
                assert isinstance(branches, dict)
                if label not in branches:
                    branches[label] = len(levels)
                    levels.append([])
                at = branches[label]
            if not (levels[at] and isinstance(levels[at][-1], list)):
                levels[at].append([])
            ends = levels[at][-1]
            assert isinstance(ends, list)
            ends.append(target)
        nodes = [self.DEAD] * len(levels)
        for at in reversed(range(len(levels))):
            found: list[int] = []
            for part in levels[at]:
                if isinstance(part, list):
                    found += part
                else:
                    branch = self.node([(label, nodes[level]) for label, level in part.items()])
                    found.append(self.space(branch) if at else branch)
            nodes[at] = self.union(found)
        return nodes[0]
