"""Home Assistant's own English sentences, with the names of a home, as one grammar file.

The sentences come from the PyPI package `home-assistant-intents` (Apache-2.0), which Home Assistant itself uses. What
it knows only when it runs stands in a small YAML file:

    entities:                # name -> domain, or entity id
      Kitchen lamp: light
      Front door: lock.front_door
    areas: [Kitchen, Living room]
    floors: [Upstairs]
    lists:                   # of words that may be anything in Home Assistant, here only these
      timer_name: [pizza, tea]
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import GrammarError, SpeechLstmError
from speech_lstm.writing import write_atomically

KEYS = ("entities", "areas", "floors", "lists")
_REFERENCE = re.compile(r"\{(?P<list>[^}:]+)(?::[^}]*)?\}|<(?P<rule>[^>]+)>")


@dataclass(frozen=True)
class HomeGrammar:
    """A grammar in the form of a YAML document. `left_out`: list that has no values -> sentences that need it."""

    document: dict[str, Any]
    sentences: int
    left_out: dict[str, int]

    def write(self, path: Path) -> None:
        """As YAML. SpeechLstmError where that cannot be done."""
        import yaml

        try:
            text = yaml.safe_dump(self.document, sort_keys=False, allow_unicode=True, width=120)
            write_atomically(path, text)
        except OSError as error:
            raise SpeechLstmError(f"{path}: cannot be written: {error.strerror}") from None


def home_grammar(entities: Path) -> HomeGrammar:
    """The sentences with the names in a file. Raises GrammarError for a bad file, SpeechLstmError without the package.

    A sentence is left out when it needs a list that neither the package nor the file has values for.
    """
    source = _sentences()
    lists = {name: values for name, values in source["lists"].items() if not values.get("wildcard")} | _lists(entities)
    rules = source["expansion_rules"]
    intents: dict[str, Any] = {}
    left_out: Counter[str] = Counter()
    count = 0
    for intent, inside in source["intents"].items():
        blocks = []
        for block in inside["data"]:
            lacking = {
                text: _lacking(text, lists, block.get("expansion_rules", {}) | rules) for text in block["sentences"]
            }
            left_out.update(name for name in lacking.values() if name)
            kept = [text for text, name in lacking.items() if not name]
            count += len(kept)
            if kept:
                about = {key: value for key, value in block.items() if key not in ("sentences", "metadata", "response")}
                blocks.append({"sentences": kept, **about})
        if blocks:
            intents[intent] = {"data": blocks}
    document = {
        "language": "en",
        "intents": intents,
        "lists": lists,
        "expansion_rules": rules,
        "skip_words": source["skip_words"],
    }
    return HomeGrammar(document, count, dict(left_out))


def _sentences() -> dict[str, Any]:
    """The package's file, without importing it."""
    spec = find_spec("home_assistant_intents")
    if spec is None or spec.origin is None:
        raise SpeechLstmError("Home Assistant's sentences are not installed: pip install 'speech-lstm[serve]'")
    path = Path(spec.origin).parent / "data" / "en.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _lists(path: Path) -> dict[str, Any]:
    """The lists that a file of names stands for."""
    import yaml

    try:
        given = yaml.safe_load(read_text(path)) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or str(error).replace("\n", " ")
        raise GrammarError(f"{path}: cannot be read: {reason}") from None
    if not isinstance(given, dict) or not set(given) <= set(KEYS):
        raise GrammarError(f"{path}: expected a mapping with some of the keys {', '.join(KEYS)}")
    entities, lists = given.get("entities") or {}, given.get("lists") or {}
    if not isinstance(entities, dict) or not all(isinstance(value, str) for value in entities.values()):
        raise GrammarError(f"{path}: entities must be a mapping from name to domain, as Kitchen lamp: light")
    found: dict[str, Any] = {}
    if entities:
        found["name"] = {"values": [
            {"in": str(name), "out": str(name), "context": {"domain": domain.partition(".")[0]}}
            for name, domain in entities.items()
        ]}  # fmt: skip
    plain = {"area": given.get("areas"), "floor": given.get("floors"), **(lists if isinstance(lists, dict) else {})}
    for name, values in plain.items():
        if values is None or values == []:
            continue
        if not isinstance(values, list) or not all(isinstance(value, str | int) for value in values):
            raise GrammarError(f"{path}: {name} must be a list of names")
        found[name] = {"values": [str(value) for value in values]}
    return found


def _lacking(
    text: str, lists: dict[str, Any], rules: dict[str, str], inside: frozenset[str] = frozenset()
) -> str | None:
    """The first list that a template needs, itself or through rules, and that has no values."""
    for reference in _REFERENCE.finditer(text):
        name, rule = reference["list"], reference["rule"]
        if name is not None and name not in lists and ".." not in name:
            return name
        if rule in rules and rule not in inside and (found := _lacking(rules[rule], lists, rules, inside | {rule})):
            return found
    return None
