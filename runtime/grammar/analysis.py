"""Facts about a grammar without enumerating its sentences: how many there are, samples, sentences with two intents."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .grammar import Grammar
from .wordgraph import WordGraph

MOST_WORK = 5_000_000
"""Steps at which counting is given up."""

MOST_TRIES = 1000
"""At another sample sentence."""

Member = tuple[int, str | None]
"""A node of the word graph, and the intent of the sentences that lead through it as far as it is known."""


@dataclass(frozen=True)
class Ambiguity:
    """A sentence with several intents, in the order of preference."""

    words: tuple[str, ...]
    intents: tuple[str, ...]


@dataclass(frozen=True)
class Sentences:
    """All sentences of a grammar: how many different ones, and the shortest for each set of intents that share one."""

    count: int
    ambiguities: tuple[Ambiguity, ...]


def sentences(graph: WordGraph) -> Sentences | None:
    """Subset construction over words; None when the grammar is too entangled for it."""
    steps = _Steps(graph)
    subsets: list[tuple[Member, ...]] = [((graph.start, None),)]
    number_of = {subsets[0]: 0}
    came_from: list[tuple[int, str] | None] = [None]
    arcs: list[list[int]] = []
    intents_at: list[dict[str | None, None]] = []
    work = 0
    for number, subset in enumerate(subsets):  # grows while it is read
        reached: dict[str, dict[Member, None]] = {}
        ends: dict[str | None, None] = {}
        for node, intent in subset:
            work += len(steps.of(node))
            if work > MOST_WORK:
                return None
            for word, target, found in steps.of(node):
                if word is None:
                    ends[found or intent] = None
                else:
                    reached.setdefault(word, {})[target, found or intent] = None
        outgoing = []
        for word, members in reached.items():
            key = tuple(members)
            if key not in number_of:
                number_of[key] = len(subsets)
                subsets.append(key)
                came_from.append((number, word))
            outgoing.append(number_of[key])
        arcs.append(outgoing)
        intents_at.append(ends)
    shared: dict[tuple[str | None, ...], Ambiguity] = {}
    for number, ends in enumerate(intents_at):
        if len(ends) > 1 and tuple(ends) not in shared:
            names = tuple(intent or "no intent" for intent in ends)
            shared[tuple(ends)] = Ambiguity(_words_to(number, came_from), names)
    return Sentences(_count(arcs, [bool(ends) for ends in intents_at]), tuple(shared.values()))


class _Steps:
    """Words that can come next at a node, with markers and empty arcs passed over."""

    def __init__(self, graph: WordGraph) -> None:
        self._finals = graph.finals
        self._leaving = graph.leaving
        self._found: dict[int, list[tuple[str | None, int, str | None]]] = {}

    def of(self, node: int) -> list[tuple[str | None, int, str | None]]:
        """Word, target and the intent passed on the way; word None where a sentence may end."""
        pending = [node] if node not in self._found else []
        while pending:  # first the nodes that empty arcs and markers lead to, without recursion
            here = pending[-1]
            silent = [arc.target for arc in self._leaving[here] if arc.word is None and arc.intent is None]
            missing = [target for target in silent if target not in self._found]
            pending += missing
            if not missing:
                pending.pop()
                if here not in self._found:
                    self._found[here] = list(dict.fromkeys(self._walk(here, None)))
        return self._found[node]

    def _walk(self, node: int, intent: str | None) -> Iterator[tuple[str | None, int, str | None]]:
        if node in self._finals:
            yield None, node, intent
        for arc in self._leaving[node]:
            if arc.word is not None:
                yield arc.word, arc.target, intent
            elif arc.intent is not None:
                yield from self._walk(arc.target, arc.intent)
            else:
                yield from ((word, target, found or intent) for word, target, found in self.of(arc.target))


def _words_to(number: int, came_from: list[tuple[int, str] | None]) -> tuple[str, ...]:
    words = []
    while (step := came_from[number]) is not None:
        number, word = step
        words.append(word)
    return tuple(reversed(words))


def _count(arcs: list[list[int]], final: list[bool]) -> int:
    """Paths from node 0 to final nodes of an acyclic graph."""
    counts: list[int | None] = [None] * len(arcs)
    pending = [0]
    while pending:
        node = pending[-1]
        missing = [target for target in arcs[node] if counts[target] is None]
        if missing:
            pending.extend(missing)
        else:
            counts[node] = final[node] + sum(counts[target] or 0 for target in arcs[node])
            pending.pop()
    return counts[0] or 0


def samples(grammar: Grammar, each: int = 2, seed: int = 0) -> Iterator[tuple[str | None, str]]:
    """Intent and text of a few random sentences of each intent, different ones."""
    chance = random.Random(seed)
    entries: dict[str | None, list[int]] = {}
    for arc in grammar.graph.arcs:
        if arc.intent is not None:
            entries.setdefault(arc.intent, []).append(arc.target)
    if any(template.block.intent is None for template in grammar.source.templates):
        entries.setdefault(None, []).append(grammar.graph.start)
    for intent, nodes in entries.items():
        texts: dict[str, None] = {}
        tries = 0
        for _ in range(8 * each):
            tries += 1
            if tries > MOST_TRIES:  # there are no more, or they are very rare
                break
            node, words = chance.choice(nodes), []
            while leaving := grammar.graph.leaving[node]:
                arc = chance.choice(leaving)
                words += [arc.word] if arc.word is not None else []
                node = arc.target
            text = " ".join(words)
            if text not in texts and grammar.interpret(words).intent == intent:
                texts[text] = None
                tries = 0
        yield from ((intent, text) for text in islice(texts, each))
