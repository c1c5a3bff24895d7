"""Templates, lists and rules to a graph of text fragments, without enumerating any sentences."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Any

from speech_lstm.runtime.lexicon.characters import plain
from speech_lstm.runtime.lexicon.text import spoken_words

from ..errors import GrammarError
from .expression import (
    TEMPLATE_SYNTAX,
    Choice,
    Expression,
    ListReference,
    Permutation,
    RuleReference,
    Sequence,
    TemplateError,
    Text,
    parse,
    shown,
)
from .fragments import Fragments, Mark
from .numbers import spoken_numbers
from .source import Block, Place, RangeList, SlotList, Source, Template, TextList, WildcardList, raise_problems

MOST_SKIPPED_BEFORE = 2
"""Skip words (as "please", "could you") that may stand before a sentence; one may stand after it."""

MOST_DEPTH = 100
"""Expressions inside each other, rules included."""


class Builder:
    """Builds once. Every method returns the node at which an expression begins, given the node that follows it."""

    def __init__(self, source: Source, most_values: int | None = None) -> None:
        """most_values: take that many values of each list and leave the others out."""
        self.fragments = Fragments()
        self._source = source
        self._most_values = most_values
        self._problems: list[tuple[Place, str]] = []
        self._places: list[Place] = []
        self._rules_inside: list[str] = []
        self._depth = 0
        self._expressions: dict[str, Expression] = {}
        self._built: dict[tuple[Expression, int, Block], int] = {}
        self._lists_built: dict[tuple[SlotList, str, int, Block], int] = {}
        self._empty: dict[tuple[Expression, Block], bool] = {}
        self._scope = Block()
        """The block whose lists and rules count; the same one for all blocks that have none of their own."""

    def build(self) -> int:
        """The first node of the grammar. Raises one GrammarError for all that is wrong.

        A sentence with a list that has no value for its context is left out.
        """
        fragments = self.fragments
        skipped = [words for text in self._source.skip_words if (words := spoken_words(text))]
        last = fragments.END
        if skipped:
            phrases = fragments.trie((words, fragments.END) for words in skipped)
            last = fragments.union([fragments.END, fragments.space(phrases)])
        groups = []
        plain = Block()
        for block, templates in groupby(self._source.templates, key=lambda template: template.block):
            self._scope = block if block.lists or block.rules or block.requires or block.excludes else plain
            groups.append(self._marked(block, self._templates(list(templates), last)))
        raise_problems(self._problems)
        root = fragments.union(groups)
        if root == fragments.DEAD:
            raise GrammarError(
                "no sentence can be said: its lists have no values, or none with the context that it requires"
            )
        for _ in range(MOST_SKIPPED_BEFORE if skipped else 0):
            before = fragments.trie((words, fragments.space(root)) for words in skipped)
            root = fragments.union([root, before])
        return root

    def _marked(self, block: Block, node: int) -> int:
        """With the intent and the fixed slots of a block in front."""
        for name, value in reversed(list(block.slots.items())):
            node = self.fragments.mark(Mark(slot=name, value=value), node)
        return self.fragments.mark(Mark(intent=block.intent), node) if block.intent is not None else node

    def _templates(self, templates: list[Template], last: int) -> int:
        entries = []
        for is_plain, group in groupby(templates, key=lambda template: not TEMPLATE_SYNTAX.search(template.text)):
            if is_plain:
                entries.append(self._phrases(group, last))
            else:
                entries.extend(self._template(template, last) for template in group)
        return self.fragments.union(entries)

    def _template(self, template: Template, last: int) -> int:
        def make() -> int:
            expression = self._parsed(template.text)
            node = self._expression(expression, last)
            if self._may_be_empty(expression):
                raise TemplateError(
                    f"the template {shown(template.text)} may be said with no words: keep one outside []"
                )
            return node

        return self._collecting(template.place, make)

    def _phrases(self, templates: Iterable[Template], last: int) -> int:
        """Templates without any syntax share their beginnings."""
        entries = [(spoken_words(template.text), template) for template in templates]
        for words, template in entries:
            if not words:
                self._problems.append((template.place, f"{shown(template.text)} has no words that can be said"))
        return self.fragments.trie((words, last) for words, _ in entries)

    def _collecting(self, place: Place, make: Callable[[], int]) -> int:
        """What `make` returns; what is wrong is remembered, with this place or the one further in, for one report."""
        self._places = [place]
        self._rules_inside = []
        try:
            return make()
        except TemplateError as error:
            self._problems.append((self._places[-1], str(error)))
            return self.fragments.DEAD
        except GrammarError as error:  # too large: those after it would be as well
            raise GrammarError(f"{self._places[-1]}: {error}") from None

    def _parsed(self, text: str) -> Expression:
        if text not in self._expressions:
            self._expressions[text] = parse(text)
        return self._expressions[text]

    def _expression(self, expression: Expression, target: int) -> int:
        key = (expression, target, self._scope)
        if key not in self._built:
            with self._deeper():
                self._built[key] = self._new(expression, target)
        return self._built[key]

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """One expression further in. Raises TemplateError where there are too many around it."""
        if self._depth >= MOST_DEPTH:
            raise TemplateError(f"rules and brackets are nested over {MOST_DEPTH} deep: use fewer")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _new(self, expression: Expression, target: int) -> int:
        match expression:
            case Text():
                return self.fragments.text(expression.text, target)
            case Sequence():
                for item in reversed(expression.items):
                    target = self._expression(item, target)
                return target
            case Choice():
                skip = [target] if expression.optional else []
                return self.fragments.union([*(self._expression(item, target) for item in expression.items), *skip])
            case Permutation():
                return self._permutation(expression, target)
            case ListReference():
                return self._list(expression, target)
            case RuleReference():
                return self._rule(expression.name, target)

    def _permutation(self, permutation: Permutation, target: int) -> int:
        """One node for each set of parts that are still to come: 2^n nodes and n 2^(n-1) copies of parts, not n!."""
        parts = [(_without_option(item), self._may_be_empty(item)) for item in permutation.items]
        nodes: list[int] = []
        for remaining in range(1 << len(parts)):
            here = [index for index in range(len(parts)) if remaining >> index & 1]
            continuations = [self._expression(parts[index][0], nodes[remaining ^ (1 << index)]) for index in here]
            if all(parts[index][1] for index in here):
                continuations.append(self.fragments.space(target))
            nodes.append(self.fragments.union(continuations))
        return self.fragments.space(nodes[-1])

    def _rule(self, name: str, target: int) -> int:
        rule = self._scope.rules.get(name) or self._source.rules.get(name)
        if rule is None:
            raise self._undefined("rule", f"<{name}>", name, [*self._source.rules, *self._scope.rules])
        if name in self._rules_inside:
            chain = " -> ".join(f"<{inner}>" for inner in [*self._rules_inside, name])
            raise TemplateError(f"rules refer to themselves: {chain}; rules cannot be recursive")
        self._rules_inside.append(name)
        self._places.append(rule.place)
        node = self._expression(self._parsed(rule.text), target)
        self._places.pop()
        self._rules_inside.pop()
        return node

    def _list(self, reference: ListReference, target: int) -> int:
        values = RangeList(*reference.numbers) if reference.numbers else self._find_list(reference.name)
        key = (values, reference.slot, target, self._scope)
        if key not in self._lists_built:
            entries = self._values(values, reference.slot, target)
            self._lists_built[key] = self.fragments.mark(Mark(slot=reference.slot, begins=True), entries)
        return self._lists_built[key]

    def _find_list(self, name: str) -> SlotList:
        values = self._scope.lists.get(name) or self._source.lists.get(name)
        if values is None:
            raise self._undefined("list", f"{{{name}}}", name, [*self._source.lists, *self._scope.lists])
        if isinstance(values, WildcardList):
            raise TemplateError(
                f"{{{name}}} is a wildcard list ({values.place}), any words at all, and only what is in the grammar "
                "can be recognised: give it values, or remove the sentences that use it"
            )
        return values

    def _undefined(self, kind: str, written: str, name: str, known: list[str]) -> TemplateError:
        close = difflib.get_close_matches(name[:100], known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else _DEFINE[self._source.form, kind].format(name=name)
        return TemplateError(f"{kind} {written} is not defined: {hint}")

    def _values(self, values: SlotList, slot: str, target: int) -> int:
        def end(value: Any) -> int:
            return self.fragments.mark(Mark(slot=slot, value=value), target)

        if isinstance(values, RangeList):
            numbers = islice(spoken_numbers(values), self._most_values)
            return self.fragments.node([(number, end(value)) for number, value in numbers])
        assert isinstance(values, TextList)
        admitted = [value for value in values.values if self._scope.admits(value)][: self._most_values]
        texts: list[tuple[tuple[str, ...], int]] = []
        nodes = []
        for value in admitted:
            if not spoken_words(value.text):
                self._places.append(value.place)
                raise TemplateError(f"the value {shown(value.text)} of {{{slot}}} has no words that can be said")
            if TEMPLATE_SYNTAX.search(value.text):
                self._places.append(value.place)
                expression = self._parsed(value.text)
                if self._may_be_empty(expression):
                    raise TemplateError(f"the value {shown(value.text)} may be said with no words: keep one outside []")
                nodes.append(self._expression(expression, end(value.out)))
                self._places.pop()
            elif (text := plain(value.text))[0].isspace():
                nodes.append(self.fragments.text(text, end(value.out)))
            else:
                texts.append((tuple(text.split()), end(value.out)))
        return self.fragments.union([self.fragments.trie(texts), *nodes])

    def _may_be_empty(self, expression: Expression) -> bool:
        """Whether nothing at all may be said for an expression."""
        key = (expression, self._scope)
        if key not in self._empty:
            self._empty[key] = False  # what a recursive rule finds; building it is an error anyway
            with self._deeper():
                self._empty[key] = self._new_may_be_empty(expression)
        return self._empty[key]

    def _new_may_be_empty(self, expression: Expression) -> bool:
        match expression:
            case Text():
                return not spoken_words(expression.text)
            case Sequence() | Permutation():
                return all(map(self._may_be_empty, expression.items))
            case Choice():
                return expression.optional or any(map(self._may_be_empty, expression.items))
            case RuleReference():
                rule = self._scope.rules.get(expression.name) or self._source.rules.get(expression.name)
                return rule is not None and self._may_be_empty(self._parsed(rule.text))
            case ListReference():
                return False


def _without_option(expression: Expression) -> Expression:
    """A part of a permutation as it is when it is said: for [a], a."""
    match expression:
        case Sequence():
            said = [item for item in expression.items if not (isinstance(item, Text) and item.text.isspace())]
            if len(said) == 1 and isinstance(said[0], Choice) and said[0].optional:
                space = Text(" ")
                return Sequence((space, Choice(said[0].items, optional=False), space))
    return expression


_INSTEAD = "write the choices where they are said, as in (one|two)"
_DEFINE = {
    ("yaml", "list"): "define it under 'lists'",
    ("yaml", "rule"): "define it under 'expansion_rules'",
    ("text", "list"): f"a text file has no lists: {_INSTEAD}, or write the grammar as YAML, which has them",
    ("text", "rule"): f"a text file has no rules: {_INSTEAD}, or write the grammar as YAML, which has them",
    (
        "phrases",
        "list",
    ): f"{_INSTEAD}, or give its values as in Grammar.from_phrases(..., lists={{{{'{{name}}': ['one', 'two']}}}})",
    ("wake word", "list"): f"a wake word has no lists: {_INSTEAD}",
    ("wake word", "rule"): f"a wake word has no rules: {_INSTEAD}",
    ("phrases", "rule"): f"phrases have no rules: {_INSTEAD}",
}
"""Form of the source and what is missing -> what to do."""
