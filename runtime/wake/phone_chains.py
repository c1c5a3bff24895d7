"""Wake words as chains of phones: every way to say a phrase, and the arrays over which a search runs.

All ways lie one after the other in one array of labels, each after a place for "anything", from which it may begin at
any frame. Per frame, with `phone[i]` and `blank[i]` the best scores of paths in phone i and in a blank after it,

    phone'[i] = max(phone[i], blank[i - 1], phone[i - 1] unless the two are equal) + score[label]
    blank'[i] = max(phone[i], blank[i]) + score[blank]
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.decoding.viterbi import NEVER
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar.expression import TEMPLATE_SYNTAX
from speech_lstm.runtime.lexicon.text import spoken_words

VOWELS = frozenset(("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"))

MAX_PRONUNCIATIONS = 32
"""Of a phrase; the first ones of its words come first."""


@dataclass(frozen=True, eq=False)
class PhoneChains:
    """The ways to say some phrases, for a model with `num_tokens` tokens.

    `labels`: [places], tokens, `num_tokens` for anything. `lasts`: [ways], the place of the last phone. `num_phones`:
    [ways]. `phrase_of`: [ways], number of the phrase. `barrier`: [places - 1], never where a phone equals the one
    before, so that a blank must come between. `idle`: [places], scores of phones before anything was heard.
    """

    num_tokens: int
    labels: npt.NDArray[np.int64]
    lasts: npt.NDArray[np.int64]
    num_phones: FloatArray
    phrase_of: npt.NDArray[np.int64]
    barrier: FloatArray
    idle: FloatArray

    @classmethod
    def of(cls, phrases: Sequence[str], lexicon: Pronouncing, tokens: Sequence[str]) -> PhoneChains:
        """`tokens`: the model's, token 0 = blank. Raises GrammarError for no phrase, one without words or one with a
        phone that the model lacks, PronunciationError for a word that cannot be said.
        """
        if not phrases:
            raise GrammarError("no wake word is given")
        token_of = {token: number for number, token in enumerate(tokens)}
        ways = []
        for phrase in phrases:
            said = ways_to_say(phrase, lexicon)
            if unknown := [phone for phones in said for phone in phones if phone not in token_of]:
                raise GrammarError(f"wake word {phrase!r}: the model has no token {unknown[0]!r}")
            ways.append([[token_of[phone] for phone in phones] for phones in said])
        return cls.of_ways(ways, len(tokens))

    @classmethod
    def of_ways(cls, ways: Sequence[Sequence[Sequence[int]]], num_tokens: int) -> PhoneChains:
        """`ways`: for each phrase the ways to say it, as tokens."""
        labels: list[int] = []
        lasts, counts, owners = [], [], []
        for number, said in enumerate(ways):
            for phones in said:
                labels += [num_tokens, *phones]
                lasts.append(len(labels) - 1)
                counts.append(len(phones))
                owners.append(number)
        places = np.array(labels)
        return cls(
            num_tokens=num_tokens,
            labels=places,
            lasts=np.array(lasts),
            num_phones=np.array(counts, dtype=np.float32),
            phrase_of=np.array(owners),
            barrier=np.where(places[1:] == places[:-1], NEVER, np.float32(0)),
            idle=np.where(places == num_tokens, np.float32(0), NEVER),
        )

    def ways(self, phrase: int) -> list[list[int]]:
        """The tokens of each way to say a phrase, given by its number."""
        ends = [(int(last), int(count)) for last, count in zip(self.lasts, self.num_phones, strict=True)]
        mine = [end for end, owner in zip(ends, self.phrase_of, strict=True) if owner == phrase]
        return [self.labels[last - count + 1 : last + 1].tolist() for last, count in mine]


def ways_to_say(phrase: str, lexicon: Pronouncing) -> list[tuple[str, ...]]:
    """All ways to say a phrase, as phones, without R after vowels last. GrammarError where it has no words."""
    if TEMPLATE_SYNTAX.search(phrase):
        raise GrammarError(f"{phrase!r} is a template, and one phrase is needed here: write it without brackets")
    words = spoken_words(phrase)
    if not words:
        raise GrammarError(f"wake word {phrase!r} has no words")
    ways = itertools.product(*(lexicon.pronunciations(word) for word in words))
    rhotic = list(itertools.islice((tuple(p for word in way for p in word) for way in ways), MAX_PRONUNCIATIONS))
    return list(dict.fromkeys([*rhotic, *map(without_r, rhotic)]))[:MAX_PRONUNCIATIONS]


def without_r(phones: Sequence[str]) -> tuple[str, ...]:
    """As non-rhotic accents (most of England, Australia, Africa, many who learned English there) say it.

    R is silent unless a vowel follows, ER is AH then. Source: Wells 1982, "Accents of English", 3.2.2.
    """
    said = []
    for number, phone in enumerate(phones):
        before = phones[number - 1] if number else ""
        after = phones[number + 1] if number + 1 < len(phones) else ""
        if phone == "R" and before in VOWELS and after not in VOWELS:
            continue
        said.append("AH" if phone == "ER" and after not in VOWELS else phone)
    return tuple(said)
