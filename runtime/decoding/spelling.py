"""From phones back to words: which word sequences of a grammar are said like this?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Phones = tuple[int, ...]
Spelling = tuple[tuple[str, int, int], ...]
"""Words, each with its first phone and the one after its last."""

WordsSoFar = frozenset[tuple[str, ...]]
"""The ways to spell some phones."""

MAX_SPELLINGS = 16
"""Of one phone sequence; more are homophones of homophones."""


NOWHERE: Mapping[int, list[Spelling]] = {}
"""Most prefixes end inside words."""


class Sound:
    """The first phones of words. `words`: those that are over after them; `unfinished`: those that have more;
    `longer`: with one more phone.
    """

    __slots__ = ("longer", "unfinished", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.unfinished: list[str] = []
        self.longer: dict[int, Sound] = {}


class Prefix:
    """The first phones of a sentence. `ends`: for each node of the word graph where a word may end after them, the ways
    to spell them so far. `begun`: the shorter prefixes after which a word may have begun, and its phones so far, the
    shortest prefix first.
    """

    __slots__ = ("begun", "ends", "phones")

    def __init__(
        self, phones: Phones, ends: Mapping[int, list[Spelling]], begun: Sequence[tuple[Prefix, Sound]]
    ) -> None:
        self.phones = phones
        self.ends = ends
        self.begun = begun


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
        self._silence = Sound()
        for word, pronunciations in said.items():
            for phones in pronunciations:
                sound = self._silence
                for phone in phones:
                    sound.unfinished.append(word)
                    sound = sound.longer.setdefault(phone, Sound())
                sound.words.append(word)

    def backwards(self) -> Speller:
        """The same words from their last phone to their first, in any order: for ends of sentences."""
        said = {word: [phones[::-1] for phones in pronunciations] for word, pronunciations in self.said.items()}
        return Speller((dict.fromkeys(said, (0,)),), (0,), (0,), said)

    def start(self) -> Prefix:
        """No phones."""
        return Prefix((), {node: [()] for node in self.starts}, [])

    def longer(self, prefix: Prefix, phone: int) -> Prefix:
        """The phones of a prefix and one more."""
        phones = (*prefix.phones, phone)
        begun = [(before, more) for before, sound in prefix.begun if (more := sound.longer.get(phone))]
        if prefix.ends and (sound := self._silence.longer.get(phone)):
            begun.append((prefix, sound))
        said = [(before, sound) for before, sound in begun if sound.words]
        if not said:
            return Prefix(phones, NOWHERE, begun)
        ends: dict[int, list[Spelling]] = {}
        for before, sound in said:  # long words come first
            first, end = len(before.phones), len(phones)
            for node, spellings in before.ends.items():
                following = self.arcs[node]
                for spelling in spellings:
                    for word in sound.words:
                        for target in following.get(word, ()):
                            found = ends.setdefault(target, [])
                            if len(found) < MAX_SPELLINGS:
                                found.append((*spelling, (word, first, end)))
        return Prefix(phones, ends, begun)

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
        if prefix.ends:
            return _distinct(spelling for found in prefix.ends.values() for spelling in found)
        for before, sound in reversed(prefix.begun):
            ends = before.ends.items()
            possible = _distinct(s for node, found in ends if self._may_go_on(sound, node) for s in found)
            if possible:
                return possible
        return ()

    def words_so_far(self, prefix: Prefix) -> WordsSoFar | None:
        """The words of a prefix, if a word is over and none can be begun: what may follow depends on nothing else."""
        spellings = [spelling for found in prefix.ends.values() for spelling in found]
        if not 0 < len(spellings) < MAX_SPELLINGS:
            return None
        for before, sound in prefix.begun:
            if sound.unfinished and any(self._may_go_on(sound, node) for node in before.ends):
                return None
        return frozenset(tuple(word for word, _, _ in spelling) for spelling in spellings)

    def _may_go_on(self, sound: Sound, node: int) -> bool:
        """Whether a word that may follow a node begins like this and has more phones."""
        following = self.arcs[node]
        return any(word in following for word in sound.unfinished)


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
        if not prefix.ends:
            return None
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
