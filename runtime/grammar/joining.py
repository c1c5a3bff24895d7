"""A graph of text fragments to a graph of words: fragments without a space between them are read as one text.

So are those with a space that are said together, as "1 1/2", "7:00 pm" or "5 €".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from itertools import groupby

from speech_lstm.runtime.lexicon.dictionary import dictionary_pronunciations
from speech_lstm.runtime.lexicon.text import may_follow, reads_together

from ..errors import GrammarError
from .fragments import MOST_ARCS, SPACE, Arc, Fragments, Label, Mark, Number
from .units import Unit, said, written
from .wordgraph import WordArc, WordGraph


class _Sentinel(Enum):
    """Stays itself when a grammar is pickled."""

    SLOT_BEGINS = "slot begins"


SLOT_BEGINS = _Sentinel.SLOT_BEGINS
"""`WordArc.value` of an arc that opens a slot; the next arc with that slot closes it and has the value."""

MOST_PARTS = 8_000_000
"""Of texts that are read as one, counted again with each part that is added: what a few seconds suffice for."""

MOST_READ = 2_000_000
"""Characters of texts that are read again and again to see what may follow them: a few seconds likewise."""
READ_ONCE = 8
"""Characters that one reading costs beside those of its text."""

MOST_MADE = 200_000
"""Letters of words that come of joining others and that the dictionary lacks: a guess takes 0.2 ms a letter."""

Step = tuple[Unit, int]
"""From a place where a word may begin: text that is read as one with the marks in it, and the node after it."""

_TOO_MANY = "the grammar is too large (over {} combinations): choices written together without a space multiply"

_INSIDE, _AFTER_SPACE, _DONE = range(3)


def word_graph(fragments: Fragments, root: int) -> WordGraph:
    """The words of a fragment graph.

    An arc has a word, or a meaning, or neither: `intent` set for the intent of the sentence; `slot` set and `value`
    SLOT_BEGINS before the words of a slot; `slot` and `value` set after them. A slot that closes without having been
    opened has a fixed value, which the whole sentence stands for.
    """
    joined = _Joined(fragments)
    for node in sorted(joined.reached(root)):
        joined.add(node)
    return joined.graph(root)


def texts(fragments: Fragments, root: int) -> Iterator[str]:
    """The texts of a fragment graph that are read as one; a dash that stands alone with what follows it."""
    joined = _Joined(fragments)
    for node in joined.reached(root):
        for unit, target in joined.steps(node):
            text = written(unit)
            yield from (f"- {first}" for first in joined.firsts(target)) if text == "-" else (text,)


class _Joined(Fragments):
    """Word arcs, made from the end to the beginning like the fragments; labels are words, marks or nothing."""

    def __init__(self, fragments: Fragments) -> None:
        super().__init__()
        self._fragments = fragments
        self._steps: dict[int, list[Step]] = {}
        self._num_steps = 0
        self._num_parts = 0
        self._num_read = 0
        self._made: set[str] = set()
        self._num_made = 0
        self._words_at: dict[int, int] = {Fragments.END: Fragments.END}
        self.firsts = cache(self._find_firsts)
        self.together = cache(self._read_together)

    def space(self, target: int) -> int:
        """Words have no labels between them."""
        return target

    def reached(self, root: int) -> list[int]:
        """The fragment nodes at which a word may begin."""
        needed = [root]
        seen = {root}
        for node in needed:  # grows while it is read
            for _, target in self.steps(node):
                if target not in seen:
                    seen.add(target)
                    needed.append(target)
        return needed

    def steps(self, node: int) -> list[Step]:
        """The steps from a fragment node, each once."""
        if node not in self._steps:
            self._steps[node] = list(dict.fromkeys(self._walk(node)))
        return self._steps[node]

    def _walk(self, node: int) -> Iterator[Step]:
        for label, target in self._fragments.arcs[node]:
            if isinstance(label, Number) or (isinstance(label, str) and label != SPACE):
                yield from self._units(target, label)
            else:
                yield (label,) if isinstance(label, Mark) else (), target

    def _units(self, node: int, label: str | Number) -> Iterator[Step]:
        """Everything that may be read as one with the label before a node."""
        pending: list[tuple[int, Unit, int]] = [(node, (label,), _INSIDE)]
        while pending:
            node, unit, state = pending.pop()
            self._num_parts += len(unit)
            if self._num_parts > MOST_PARTS:
                raise GrammarError(_TOO_MANY.format(f"{MOST_PARTS} parts of"))
            if state == _DONE or (node == Fragments.END and state == _INSIDE):
                self._num_steps += 1
                if self._num_steps > MOST_ARCS:
                    raise GrammarError(_TOO_MANY.format(MOST_ARCS))
                yield unit, node
                continue
            following: list[tuple[int, Unit, int]] = []
            for arc in self._fragments.arcs[node]:
                following += self._across(unit, arc) if state == _AFTER_SPACE else self._within(unit, arc)
            pending += reversed(following)

    def _within(self, unit: Unit, arc: Arc) -> list[tuple[int, Unit, int]]:
        """Where an arc inside a word leads."""
        label, target = arc
        if label is None:
            return [(target, unit, _INSIDE)]
        if label != SPACE:
            return [(target, (*unit, label), _INSIDE)]
        left = written(unit)
        may = self.firsts(target, may_follow(left))
        together = [first for first in may if self.together(left, first)]
        found = [(target, unit, _AFTER_SPACE)] if together else []
        apart = len(together) < len(self.firsts(target))
        return [*found, (target, unit, _DONE)] if apart else found

    def _across(self, unit: Unit, arc: Arc) -> list[tuple[int, Unit, int]]:
        """Where an arc after a space leads, if what comes there is read together with what was before."""
        label, target = arc
        if label is None or label == SPACE:
            return [(target, unit, _AFTER_SPACE)]
        if isinstance(label, Mark):
            return [(target, (*unit, label), _AFTER_SPACE)]
        if reads_together(written(unit), written((label,))):
            return [(target, (*unit, SPACE, label), _INSIDE)]
        return []

    def _read_together(self, left: str, first: str) -> bool:
        self._num_read += READ_ONCE + len(left)
        if self._num_read > MOST_READ:
            raise GrammarError(_TOO_MANY.format(f"{MOST_READ} characters of"))
        return reads_together(left, first)

    def _find_firsts(self, node: int, pattern: re.Pattern[str] | None = None) -> tuple[str, ...]:
        """What may come first at a node, "" for the end; with a pattern, what it matches."""
        if pattern is not None:
            return tuple(first for first in self.firsts(node) if first and pattern.match(first))
        found: dict[str, None] = {}
        pending, seen = [node], {node}
        for here in pending:  # grows while it is read
            if here == Fragments.END:
                found[""] = None
            for label, target in self._fragments.arcs[here]:
                if isinstance(label, Number) or (isinstance(label, str) and label != SPACE):
                    found[written((label,))] = None
                elif target not in seen:
                    seen.add(target)
                    pending.append(target)
        return tuple(found)

    def add(self, node: int) -> None:
        """Make the word node of a fragment node; those that it leads to have been added before."""
        if node == Fragments.END:
            return
        ways: list[tuple[tuple[Label, ...], int]] = []
        for unit, target in self.steps(node):
            found = said(unit)
            ways += [(labels, self._words_at[target]) for labels in found]
            if _joins_letters(unit):
                self._count_made(found)
        branches: list[int] = []
        for first, group in groupby(ways, key=_kind_of_first):
            alike = list(group)
            branches += [after for _, after in alike] if first is None else [self.trie(alike)]
        self._words_at[node] = self.union(branches)

    def _count_made(self, ways: Iterable[tuple[Label, ...]]) -> None:
        for word in {label for labels in ways for label in labels if isinstance(label, str)} - self._made:
            self._made.add(word)
            self._num_made += 0 if dictionary_pronunciations(word) else len(word)
            if self._num_made > MOST_MADE:
                reason = _TOO_MANY.format(f"{MOST_MADE} letters of")
                raise GrammarError(f"{reason}, here to words that are in no dictionary, as {word!r}")

    def graph(self, fragment_root: int) -> WordGraph:
        """The nodes that can be reached, numbered from the start."""
        needed = [self._words_at[fragment_root]]
        number_of = {needed[0]: 0}
        arcs: list[WordArc] = []
        for node in needed:  # grows while it is read
            for label, target in self.arcs[node]:
                if target not in number_of:
                    number_of[target] = len(number_of)
                    needed.append(target)
                assert not isinstance(label, Number)
                arcs.append(_word_arc(number_of[node], number_of[target], label))
        finals = frozenset((number_of[Fragments.END],)) if Fragments.END in number_of else frozenset()
        return WordGraph(num_nodes=len(number_of), start=0, finals=finals, arcs=tuple(arcs))


def _joins_letters(unit: Unit) -> bool:
    """Whether it may be a word that is none of its parts; endings with an apostrophe are cheap to guess."""
    return sum(isinstance(part, str) and part[0].isalpha() for part in unit) > 1


def _kind_of_first(way: tuple[tuple[Label, ...], int]) -> Mark | str | None:
    """What ways must have in common to share their beginnings: that they begin with a word, or with the same mark."""
    labels, _ = way
    if not labels:
        return None
    return labels[0] if isinstance(labels[0], Mark) else "word"


def _word_arc(source: int, target: int, label: str | Mark | None) -> WordArc:
    if not isinstance(label, Mark):
        return WordArc(source, target, label)
    value = SLOT_BEGINS if label.begins else label.value
    return WordArc(source, target, None, slot=label.slot, value=value, intent=label.intent)
