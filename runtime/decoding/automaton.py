"""Small acyclic automata over any labels (words, phones): determinise, minimise, trim."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from speech_lstm.runtime.errors import GrammarError

Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True)
class Automaton(Generic[Label]):
    """An acyclic automaton without epsilon arcs: `arcs[node][label]` are the nodes that `label` leads to.

    It is deterministic when every such tuple holds one node.
    """

    start: int
    finals: frozenset[int]
    arcs: tuple[dict[Label, tuple[int, ...]], ...]

    @property
    def num_arcs(self) -> int:
        """Number of (source, label, target) triples."""
        return sum(len(targets) for arcs in self.arcs for targets in arcs.values())


def determinise(automaton: Automaton[Label], max_arcs: int) -> Automaton[Label] | None:
    """The same language with one target a label (subset construction), or None if that needs over `max_arcs` arcs."""
    subsets: list[tuple[int, ...]] = [(automaton.start,)]
    number_of = {subsets[0]: 0}
    arcs: list[dict[Label, tuple[int, ...]]] = []
    num_arcs = 0
    for subset in subsets:  # grows while it is read
        if len(subset) == 1:
            reached = automaton.arcs[subset[0]]
        else:
            gathered: dict[Label, list[int]] = {}
            for node in subset:
                for label, targets in automaton.arcs[node].items():
                    gathered.setdefault(label, []).extend(targets)
            reached = {label: tuple(targets) for label, targets in gathered.items()}
        outgoing: dict[Label, tuple[int, ...]] = {}
        for label, targets in reached.items():
            key = targets if len(targets) == 1 else tuple(sorted(set(targets)))
            number = number_of.get(key)
            if number is None:
                number = number_of[key] = len(subsets)
                subsets.append(key)
            outgoing[label] = (number,)
        arcs.append(outgoing)
        num_arcs += len(outgoing)
        if num_arcs > max_arcs:
            return None
    finals = frozenset(i for i, subset in enumerate(subsets) if not automaton.finals.isdisjoint(subset))
    return Automaton(0, finals, tuple(arcs))


def minimise(automaton: Automaton[Label]) -> Automaton[Label]:
    """Merge nodes that the same labels lead from to the same nodes, from the ends backwards, and drop dead ends.

    For a deterministic automaton the result is the smallest one (Revuz 1992); any other one keeps its language.
    Raises GrammarError when a cycle is found.
    """
    merged: dict[object, int] = {}
    kept: list[dict[Label, tuple[int, ...]]] = []
    finals: set[int] = set()
    new_number: dict[int, int | None] = {}  # None: no sentence ends beyond this node
    for node in _leaves_first(automaton):
        outgoing: dict[Label, tuple[int, ...]] = {}
        for label, targets in automaton.arcs[node].items():
            alive = {number for target in targets if (number := new_number[target]) is not None}
            if alive:
                outgoing[label] = tuple(sorted(alive))
        final = node in automaton.finals
        if not outgoing and not final:
            new_number[node] = None
            continue
        signature = (final, frozenset(outgoing.items()))
        number = merged.get(signature)
        if number is None:
            number = merged[signature] = len(kept)
            kept.append(outgoing)
            if final:
                finals.add(number)
        new_number[node] = number
    start = new_number[automaton.start]
    if start is None:
        raise GrammarError("the grammar has no sentence: no path leads from its start to an end")
    return Automaton(start, frozenset(finals), tuple(kept))


def _leaves_first(automaton: Automaton[Label]) -> list[int]:
    """The nodes that the start leads to, every node after all of its successors."""
    order: list[int] = []
    entered: set[int] = set()
    done: set[int] = set()
    stack = [automaton.start]
    while stack:
        node = stack[-1]
        if node in entered:
            stack.pop()
            if node not in done:
                done.add(node)
                order.append(node)
            continue
        entered.add(node)
        for targets in automaton.arcs[node].values():
            for target in targets:
                if target not in entered:
                    stack.append(target)
                elif target not in done:
                    raise GrammarError("the grammar repeats without end: its word graph has a cycle")
    return order
