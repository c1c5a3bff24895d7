"""Wake words as chains of phones: every way to say a phrase, and the arrays over which a search runs.

All ways lie one after the other in one array of labels, each after a place for "anything", from which it may begin at
any frame with its `prior`. Per frame, with `phone[i]` and `blank[i]` the probabilities of all paths in phone i and in a
blank after it, and `ratio` a token's probability over that of the frame in free speech (`free_speech`),

    phone'[i] = (phone[i] + blank[i - 1] + (phone[i - 1] unless the two are equal)) * ratio[label]
    blank'[i] = (blank[i] + phone[i]) * ratio[blank]
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speech_lstm.runtime.decoding.free_speech import DoubleArray, FreeSpeech
from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar.expression import TEMPLATE_SYNTAX
from speech_lstm.runtime.lexicon.text import spoken_words

VOWELS = frozenset(("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"))

MAX_PRONUNCIATIONS = 32
"""Of a phrase; the first ones of its words come first."""


@dataclass(frozen=True, eq=False)
class PhoneChains:
    """The ways to say some phrases, for a model with `num_tokens` tokens.

    `labels`: [places], tokens, `num_tokens` for anything. `lasts`: [ways], the place of the last phone. `first_ways`:
    [phrases], the number of the first of its ways. `num_phones`: [phrases], the mean of their ways. `goes_on`:
    [places - 1], 0 where a phone equals the one before, so that a blank must come between, else 1. `idle`: [places],
    phones before anything was heard: the prior of the way at its "anything", 0 elsewhere. `starts`: [places], where
    "anything" is. `phones_left`: [places], that follow until the phrase is said; `rest`: [places], the prior of those.
    `phrase`: [places], the number of the phrase.
    """

    num_tokens: int
    labels: npt.NDArray[np.int64]
    lasts: npt.NDArray[np.int64]
    first_ways: npt.NDArray[np.int64]
    num_phones: DoubleArray
    goes_on: DoubleArray
    idle: DoubleArray
    starts: npt.NDArray[np.bool_]
    phones_left: npt.NDArray[np.int64]
    rest: DoubleArray
    phrase: npt.NDArray[np.int64]

    @classmethod
    def of(cls, phrases: Sequence[str], lexicon: Pronouncing, tokens: Sequence[str], speech: FreeSpeech) -> PhoneChains:
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
        return cls.of_ways(ways, len(tokens), speech)

    @classmethod
    def of_ways(cls, ways: Sequence[Sequence[Sequence[int]]], num_tokens: int, speech: FreeSpeech) -> PhoneChains:
        """`ways`: for each phrase the ways to say it, as tokens."""
        labels: list[int] = []
        priors: list[float] = []
        left: list[int] = []
        rest: list[float] = []
        lasts, counts, owners = [], [], []
        for number, said in enumerate(ways):
            for way in said:
                phones = [token - 1 for token in way]
                prior = speech.probability(phones)
                labels += [num_tokens, *way]
                priors += [prior, *[0.0] * len(way)]
                left += range(len(way), -1, -1)
                rest += [prior, *(speech.continuation(phones[begun:]) for begun in range(len(way)))]
                lasts.append(len(labels) - 1)
                counts.append(len(way))
                owners.append(number)
        places = np.array(labels)
        return cls(
            num_tokens=num_tokens,
            labels=places,
            lasts=np.array(lasts),
            first_ways=np.searchsorted(owners, np.arange(len(ways))),
            num_phones=np.bincount(owners, counts) / np.bincount(owners),
            goes_on=np.where(places[1:] == places[:-1], 0.0, 1.0),
            idle=np.array(priors),
            starts=places == num_tokens,
            phones_left=np.array(left),
            rest=np.array(rest),
            phrase=np.repeat(owners, np.array(counts) + 1),
        )

    def ways(self, phrase: int) -> list[list[int]]:
        """The tokens of each way to say a phrase, given by its number."""
        parts = np.split(self.labels, np.flatnonzero(self.starts)[1:])
        after = self.first_ways[phrase + 1] if phrase + 1 < len(self.first_ways) else None
        return [part[1:].tolist() for part in parts[self.first_ways[phrase] : after]]

    def said(self, phone: DoubleArray) -> DoubleArray:
        """[..., phrases]: probability that a phrase was just said. phone: [..., places]."""
        summed: DoubleArray = np.add.reduceat(phone[..., self.lasts], self.first_ways, axis=-1)
        return summed


def ways_to_say(phrase: str, lexicon: Pronouncing) -> list[tuple[str, ...]]:
    """All ways to say a phrase, as phones: as the lexicon has them, without R after vowels, and as learners say them.
    GrammarError where it has no words.
    """
    if TEMPLATE_SYNTAX.search(phrase):
        raise GrammarError(f"{phrase!r} is a template, and one phrase is needed here: write it without brackets")
    words = spoken_words(phrase)
    if not words:
        raise GrammarError(f"wake word {phrase!r} has no words")
    ways = itertools.product(*(lexicon.pronunciations(word) for word in words))
    said = list(itertools.islice((tuple(p for word in way for p in word) for way in ways), MAX_PRONUNCIATIONS))
    for otherwise in (without_r, with_tense_vowels, with_last_sibilant_changed):
        said = list(dict.fromkeys([*said, *map(otherwise, said)]))
    return said[:MAX_PRONUNCIATIONS]


def with_tense_vowels(phones: Sequence[str]) -> tuple[str, ...]:
    """As those say it whose first language has no IH beside IY, which most have not.

    Source: Swan and Smith 2001, "Learner English".
    """
    return tuple("IY" if phone == "IH" else phone for phone in phones)


def with_last_sibilant_changed(phones: Sequence[str]) -> tuple[str, ...]:
    """With Z for S as the last phone and the other way round, which many learners do not tell apart there, nor a model
    in noise.
    """
    return (*phones[:-1], {"S": "Z", "Z": "S"}.get(phones[-1], phones[-1]))


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
