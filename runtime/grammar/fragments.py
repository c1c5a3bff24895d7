"""Pieces of text on an acyclic graph, built from the end to the beginning so that equal continuations are one node."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import GrammarError

SPACE = " "
MOST_ARCS = 1_000_000

_PIECE = re.compile(r"\s+|°[cf]\b|[%°&+=@]|[^\s%°&+=@]+")


@dataclass(frozen=True, eq=False)
class Mark:
    """What a place in a sentence means: a slot begins, a slot ends with a value, the sentence has an intent."""

    slot: str | None = None
    value: Any = None
    begins: bool = False
    intent: str | None = None


Label = str | Mark | None
"""Characters without a space, `SPACE` between words, a mark, or nothing."""
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
        """A node that says text on the way to the target; signs such as % and ° stand apart from their neighbours."""
        pieces = _PIECE.findall(text.lower())
        for index in reversed(range(len(pieces))):
            piece = pieces[index]
            if piece.isspace():
                target = self.space(target)
            elif piece[0] in "%°&+=@":
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

    def trie(self, entries: Iterable[tuple[tuple[str, ...], int]]) -> int:
        """A node that continues with any of the word sequences, each to its own node, with beginnings shared."""
        root: dict[str | None, Any] = {}
        for words, target in entries:
            level = root
            for word in words:
                level = level.setdefault(word, {})
            level.setdefault(None, []).append(target)
        return self._trie_node(root)

    def _trie_node(self, level: dict[str | None, Any]) -> int:
        ends = level.get(None, [])
        arcs: list[Arc] = [] if not ends else [(None, end) for end in dict.fromkeys(ends)]
        for word, after in level.items():
            if word is not None:
                arcs.append((word, self._after_word(after)))
        return self.node(arcs)

    def _after_word(self, level: dict[str | None, Any]) -> int:
        """The node after a word of a trie: the ends follow at once, another word after a space."""
        ends = dict.fromkeys(level.get(None, []))
        more: dict[str | None, Any] = {word: after for word, after in level.items() if word is not None}
        longer = [self.space(self._trie_node(more))] if more else []
        return self.union([*ends, *longer])
