"""A graph of text fragments to a graph of words: fragments without a space between them are one word."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from itertools import groupby

from speech_lstm.runtime.lexicon.text import spoken_words

from .fragments import SPACE, Fragments, Mark
from .wordgraph import WordArc, WordGraph


class _Sentinel(Enum):
    """Stays itself when a grammar is pickled."""

    SLOT_BEGINS = "slot begins"


SLOT_BEGINS = _Sentinel.SLOT_BEGINS
"""`WordArc.value` of an arc that opens a slot; the next arc with that slot closes it and has the value."""

Step = tuple[str, tuple[Mark, ...], int]
"""From a place where a word may begin: text of a whole word (or ""), the marks in it, the node after it."""

_spoken = cache(spoken_words)


def word_graph(fragments: Fragments, root: int) -> WordGraph:
    """The words of a fragment graph.

    An arc has a word, or a meaning, or neither: `intent` set for the intent of the sentence; `slot` set and `value`
    SLOT_BEGINS before the words of a slot; `slot` and `value` set after them. A slot that closes without having been
    opened has a fixed value, which the whole sentence stands for.
    """
    joined = _Joined(fragments)
    needed = [root]
    seen = {root}
    order = []
    for node in needed:  # grows while it is read
        order.append(node)
        for _, _, target in joined.steps(node):
            if target not in seen:
                seen.add(target)
                needed.append(target)
    for node in sorted(order):
        joined.add(node)
    return joined.graph(root)


class _Joined(Fragments):
    """Word arcs, made from the end to the beginning like the fragments; labels are words, marks or nothing."""

    def __init__(self, fragments: Fragments) -> None:
        super().__init__()
        self._fragments = fragments
        self._steps: dict[int, list[Step]] = {}
        self._words_at: dict[int, int] = {Fragments.END: Fragments.END}

    def steps(self, node: int) -> list[Step]:
        """The steps from a fragment node, each once."""
        if node not in self._steps:
            self._steps[node] = list(dict.fromkeys(self._walk(node)))
        return self._steps[node]

    def _walk(self, node: int) -> Iterator[Step]:
        for label, target in self._fragments.arcs[node]:
            if isinstance(label, str) and label != SPACE:
                yield from self._rest_of_word(target, label, ())
            else:
                yield "", (label,) if isinstance(label, Mark) else (), target

    def _rest_of_word(self, node: int, text: str, marks: tuple[Mark, ...]) -> Iterator[Step]:
        if node == Fragments.END:
            yield text, marks, node
        for label, target in self._fragments.arcs[node]:
            if label == SPACE:
                yield text, marks, target
            elif isinstance(label, str):
                yield from self._rest_of_word(target, text + label, marks)
            elif isinstance(label, Mark):
                yield from self._rest_of_word(target, text, (*marks, label))
            else:
                yield from self._rest_of_word(target, text, marks)

    def add(self, node: int) -> None:
        """Make the word node of a fragment node; those that it leads to have been added before."""
        if node == Fragments.END:
            return
        branches = []
        for (words, begins), group in groupby(self.steps(node), key=_said):
            afters = []
            for text, marks, target in group:
                after = self._words_at[target]
                for mark in reversed([mark for mark in marks if text and not mark.begins]):
                    after = self.mark(mark, after)
                afters.append(after)
            branch = self.union(afters)
            for word in reversed(words):
                branch = self.node([(word, branch)])
            for mark in reversed(begins):
                branch = self.mark(mark, branch)
            branches.append(branch)
        self._words_at[node] = self.union(branches)

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
                arcs.append(_word_arc(number_of[node], number_of[target], label))
        finals = frozenset((number_of[Fragments.END],)) if Fragments.END in number_of else frozenset()
        return WordGraph(num_nodes=len(number_of), start=0, finals=finals, arcs=tuple(arcs))


def _said(step: Step) -> tuple[tuple[str, ...], tuple[Mark, ...]]:
    """The words of a step and the marks before them: of slots that begin, and all marks where there are no words."""
    text, marks, _ = step
    if not text:
        return (), marks
    return _spoken(text), tuple(mark for mark in marks if mark.begins)


def _word_arc(source: int, target: int, label: str | Mark | None) -> WordArc:
    if not isinstance(label, Mark):
        return WordArc(source, target, label)
    value = SLOT_BEGINS if label.begins else label.value
    return WordArc(source, target, None, slot=label.slot, value=value, intent=label.intent)
