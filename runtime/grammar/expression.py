"""Template text to an expression tree, with the parser of `hassil`, and messages that say what is wrong where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TEMPLATE_SYNTAX = re.compile(r"[][(){}<>|;\\]")
"""Any character that means something in a template; text without one is plain words."""

_INLINE_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:,(\d+))?")
MOST_NESTED = 40
"""Brackets inside brackets."""
MOST_PARTS = 12
"""Of a permutation, which needs a copy of each part for every set of parts that may have come before."""
MOST_DIGITS = 9
"""Of the numbers in a range."""
_LONGEST_SHOWN = 80

_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}


class TemplateError(Exception):
    """What is wrong with a template; the caller knows where it stands."""


@dataclass(frozen=True, eq=False)
class Text:
    """Characters that are said as written, with the spaces among them."""

    text: str


@dataclass(frozen=True, eq=False)
class Sequence:
    """One after the other."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """One of them, or nothing when `optional`."""

    items: tuple[Expression, ...]
    optional: bool


@dataclass(frozen=True, eq=False)
class Permutation:
    """All of them in any order."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class ListReference:
    """A value of a list, stored in a slot. `numbers`: start, stop and step of an inline range."""

    name: str
    slot: str
    numbers: tuple[int, int, int] | None = None


@dataclass(frozen=True, eq=False)
class RuleReference:
    """What an expansion rule stands for."""

    name: str


Expression = Text | Sequence | Choice | Permutation | ListReference | RuleReference


def shown(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """A text for a message, in quotes and no longer than that many characters."""
    return repr(text if len(text) <= longest else f"{text[:longest]}...")


def parse(text: str) -> Expression:
    """The expression of a template. Raises TemplateError."""
    if not TEMPLATE_SYNTAX.search(text):
        return Text(text)
    _check_brackets(text)
    from hassil.parse_expression import parse_sentence
    from hassil.parser import ParseError

    try:
        parsed = parse_sentence(text).expression
    except AssertionError as error:  # what hassil says to "()"
        raise TemplateError(f"brackets in {shown(text)} have nothing inside: remove them") from error
    except ParseError as error:
        raise TemplateError(f"cannot read the template {shown(text)}: {error}") from error
    return _converted(parsed, text)


def _check_brackets(text: str) -> None:
    opened: list[tuple[str, int]] = []
    escaped = False
    for column, char in enumerate(text, 1):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in _CLOSING:
            opened.append((char, column))
            if len(opened) > MOST_NESTED:
                raise TemplateError(f"brackets in {shown(text)} are nested over {MOST_NESTED} deep: use fewer")
        elif char in _CLOSING.values():
            if not opened:
                raise TemplateError(
                    f"{char!r} in column {column} of {shown(text)} closes nothing: remove it, or write \\{char}"
                )
            start, begun = opened.pop()
            if _CLOSING[start] != char:
                raise TemplateError(
                    f"{start!r} in column {begun} of {shown(text)} is closed by {char!r} in column {column}: "
                    f"close it with {_CLOSING[start]!r}"
                )
    if escaped:
        raise TemplateError(f"{shown(text)} ends with a backslash: remove it, or write \\\\ for one")
    if opened:
        char, column = opened[-1]
        raise TemplateError(f"{char!r} in column {column} of {shown(text)} is never closed: add {_CLOSING[char]!r}")


def _converted(parsed: Any, text: str) -> Expression:
    """Our expression for one of hassil's."""
    from hassil import expression as theirs

    if isinstance(parsed, theirs.TextChunk):
        return Text(parsed.text)
    if isinstance(parsed, theirs.RuleReference):
        return RuleReference(parsed.rule_name.strip())
    if isinstance(parsed, theirs.ListReference):
        return _list_reference(parsed, text)
    assert isinstance(parsed, theirs.Group)
    items = list(parsed.items)
    optional = isinstance(parsed, theirs.Alternative) and parsed.is_optional
    if optional:
        items.pop()  # the empty text that hassil adds for "or nothing"
    if not items or any(isinstance(item, theirs.Group) and not item.items for item in items):
        raise TemplateError(f"an alternative in {shown(text)} is empty: write [words] for what may be left out")
    converted = tuple(_converted(item, text) for item in items)
    if isinstance(parsed, theirs.Permutation):
        if any(_is_blank(item) for item in converted):
            raise TemplateError(f"a part of a permutation in {shown(text)} is empty: remove the ';'")
        if len(converted) > MOST_PARTS:
            raise TemplateError(
                f"a permutation in {shown(text)} has {len(converted)} parts and at most {MOST_PARTS} can come in any "
                "order: put some of them in a fixed order"
            )
        return Permutation(converted)
    if isinstance(parsed, theirs.Alternative):
        return converted[0] if len(converted) == 1 and not optional else Choice(converted, optional)
    return converted[0] if len(converted) == 1 else Sequence(converted)


def _is_blank(expression: Expression) -> bool:
    if isinstance(expression, Text):
        return not expression.text.strip()
    return isinstance(expression, Sequence) and all(_is_blank(item) for item in expression.items)


def _list_reference(parsed: Any, text: str) -> ListReference:
    name, slot = parsed.list_name.strip(), parsed.slot_name.strip()
    if not name or not slot:
        raise TemplateError(f"a list in {shown(text)} has no name: write {{list}} or {{list:slot}}")
    numbers = _INLINE_RANGE.fullmatch(name)
    if numbers is None:
        return ListReference(name, slot)
    if slot == name:
        raise TemplateError(f"the range {{{name}}} in {shown(text)} needs a slot: write {{{name}:slot}}")
    if any(len(digits or "") > MOST_DIGITS for digits in numbers.groups()):
        raise TemplateError(f"the range {shown(f'{{{name}}}')} has numbers of more than {MOST_DIGITS} digits")
    start, stop, step = int(numbers[1]), int(numbers[2]), int(numbers[3] or 1)
    if start > stop or step < 1:
        raise TemplateError(f"the range {{{name}}} in {shown(text)} has no numbers: write {{from..to,step:slot}}")
    return ListReference(name, slot, (start, stop, step))
