"""Pairs of list values and of sentences that sound so much alike that they will be confused."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice

from speech_lstm.runtime.lexicon.dictionary import Pronunciation
from speech_lstm.runtime.lexicon.text import spoken_words

from ..errors import GrammarError
from .builder import Builder
from .expression import TEMPLATE_SYNTAX
from .interpretation import meaning, paths
from .joining import word_graph
from .source import Block, SlotList, Source, Template, TextList

MOST_ENTRIES = 20_000
"""Values of a list that are compared, and sentences (in these, each list has one value)."""
LARGEST_BUCKET = 50
"""Entries compared with each other where many are alike in the same way."""
LONGEST = 100
"""Phones of an entry that is compared."""
SHARE = 0.25
"""Distance that counts as alike, as a share of the phones of the longer one."""
WITHIN_CLASS = 0.5
"""Distance of two phones of one class; it always counts as alike."""

_CLASSES = (
    "IY IH", "EH AE EY", "AH UH ER", "AA AO", "OW UW", "AY", "AW", "OY", "P B", "T D", "K G", "M N NG", "F TH V DH",
    "S Z", "SH ZH CH JH", "L", "R", "W", "Y", "HH",
)  # fmt: skip
_CLASS_OF = {phone: chr(ord("a") + index) for index, phones in enumerate(_CLASSES) for phone in phones.split()}

Pronounce = Callable[[str], Sequence[Pronunciation]]


@dataclass(frozen=True)
class Entry:
    """Something that is said, and what it means; two with the same meaning may sound alike."""

    words: tuple[str, ...]
    meaning: tuple[Hashable, Hashable]
    """The intent, or what stands for it, and the slots."""


@dataclass(frozen=True)
class Alike:
    """Two texts that sound alike. `where`: "list NAME" or "sentences". `distance`: in phones."""

    where: str
    first: str
    second: str
    distance: float


def sound_alikes(source: Source, pronounce: Pronounce) -> list[Alike]:
    """Pairs in every list of texts, and pairs of sentences, the closest first.

    source: of a grammar that compiles. Only first pronunciations count. Candidates are entries whose phone classes are
    equal after leaving out one phone or none in each, so the time is linear in the number of entries.
    """
    groups = [("sentences", list(_sentences(source)))]
    groups += [(f"list {name}", entries) for name, entries in _lists(source)]
    found = [
        Alike(where, " ".join(first.words), " ".join(second.words), distance)
        for where, entries in groups
        for first, second, distance in _pairs(entries, pronounce)
    ]
    return sorted(dict.fromkeys(found), key=lambda pair: pair.distance)


def phone_distance(left: Sequence[str], right: Sequence[str]) -> float:
    """Edit distance in which a substitution within a class of similar phones costs `WITHIN_CLASS`."""
    row = [float(j) for j in range(len(right) + 1)]
    for i, mine in enumerate(left, 1):
        before, row[0] = row[0], float(i)
        for j, theirs in enumerate(right, 1):
            change = 0.0 if mine == theirs else WITHIN_CLASS if _CLASS_OF[mine] == _CLASS_OF[theirs] else 1.0
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + change)
    return row[-1]


def _sentences(source: Source) -> Iterator[Entry]:
    each = max(1, MOST_ENTRIES // len(source.templates))
    for template in source.templates[:MOST_ENTRIES]:
        if TEMPLATE_SYNTAX.search(template.text):
            yield from islice(_entries(replace(source, templates=(template,), skip_words=()), most_values=1), each)
        else:
            words = spoken_words(template.text)
            slots = tuple(sorted((name, repr(value)) for name, value in template.block.slots.items()))
            yield Entry(words, (template.block.intent or words, slots))


def _lists(source: Source) -> Iterator[tuple[str, list[Entry]]]:
    everywhere = Block()
    blocks = dict.fromkeys([everywhere, *(template.block for template in source.templates)])
    for block in blocks:
        lists: dict[str, SlotList] = dict(source.lists if block is everywhere else block.lists)
        for name, values in lists.items():
            if isinstance(values, TextList):
                inside = Block(lists=block.lists, rules=block.rules)
                template = Template(f"{{{name}}}", values.place, inside)
                try:
                    yield (
                        name,
                        list(islice(_entries(replace(source, templates=(template,), skip_words=())), MOST_ENTRIES)),
                    )
                except GrammarError:  # a list that no sentence uses need not be right
                    continue


def _entries(source: Source, most_values: int | None = None) -> Iterator[Entry]:
    """The sentences of a source with one template, and their meaning; without an intent the template stands for it."""
    builder = Builder(source, most_values)
    graph = word_graph(builder.fragments, builder.build())
    for path in paths(graph):
        words = tuple(arc.word for arc in path if arc.word is not None)
        found = meaning(path, words)
        slots = tuple(sorted((slot.name, repr(slot.value)) for slot in found.slots))
        yield Entry(words, (found.intent or source.templates[0].place, slots))


def _pairs(entries: Iterable[Entry], pronounce: Pronounce) -> Iterator[tuple[Entry, Entry, float]]:
    """Entries with different meanings whose differing words are alike, with the distance of those words."""
    buckets: dict[str, list[Entry]] = {}
    for entry in dict.fromkeys(entries):
        phones = _phones(entry.words, pronounce)
        if len(phones) > LONGEST:
            continue
        classes = "".join(_CLASS_OF[phone] for phone in phones)
        for key in dict.fromkeys([classes, *(classes[:i] + classes[i + 1 :] for i in range(len(classes)))]):
            bucket = buckets.setdefault(key, [])
            if len(bucket) < LARGEST_BUCKET:
                bucket.append(entry)
    compared: set[tuple[Entry, Entry]] = set()
    for bucket in buckets.values():
        for first, second in combinations(bucket, 2):
            if first.meaning == second.meaning or (first, second) in compared:
                continue
            if first.words == second.words and first.meaning[0] != second.meaning[0]:  # of two intents
                continue
            compared.add((first, second))
            left, right = (_phones(words, pronounce) for words in _differing(first.words, second.words))
            distance = phone_distance(left, right)
            if distance <= WITHIN_CLASS or distance <= SHARE * max(len(left), len(right)):
                yield first, second, distance


def _phones(words: Sequence[str], pronounce: Pronounce) -> Pronunciation:
    return tuple(phone for word in words for phone in pronounce(word)[0])


def _differing(left: Sequence[str], right: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Both without the words that they have in common at the beginning and at the end."""
    shorter = min(len(left), len(right))
    before = next((i for i in range(shorter) if left[i] != right[i]), shorter)
    left, right = left[before:], right[before:]
    shorter -= before
    after = next((i for i in range(shorter) if left[-1 - i] != right[-1 - i]), shorter)
    return left[: len(left) - after], right[: len(right) - after]
