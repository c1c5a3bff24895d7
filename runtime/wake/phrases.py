"""Wake words as they are written, templates too, and what speaks against one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.errors import GrammarError, OptionError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.grammar.expression import TEMPLATE_SYNTAX, shown
from speech_lstm.runtime.grammar.interpretation import paths
from speech_lstm.runtime.grammar.source import Block, Place, Source, Template
from speech_lstm.runtime.lexicon.text import spoken_words, unsaid
from speech_lstm.runtime.options import check_number

from .false_alarms import AlarmCurve
from .phone_chains import ways_to_say

MOST_PHRASES = 32
"""That a template may stand for."""

FEW_PHONES = 6
"""Phrases with fewer are heard in other speech too often."""

HARD = -0.6
"""A phrase that needs a threshold above this, per phone, is missed often."""

SENSITIVITY = 0.5

_COMMON = """
a about after all also am an and any are as at back be because been before big but by call came can come could day
did do does down each even every find first for friend from get give go going good great had has have he hello help
her here hi him his home house how i if in into is it its just know last left let like little long look made make
man many may me more most much my name need new no not now number of off oh old on one only open or other our out
over part people place play please put right said same say see she should show so some stop sure take tell than
thank thanks that the their them then there these they thing think this those three time to today too turn two
under up us use very want was water way we well went were what when where which while who why will with word work
world would yeah year yes you your
"""
COMMON = frozenset(_COMMON.split())
"""The most common words of English, and what people say to each other all day."""


def phrases_of(wake_word: str) -> tuple[str, ...]:
    """The phrases that a wake word stands for: "(hey|okay) jarvis" is two; without brackets it is one, as it is.

    Raises GrammarError for a template that is wrong or stands for over `MOST_PHRASES`.
    """
    if not TEMPLATE_SYNTAX.search(wake_word):
        return (wake_word,)
    place = Place(f"wake word {shown(wake_word)}")
    graph = Grammar(Source((Template(wake_word, place, Block()),), form="wake word")).graph
    found: dict[str, None] = {}
    for path in islice(paths(graph), MOST_PHRASES**2):
        found[" ".join(arc.word for arc in path if arc.word is not None)] = None
        if len(found) > MOST_PHRASES:
            raise GrammarError(f"{place}: it stands for over {MOST_PHRASES} phrases: give fewer, or a single one")
    return tuple(found)


def sensitivities(given: float | Mapping[str, float], wake_words: Sequence[str]) -> dict[str, float]:
    """0 to 1 for each wake word; those that a mapping leaves out have `SENSITIVITY`. Raises OptionError."""
    if not isinstance(given, Mapping):
        check_number("wake_sensitivity", given, 0, 1)
        return dict.fromkeys(wake_words, given)
    known = {spoken_words(wake_word): wake_word for wake_word in wake_words}
    found = dict.fromkeys(wake_words, SENSITIVITY)
    for key, value in given.items():
        if not isinstance(key, str) or spoken_words(key) not in known:
            raise OptionError(f"wake_sensitivity has {key!r}, which is no wake word; they are {list(wake_words)}")
        check_number(f"wake_sensitivity of {key!r}", value, 0, 1)
        found[known[spoken_words(key)]] = value
    return found


def advice(wake_word: str, lexicon: Pronouncing, curve: AlarmCurve, false_alarms: float) -> list[str]:
    """What speaks against a wake word, where so many false alarms an hour are wanted. curve: of all its phrases."""
    found = []
    phrases = phrases_of(wake_word)
    for phrase in phrases:
        which = "" if len(phrases) == 1 else f"{phrase!r} is "
        if (phones := len(ways_to_say(phrase, lexicon)[0])) < FEW_PHONES:
            found.append(f"{which}short: {phones} phones; with {FEW_PHONES} or more there are far fewer false alarms")
        if set(spoken_words(phrase)) <= COMMON:
            found.append(f"{which}common: all its words are said all day, so it will be said without being meant")
    if curve.threshold(false_alarms) > HARD:
        found.append(
            "sounds like other speech: it must be said very clearly to be heard, or there are more false alarms; "
            "add a word or take rarer sounds"
        )
    if len(phrases) == 1 and (signs := unsaid(wake_word)):
        found.append(f"nothing is said for {' '.join(signs)}: write words instead")
    return found
