"""What a sentence of a grammar means, found by walking its word graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..wordgraph import WordArc


class SlotSpan(NamedTuple):
    """A slot's value and the words it was said with, by index; `last_word` is the last of them, included."""

    name: str
    value: Any
    first_word: int
    last_word: int


@dataclass(frozen=True)
class Interpretation:
    """The meaning of a sentence: `intent` is None in a grammar of plain phrases, `text` the words joined by spaces."""

    intent: str | None
    slots: tuple[SlotSpan, ...]
    text: str


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
