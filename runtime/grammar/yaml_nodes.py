"""YAML with line numbers: mappings whose keys are checked, scalars whose text is kept."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import GrammarError
from .phrase_reader import read
from .source import Place

DEEPEST_VALUE = 20
LARGEST_VALUE = 10_000
"""Nodes in the value of a slot, lists and mappings in it included."""


_DECIMAL = re.compile(r"[-+]?\d+(?:\.\d+)?")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][\d_]*|0x[\da-fA-F]+)")
_FLOAT = re.compile(r"[-+]?[\d_]*\.?[\d_]*(?:[eE][-+]?\d+)?")
_UNQUOTED = re.compile(r"\s*-\s+[\[{<>|%@`*&!]")


class Node:
    """A node of a YAML file. Everything that does not fit raises GrammarError with file and line."""

    def __init__(self, raw: Any, file: str) -> None:
        self._raw = raw
        self._file = file

    @property
    def place(self) -> Place:
        """Where the node begins."""
        return Place(self._file, self._raw.start_mark.line + 1)

    def error(self, message: str) -> GrammarError:
        """An error at this node, to be raised."""
        return GrammarError(f"{self.place}: {message}")

    def mapping(self, what: str, keys: frozenset[str] | None = None) -> dict[str, Node]:
        """The entries of a mapping; with `keys`, only these are allowed. An empty node is an empty mapping."""
        if self.is_empty:
            return {}
        if self._raw.id != "mapping":
            raise self.error(f"{what} must be a mapping (key: value), not {self._shown()}")
        entries: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        for key, value in self._raw.value:
            key_node = Node(key, self._file)
            if key.tag.endswith(":merge"):
                inherited |= Node(value, self._file)._merged(what, keys)
                continue
            name = key_node.text("a key")
            if name in entries:
                raise key_node.error(f"{name!r} comes twice in {what}: join the two")
            if keys is not None and name not in keys:
                close = difflib.get_close_matches(name, keys, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(sorted(keys))}"
                raise key_node.error(f"unknown key {name!r} in {what}: {hint}")
            entries[name] = Node(value, self._file)
        return inherited | entries

    def _merged(self, what: str, keys: frozenset[str] | None) -> dict[str, Node]:
        """The entries of the mappings, or of the one, that stand after `<<:`, the first before later ones."""
        self._check_size()
        sources = self.items(what) if self._raw.id == "sequence" else iter((self,))
        entries: dict[str, Node] = {}
        for source in sources:
            entries = source.mapping(what, keys) | entries
        return entries

    def items(self, what: str) -> Iterator[Node]:
        """The entries of a sequence; a single scalar counts as one."""
        if self._raw.id == "scalar" and not self.is_empty:
            yield self
        elif self._raw.id == "sequence":
            yield from (Node(item, self._file) for item in self._raw.value)
        else:
            raise self.error(f"{what} must be a list (- item), not {self._shown()}")

    def text(self, what: str) -> str:
        """The characters of a scalar, so that an unquoted `on` or `5` stays what was written."""
        if self._raw.id != "scalar" or self.is_empty:
            hint = ": put it in quotes if it is one" if what == "a sentence" and not self.is_empty else ""
            raise self.error(f"{what} must be a text, not {self._shown()}{hint}")
        return str(self._raw.value)

    def number(self, what: str) -> int | float:
        """The value of a numeric scalar, in quotes or not."""
        value = self.value()
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            value = float(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{what} must be a number, not {value!r}")
        return value

    def value(self) -> Any:
        """The Python value, as YAML reads it, but times, dates and what JSON cannot hold stay what was written."""
        import yaml

        self._check_size()
        loader = _value_loader()("")
        try:
            return loader.construct_document(self._raw)
        except (yaml.YAMLError, ValueError, TypeError) as error:
            raise self.error(f"cannot read this value: {getattr(error, 'problem', error)}") from error
        finally:
            loader.dispose()

    def _check_size(self) -> None:
        """GrammarError for a value that is huge, deep or inside itself, as aliases (*name) can make it."""
        nodes = 0
        pending = [(self._raw, 0)]
        while pending:
            raw, depth = pending.pop()
            nodes += 1
            if depth > DEEPEST_VALUE or nodes > LARGEST_VALUE:
                raise self.error("this value is too large, nested too deeply or refers to itself: make it simpler")
            children = raw.value if raw.id != "scalar" else ()
            for child in children:
                pending += [(each, depth + 1) for each in (child if isinstance(child, tuple) else (child,))]

    @property
    def is_empty(self) -> bool:
        """Whether nothing, `~` or `null` stands here."""
        return bool(self._raw.tag.endswith(":null"))

    @property
    def is_mapping(self) -> bool:
        """Whether this is a mapping."""
        return bool(self._raw.id == "mapping")

    def _shown(self) -> str:
        return "nothing" if self.is_empty else f"a {self._raw.id}"


@cache
def _value_loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.1 without its surprises: 10:30 is 630 in it, and 010 is 8."""

        def construct_yaml_int(self, node: Any) -> Any:
            return super().construct_yaml_int(node) if _INTEGER.fullmatch(node.value) else node.value

        def construct_yaml_float(self, node: Any) -> Any:
            return super().construct_yaml_float(node) if _FLOAT.fullmatch(node.value) else node.value

    for kind in ("int", "float"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", getattr(Loader, f"construct_yaml_{kind}"))
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
    return Loader


def _begins(text: str, line: int) -> bool:
    """Whether an item in that line begins with what means something else in YAML."""
    return any(map(_UNQUOTED.match, text.split("\n")[line : line + 1]))


def yaml_file(path: Path) -> Node | None:
    """The document of a YAML file; None when it has none."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = read(path)
    try:
        raw = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(str(path), mark.line + 1 if mark else None)
        problem = f"{error.context}, {error.problem}" if "another document" in (error.problem or "") else error.problem
        hint = ": a sentence that begins so needs quotes around it" if mark and _begins(text, mark.line) else ""
        raise GrammarError(f"{place}: not valid YAML: {problem or error.context}{hint}") from error
    except yaml.reader.ReaderError as error:
        place = Place(str(path), text.count("\n", 0, error.position) + 1)
        raise GrammarError(f"{place}: not valid YAML: {error.reason}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise GrammarError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from error
    return None if raw is None else Node(raw, str(path))
