"""What in a grammar cannot be said or built, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from speech_lstm.runtime.lexicon.text import spoken_words, unsaid

from ..errors import GrammarError, PronunciationError
from .builder import Builder
from .expression import TEMPLATE_SYNTAX
from .joining import texts, word_graph
from .source import Block, Place, Source, TextList


@dataclass(frozen=True)
class Unsaid:
    """A sign, the text that it is in, and where that stands."""

    sign: str
    text: str
    place: Place


def unsaid_signs(source: Source) -> list[Unsaid]:
    """The signs of a grammar that compiles, each once for every place; of a list each value alone."""
    found = dict.fromkeys(
        Unsaid(sign, text, place) for text, place, read in _texts(source) for part in read for sign in unsaid(part)
    )
    return list(found)


def _texts(source: Source) -> Iterator[tuple[str, Place, Iterator[str]]]:
    """What the user wrote, where, and the texts in it that are read as one."""
    for template in source.templates:
        if TEMPLATE_SYNTAX.search(template.text):
            yield template.text, template.place, _read(replace(source, templates=(template,), skip_words=()))
        else:
            yield template.text, template.place, iter((template.text,))
    for block in dict.fromkeys([Block(lists=source.lists), *(template.block for template in source.templates)]):
        for values in block.lists.values():
            for value in values.values if isinstance(values, TextList) else ():
                yield value.text, value.place, iter((TEMPLATE_SYNTAX.sub(" ", value.text),))
    for text in source.skip_words:
        yield text, Place("skip_words"), iter((text,))


def _read(source: Source) -> Iterator[str]:
    """The texts of a source with one template, each list with its first value."""
    builder = Builder(source, most_values=1)
    try:
        yield from texts(builder.fragments, builder.build())
    except GrammarError:  # a sentence that its lists leave out
        return


def too_large(source: Source) -> GrammarError | None:
    """The error of the first template that is too large by itself, with its place."""
    for template in source.templates:
        if TEMPLATE_SYNTAX.search(template.text):
            try:
                builder = Builder(replace(source, templates=(template,)))
                word_graph(builder.fragments, builder.build())
            except GrammarError as error:
                message = str(error)
                return (
                    error if message.startswith(f"{template.place}") else GrammarError(f"{template.place}: {message}")
                )
    return None


def unpronounced(source: Source, words: Iterable[str], pronounce: Callable[[str], object]) -> list[str]:
    """What is wrong with those of the words of a grammar that cannot be said, with the place where each is written."""
    wrong: dict[str, str] = {}
    for word in sorted(words):
        try:
            pronounce(word)
        except PronunciationError as error:
            wrong[word] = str(error)
    places: dict[str, Place] = {}
    for _, place, read in _texts(source) if wrong else ():
        for word in (word for part in read for word in spoken_words(part)):
            if word in wrong:
                places.setdefault(word, place)
    return [f"{places[word]}: {reason}" if word in places else reason for word, reason in wrong.items()]
