"""What the user wrote: templates, lists, expansion rules, each with the place it stands at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ..errors import GrammarError
from ..options import is_number

MOST_PROBLEMS = 20
"""Problems shown at once."""


@dataclass(frozen=True)
class Place:
    """Where something was written; prints as "home.yaml, line 3"."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}, line {self.line}"


@dataclass(frozen=True)
class Value:
    """A list entry: what is said (a template), and the slot's value for it."""

    text: str
    out: Any
    place: Place
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TextList:
    """The values of a `{list}`."""

    values: tuple[Value, ...]
    place: Place


@dataclass(frozen=True)
class RangeList:
    """The numbers of a `{list}`: `start`, `start + step`, ... up to `stop`, each also with the `fractions` added.

    A slot's value is the number times `multiplier`.
    """

    start: int
    stop: int
    step: int = 1
    fractions: tuple[float, ...] = ()
    multiplier: float = 1
    place: Place = Place("inline range")


@dataclass(frozen=True)
class WildcardList:
    """A `{list}` of any words at all, which a closed grammar cannot have."""

    place: Place


SlotList = TextList | RangeList | WildcardList


@dataclass(frozen=True)
class Rule:
    """An expansion rule: what `<rule>` stands for."""

    text: str
    place: Place


@dataclass(frozen=True, eq=False)
class Block:
    """What holds for some templates: their intent, slots with fixed values, lists and rules of their own, and context.

    `requires`, `excludes`: context key -> the values of it that list entries must have or must not have, where they
    have that key.
    """

    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, SlotList] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    requires: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    excludes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def admits(self, value: Value) -> bool:
        """Whether the block may use a list entry, going by its context."""
        context = value.context
        return all(key not in context or context[key] in allowed for key, allowed in self.requires.items()) and not any(
            context.get(key) in forbidden for key, forbidden in self.excludes.items()
        )


@dataclass(frozen=True)
class Template:
    """A sentence template."""

    text: str
    place: Place
    block: Block


@dataclass(frozen=True)
class Source:
    """What a grammar is made from. `form`: what was written, for advice: "phrases", "text", "yaml" or "wake word"."""

    templates: tuple[Template, ...]
    lists: Mapping[str, SlotList] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    skip_words: tuple[str, ...] = ()
    form: str = "phrases"

    def with_lists(self, lists: Mapping[str, SlotList]) -> Source:
        """With these in place of those of the same name, of single blocks as well."""
        blocks = {
            block: replace(block, lists={name: lists.get(name, own) for name, own in block.lists.items()})
            for block in dict.fromkeys(template.block for template in self.templates)
            if not lists.keys().isdisjoint(block.lists)
        }
        templates = tuple(replace(each, block=blocks.get(each.block, each.block)) for each in self.templates)
        return replace(self, templates=templates, lists={**self.lists, **lists})


def raise_problems(problems: Sequence[tuple[Place, str]]) -> None:
    """One GrammarError for all of them, the same message once with its first place; nothing when there are none."""
    places: dict[str, list[Place]] = {}
    for place, message in problems:
        found = places.setdefault(message, [])
        if place not in found:
            found.append(place)
    lines = []
    for message, found in places.items():
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        lines.append(f"{found[0]}{others}: {message}")
    if len(lines) > MOST_PROBLEMS:
        lines[MOST_PROBLEMS:] = [f"and {len(lines) - MOST_PROBLEMS} more problems"]
    if lines:
        raise GrammarError("\n".join(lines))


def text_list(given: Any, place: Place) -> TextList:
    """A list from Python values: strings, dicts with "in", "out" and "context", or one dict from text to value."""
    if isinstance(given, Mapping):
        given = [{"in": text, "out": out} for text, out in given.items()]
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise GrammarError(f"{place}: the values are {given!r}: give a list of texts, or a dict from text to value")
    values = []
    for entry in given:
        if isinstance(entry, Mapping):
            unknown = set(entry) - {"in", "out", "context", "metadata"}
            if "in" not in entry or unknown:
                raise GrammarError(f"{place}: the value {entry!r} needs the key 'in', and may have 'out' and 'context'")
            text = _text(entry["in"], place)
            context = entry.get("context") or {}
            if not isinstance(context, Mapping):
                raise GrammarError(f"{place}: the context of {text!r} is {context!r}: give a dict")
            values.append(Value(text, entry.get("out", text), place, context))
        else:
            values.append(Value(_text(entry, place), entry, place))
    return TextList(tuple(values), place)


def _text(given: Any, place: Place) -> str:
    """Of a text or a number; what Python writes for anything else nobody says."""
    if isinstance(given, str):
        return str.__str__(given)  # of an enumeration of texts, the text
    if not isinstance(given, Decimal) and not is_number(given):
        raise GrammarError(f"{place}: one of the values is {given!r}: give a text or a number")
    return str(given)
