"""Signs in a grammar that nobody will be heard saying, because no word stands for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from speech_lstm.runtime.lexicon.text import unsaid

from ..errors import GrammarError
from .builder import Builder
from .expression import TEMPLATE_SYNTAX
from .joining import texts
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
