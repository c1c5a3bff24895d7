"""From phones back to words: which word sequences of a grammar are said like this?"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

Phones = tuple[int, ...]
Spelling = tuple[tuple[str, int, int], ...]
"""Words, each with its first phone and the one after its last."""

WordsSoFar = frozenset[tuple[str, ...]]
"""The ways to spell some phones."""

MAX_SPELLINGS = 16
"""Of one phone sequence; more are homophones of homophones."""


class Prefix:
    """The first phones of a sentence. `ends`: for each node of the word graph where a word may end after them, the ways
    to spell them so far. `words_end`: the shorter prefixes after which a word may end, the longest first.
    """

    __slots__ = ("ends", "phones", "words_end")

    def __init__(self, phones: Phones, ends: dict[int, list[Spelling]], words_end: tuple[Prefix, ...]) -> None:
        self.phones = phones
        self.ends = ends
        self.words_end = words_end


class Speller:
    """The words of a grammar and how they are said."""

    def __init__(
        self,
        arcs: Sequence[Mapping[str, Sequence[int]]],
        starts: Iterable[int],
        finals: Iterable[int],
        said: Mapping[str, Sequence[Phones]],
    ) -> None:
        """arcs: for each node of the word graph, the nodes that words lead to; said: tokens of the phones of words."""
        self.arcs, self.starts, self.finals, self.said = arcs, tuple(starts), frozenset(finals), said
        meaning: dict[Phones, list[str]] = {}
        for word, pronunciations in said.items():
            for phones in pronunciations:
                meaning.setdefault(phones, []).append(word)
        self._meaning = meaning
        self._sorted = sorted(meaning)
        self._longest = max(map(len, meaning))

    def backwards(self) -> Speller:
        """The same words from their last phone to their first, in any order: for ends of sentences."""
        said = {word: [phones[::-1] for phones in pronunciations] for word, pronunciations in self.said.items()}
        return Speller((dict.fromkeys(said, (0,)),), (0,), (0,), said)

    def start(self) -> Prefix:
        """No phones."""
        return Prefix((), {node: [()] for node in self.starts}, ())

    def longer(self, prefix: Prefix, phone: int) -> Prefix:
        """The phones of a prefix and one more."""
        phones = (*prefix.phones, phone)
        words_end = (prefix, *prefix.words_end) if prefix.ends else prefix.words_end
        return Prefix(phones, self._ends(words_end, phones), words_end)

    def sentences(self, prefix: Prefix) -> tuple[Spelling, ...]:
        """The distinct sentences that these phones say, at most `MAX_SPELLINGS`."""
        finals = self.finals
        return _distinct(s for node, found in prefix.ends.items() if node in finals for s in found)

    def accepts(self, words: Iterable[str]) -> bool:
        """Whether they are a sentence."""
        nodes = set(self.starts)
        for word in words:
            nodes = {target for node in nodes for target in self.arcs[node].get(word, ())}
        return not nodes.isdisjoint(self.finals)

    def beginnings(self, prefix: Prefix) -> tuple[Spelling, ...]:
        """The same for a sentence that may break off anywhere: the words that are over, as many as possible."""
        for shorter in (prefix, *prefix.words_end):
            rest = prefix.phones[len(shorter.phones) :]
            ends = shorter.ends.items()
            possible = _distinct(s for node, found in ends if self._may_begin(node, rest) for s in found)
            if possible:
                return possible
        return ()

    def words_so_far(self, prefix: Prefix) -> WordsSoFar | None:
        """The words of a prefix, if a word is over and none can be begun: what may follow depends on nothing else."""
        spellings = [spelling for found in prefix.ends.values() for spelling in found]
        if not 0 < len(spellings) < MAX_SPELLINGS:
            return None
        for shorter in prefix.words_end:
            rest = prefix.phones[len(shorter.phones) :]
            if len(rest) >= self._longest:
                break
            if any(self._may_begin(node, rest, longer=True) for node in shorter.ends):
                return None
        return frozenset(tuple(word for word, _, _ in spelling) for spelling in spellings)

    def _ends(self, words_end: tuple[Prefix, ...], phones: Phones) -> dict[int, list[Spelling]]:
        """Where words end after these phones. words_end: shorter prefixes of them."""
        begun = []
        for shorter in words_end:
            last = phones[len(shorter.phones) :]
            if len(last) > self._longest:
                break
            if words := self._meaning.get(last):
                begun.append((shorter, words))
        ends: dict[int, list[Spelling]] = {}
        for shorter, words in reversed(begun):  # long words come first
            begin, end = len(shorter.phones), len(phones)
            for node, spellings in shorter.ends.items():
                following = self.arcs[node]
                for spelling in spellings:
                    for word in words:
                        for target in following.get(word, ()):
                            found = ends.setdefault(target, [])
                            if len(found) < MAX_SPELLINGS:
                                found.append((*spelling, (word, begin, end)))
        return ends

    def _may_begin(self, node: int, phones: Phones, longer: bool = False) -> bool:
        """Whether a word that may follow a node begins with these phones; longer: and has more."""
        if not phones:
            return True
        following = self.arcs[node]
        at = bisect_left(self._sorted, phones)
        if longer and self._sorted[at : at + 1] == [phones]:
            at += 1
        while at < len(self._sorted) and self._sorted[at][: len(phones)] == phones:
            if any(word in following for word in self._meaning[self._sorted[at]]):
                return True
            at += 1
        return False


class Prefixes:
    """The prefixes of one search, each found once: most of its hypotheses begin alike."""

    def __init__(self, speller: Speller) -> None:
        self.speller = speller
        self.start = speller.start()
        self._longer: dict[tuple[Prefix, int], Prefix] = {}
        self._words: dict[Prefix, WordsSoFar | None] = {}

    def longer(self, prefix: Prefix, phone: int) -> Prefix:
        """See `Speller`."""
        known = self._longer.get((prefix, phone))
        if known is None:
            known = self._longer[prefix, phone] = self.speller.longer(prefix, phone)
        return known

    def words_so_far(self, prefix: Prefix) -> WordsSoFar | None:
        """See `Speller`."""
        if prefix not in self._words:
            self._words[prefix] = self.speller.words_so_far(prefix)
        return self._words[prefix]

    def find(self, phones: Iterable[int]) -> Prefix:
        """The prefix with these phones."""
        prefix = self.start
        for phone in phones:
            prefix = self.longer(prefix, phone)
        return prefix


def _distinct(spellings: Iterable[Spelling]) -> tuple[Spelling, ...]:
    return tuple(dict.fromkeys(spellings))[:MAX_SPELLINGS]
