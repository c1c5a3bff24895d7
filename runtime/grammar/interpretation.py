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


def first_path(graph: WordGraph, words: Sequence[str]) -> tuple[WordArc, ...] | None:
    """The arcs that spell `words` from the start to a final node; None when the graph does not accept them.

    Of several paths it is the one whose arcs come first in `graph.leaving`. It goes straight there, because the nodes
    from which the rest can be spelt are found from the end.
    """
    spells = [graph.ending]
    for word in reversed(words):
        spells.append(graph.before(word, spells[-1]))
    spells.reverse()
    if graph.start not in spells[0]:
        return None
    node, position = graph.start, 0
    path: list[WordArc] = []
    while position < len(words) or node not in graph.finals:
        for arc in graph.leaving[node]:
            after = position + (arc.word is not None)
            if arc.word in (None, *words[position : position + 1]) and arc.target in spells[after]:
                break
        path.append(arc)
        node, position = arc.target, after
    return tuple(path)


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
