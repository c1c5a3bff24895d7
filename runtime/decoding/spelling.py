"""From phones back to words: which word sequences of a grammar are said like this?"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from .automaton import Automaton

Phones = tuple[int, ...]
Spelling = tuple[tuple[str, int, int], ...]
"""Words, each with its first phone and the one after its last."""

MAX_SPELLINGS = 16
"""Of one phone sequence; more are homophones of homophones."""


class Speller:
    """The words of a grammar and how they are said. `words`: automaton over words; `said`: tokens of their phones."""

    def __init__(self, words: Automaton[str], said: Mapping[str, Sequence[Phones]]) -> None:
        self._words = words
        meaning: dict[Phones, list[str]] = {}
        for word, pronunciations in said.items():
            for phones in pronunciations:
                meaning.setdefault(phones, []).append(word)
        self._meaning = meaning
        self._sorted = sorted(meaning)
        self._longest = max(map(len, meaning))

    def spell(self, phones: Sequence[int], complete: bool = True) -> tuple[Spelling, ...]:
        """The distinct word sequences that these phones say, at most `MAX_SPELLINGS`.

        With `complete` false the sentence may break off anywhere and the result holds the words that are over, as
        many as possible.
        """
        given = tuple(phones)
        reached: list[dict[int, list[Spelling]]] = [{} for _ in range(len(given) + 1)]
        reached[0][self._words.start] = [()]
        for begin, nodes in enumerate(reached[:-1]):
            if not nodes:
                continue
            for end in range(begin + 1, min(begin + self._longest, len(given)) + 1):
                for node, spellings in nodes.items():
                    following = self._words.arcs[node]
                    words = [w for w in self._meaning.get(given[begin:end], ()) if w in following]
                    for spelling in spellings if words else ():
                        for word in words:
                            longer = (*spelling, (word, begin, end))
                            for target in following[word]:
                                found = reached[end].setdefault(target, [])
                                if len(found) < MAX_SPELLINGS:
                                    found.append(longer)
        if complete:
            return _distinct(s for node, found in reached[-1].items() if node in self._words.finals for s in found)
        for begin in range(len(given), -1, -1):
            rest = given[begin:]
            possible = _distinct(
                s for node, found in reached[begin].items() if self._may_begin(node, rest) for s in found
            )
            if possible:
                return possible
        return ()

    def _may_begin(self, node: int, phones: Phones) -> bool:
        """Whether a word that may follow a node begins with these phones."""
        if not phones:
            return True
        following = self._words.arcs[node]
        at = bisect_left(self._sorted, phones)
        while at < len(self._sorted) and self._sorted[at][: len(phones)] == phones:
            if any(word in following for word in self._meaning[self._sorted[at]]):
                return True
            at += 1
        return False


def _distinct(spellings: Iterable[Spelling]) -> tuple[Spelling, ...]:
    return tuple(dict.fromkeys(spellings))[:MAX_SPELLINGS]
