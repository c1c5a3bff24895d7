"""Sentence templates from YAML files in the format of the Home Assistant intents project.

    language: en
    intents:
      TurnOn:
        data:
          - sentences:
              - "(turn|switch) on [the] {light:name}"
            slots:
              state: "on"
    lists:
      light:
        values:
          - kitchen light
          - in: "(lamp|reading light)"
            out: light.lamp
      brightness:
        range: {from: 0, to: 100, type: percentage}
    expansion_rules:
      please: "[please]"
    skip_words:
      - could you

A file of that project's newer layout has `data` at the top; its folder names the intent (`HassTurnOn/name.yaml`).
What several files define is joined, later files before earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import GrammarError
from .expression import MOST_DIGITS
from .source import Block, RangeList, Rule, SlotList, Source, Template, TextList, Value, WildcardList
from .yaml_nodes import Node, yaml_file

_FILE_KEYS = frozenset(
    ("language", "intents", "data", "lists", "expansion_rules", "skip_words", "responses", "settings")
)
_BLOCK_KEYS = frozenset((
    "sentences", "slots", "lists", "expansion_rules", "requires_context", "excludes_context", "inferred_domain",
    "name_domains", "response", "metadata", "required_keywords", "settings", "example", "speech_to_phrase",
))  # fmt: skip
_VALUE_KEYS = frozenset(("in", "out", "context", "metadata"))
_LIST_KEYS = frozenset(("values", "range", "wildcard", "metadata"))
_RANGE_KEYS = frozenset(("from", "to", "step", "type", "multiplier", "fractions", "digits", "words", "words_language"))
_RANGE_TYPES = ("number", "percentage", "temperature")
_FRACTIONS = {"halves": (0.5,), "tenths": tuple(tenth / 10 for tenth in range(1, 10))}


def read_yaml(paths: Iterable[Path]) -> Source:
    """The source of YAML files; a folder stands for all the YAML files in it and below."""
    reader = _Reader()
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise GrammarError("no grammar file is given")
    for file in files:
        reader.read(file)
    if not reader.templates:
        names = ", ".join(map(str, files[:3])) + (", ..." if len(files) > 3 else "")
        raise GrammarError(f"{names}: no sentences: write them under intents: NAME: data: - sentences:")
    return Source(tuple(reader.templates), reader.lists, reader.rules, tuple(reader.skip_words), "yaml")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in (".yaml", ".yml"))
    if not files:
        raise GrammarError(f"{path}: no .yaml files in this folder")
    return files


class _Reader:
    """Collects what the files define."""

    def __init__(self) -> None:
        self.templates: list[Template] = []
        self.lists: dict[str, SlotList] = {}
        self.rules: dict[str, Rule] = {}
        self.skip_words: list[str] = []

    def read(self, path: Path) -> None:
        document = yaml_file(path)
        if document is None:
            return
        top = document.mapping("the file", _FILE_KEYS)
        if "language" in top:
            language = top["language"].text("language")
            if language.split("-")[0].split("_")[0] != "en":
                raise top["language"].error(
                    f"language is {language!r}: words and numbers are pronounced in English (en)"
                )
        if "intents" in top:
            for intent, node in top["intents"].mapping("intents").items():
                inside = node.mapping(f"intent {intent!r}", frozenset(("data",)))
                if "data" not in inside:
                    raise node.error(f"intent {intent!r} has no data: write data: - sentences: below it")
                self._data(intent, inside["data"])
        if "data" in top:
            self._data(path.resolve().parent.name, top["data"])
        self.lists.update(_lists(top.get("lists")))
        self.rules.update(_rules(top.get("expansion_rules")))
        if "skip_words" in top and not top["skip_words"].is_empty:
            self.skip_words += [node.text("a skip word") for node in top["skip_words"].items("skip_words")]

    def _data(self, intent: str, data: Node) -> None:
        for node in data.items("data"):
            keys = node.mapping("data", _BLOCK_KEYS)
            if "sentences" not in keys:
                raise node.error(f'this data of intent {intent!r} has no sentences: write sentences: - "..." in it')
            slots = _values_of(keys.get("slots"), "slots")
            requires = _context(keys.get("requires_context"))
            if "inferred_domain" in keys:
                slots.setdefault("domain", keys["inferred_domain"].text("inferred_domain"))
            if "name_domains" in keys:
                domains = tuple(node.text("a domain") for node in keys["name_domains"].items("name_domains"))
                if domains != ("default",):
                    requires.setdefault("domain", domains)
            block = Block(
                intent=intent,
                slots=slots,
                lists=_lists(keys.get("lists")),
                rules=_rules(keys.get("expansion_rules")),
                requires=requires,
                excludes=_context(keys.get("excludes_context")),
            )
            for sentence in keys["sentences"].items("sentences"):
                self.templates.append(Template(sentence.text("a sentence"), sentence.place, block))


def _values_of(node: Node | None, what: str) -> dict[str, Any]:
    return {} if node is None else {name: value.value() for name, value in node.mapping(what).items()}


def _context(node: Node | None) -> dict[str, tuple[Any, ...]]:
    """Values by key. What needs a running system (`slot: true`, the room that the speaker is in) is left out."""
    found = _values_of(node, "the context")
    values = {key: value.get("value") if isinstance(value, dict) else value for key, value in found.items()}
    return {
        key: tuple(value) if isinstance(value, list) else (value,) for key, value in values.items() if value is not None
    }


def _rules(node: Node | None) -> dict[str, Rule]:
    if node is None:
        return {}
    rules = node.mapping("expansion_rules")
    return {name: Rule(body.text(f"rule {name!r}"), body.place) for name, body in rules.items()}


def _lists(node: Node | None) -> dict[str, SlotList]:
    return {} if node is None else {name: _list(name, inside) for name, inside in node.mapping("lists").items()}


def _list(name: str, node: Node) -> SlotList:
    if not node.is_mapping:
        raise node.error(f"list {name!r} needs values: or range: below it")
    keys = node.mapping(f"list {name!r}", _LIST_KEYS)
    if "values" in keys:
        values = tuple(_value(name, entry) for entry in keys["values"].items(f"values of list {name!r}"))
        if not values:
            raise node.error(f"list {name!r} has no values")
        return TextList(values, node.place)
    if "range" in keys:
        return _range(name, keys["range"])
    if "wildcard" in keys and keys["wildcard"].value() is True:
        return WildcardList(node.place)
    raise node.error(f"list {name!r} needs values: or range:")


def _value(name: str, node: Node) -> Value:
    if not node.is_mapping:
        text, out = node.text(f"a value of list {name!r}"), node.value()
        return Value(text, text if out is None or isinstance(out, bool) else out, node.place)
    keys = node.mapping(f"a value of list {name!r}", _VALUE_KEYS)
    if "in" not in keys:
        raise node.error(f"this value of list {name!r} has no 'in': write in: \"what is said\"")
    text = keys["in"].text("in")
    out = keys["out"].value() if "out" in keys else text
    return Value(text, out, node.place, _values_of(keys.get("context"), "the context"))


def _range(name: str, node: Node) -> RangeList:
    keys = node.mapping(f"the range of list {name!r}", _RANGE_KEYS)
    numbers = {key: keys[key].number(key) for key in ("from", "to", "step", "multiplier") if key in keys}
    if not {"from", "to"} <= set(numbers):
        raise node.error(f"the range of list {name!r} needs from: and to:")
    if any(not abs(number) < 10**MOST_DIGITS for number in numbers.values()):  # infinity and NaN as well
        raise node.error(f"the range of list {name!r} has numbers of more than {MOST_DIGITS} digits")
    whole = {key: int(number) for key, number in numbers.items()}
    if any(whole[key] != numbers[key] for key in ("from", "to")) or numbers.get("step", 1) != whole.get("step", 1):
        raise node.error("from, to and step must be whole numbers; fractions: halves or tenths adds what is between")
    if whole["from"] > whole["to"] or whole.get("step", 1) < 1:
        raise node.error(f"the range of list {name!r} has no numbers: from must be at most to, step at least 1")
    if "type" in keys and keys["type"].text("type") not in _RANGE_TYPES:
        raise keys["type"].error(f"type must be one of {', '.join(_RANGE_TYPES)}")
    fractions: tuple[float, ...] = ()
    if "fractions" in keys:
        kind = keys["fractions"].text("fractions")
        if kind not in _FRACTIONS:
            raise keys["fractions"].error(f"fractions must be halves or tenths, not {kind!r}")
        fractions = _FRACTIONS[kind]
    return RangeList(
        whole["from"], whole["to"], whole.get("step", 1), fractions, numbers.get("multiplier", 1), node.place
    )
