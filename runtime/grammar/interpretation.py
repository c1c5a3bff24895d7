"""What a sentence of a grammar means, found by walking its word graph."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .joining import SLOT_BEGINS
from .wordgraph import WordArc, WordGraph


class SlotSpan(NamedTuple):
    """A slot's value and the words it was said with, by index; `last_word` is the last of them, included.

    A value that the template fixes (`slots:` in YAML) is said with the whole sentence.
    """

    name: str
    value: Any
    first_word: int
    last_word: int


@dataclass(frozen=True)
class Interpretation:
    """The meaning of a sentence: `intent` is None where the grammar names none, `text` the words joined by spaces."""

    intent: str | None
    slots: tuple[SlotSpan, ...]
    text: str


def paths(graph: WordGraph) -> Iterator[tuple[WordArc, ...]]:
    """All ways through a graph, in the order of its arcs."""
    arcs_from: list[list[WordArc]] = [[] for _ in range(graph.num_nodes)]
    for arc in graph.arcs:
        arcs_from[arc.source].append(arc)
    pending: list[tuple[int, tuple[WordArc, ...]]] = [(graph.start, ())]
    while pending:
        node, path = pending.pop()
        if node in graph.finals:
            yield path
        pending.extend((arc.target, (*path, arc)) for arc in reversed(arcs_from[node]))


def first_path(
    arcs_from: Sequence[Sequence[WordArc]], start: int, finals: frozenset[int], words: Sequence[str]
) -> tuple[WordArc, ...] | None:
    """The arcs that spell `words` from `start` to a final node; None when the graph does not accept them.

    Of several paths it is the one whose arcs come first in `arcs_from` [node]. Every pair of node and position is
    visited at most once, so the time is bounded by arcs times words.
    """
    path: list[WordArc] = []
    tried = {(start, 0)}
    pending = [(start, 0, iter(arcs_from[start]))]
    while pending:
        node, position, arcs = pending[-1]
        if position == len(words) and node in finals:
            return tuple(path)
        for arc in arcs:
            after = position + (arc.word is not None)
            if arc.word is not None and (position == len(words) or arc.word != words[position]):
                continue
            if (arc.target, after) not in tried:
                tried.add((arc.target, after))
                path.append(arc)
                pending.append((arc.target, after, iter(arcs_from[arc.target])))
                break
        else:
            pending.pop()
            if path:
                path.pop()
    return None


def meaning(path: Sequence[WordArc], words: Sequence[str]) -> Interpretation:
    """Intent and slots on a path of `first_path`, slots in the order in which they end."""
    intent = None
    slots = []
    begun: dict[str, int] = {}
    position = 0
    for arc in path:
        if arc.word is not None:
            position += 1
        elif arc.intent is not None:
            intent = arc.intent
        elif arc.slot is not None and arc.value is SLOT_BEGINS:
            begun[arc.slot] = position
        elif arc.slot in begun:
            slots.append(SlotSpan(arc.slot, arc.value, begun.pop(arc.slot), position - 1))
        elif arc.slot is not None:
            slots.append(SlotSpan(arc.slot, arc.value, 0, len(words) - 1))
    return Interpretation(intent, tuple(slots), " ".join(words))
