"""Real files of the Home Assistant intents project compile, and their test sentences mean what the project says."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.text import spoken_words

FOLDER = Path(__file__).parent / "data" / "home_assistant"
TESTS = sorted((FOLDER / "tests").rglob("*.yaml"))


def house(test: dict[str, Any]) -> dict[str, Any]:
    """The lists that a running Home Assistant would have."""
    return {
        "name": [
            {"in": entity["name"], "out": entity["name"], "context": {"domain": entity["domain"]}}
            for entity in test.get("entities", [{"name": "Nothing", "domain": "none"}])
        ],
        "area": [area["name"] for area in test.get("areas", [{"name": "Hall"}])],
        "floor": [floor["name"] for floor in test.get("floors", [{"name": "Attic"}])],
    }


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@pytest.mark.parametrize("path", TESTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_sentences_have_the_intent_and_slots_of_the_project(path: Path) -> None:
    test = yaml.safe_load(path.read_text())
    templates = FOLDER / "sentences" / path.parent.name / path.name
    common = (FOLDER / "lists_and_rules.yaml", FOLDER / "sentences" / "_common.yaml")
    grammar = Grammar.from_yaml(templates, *common, lists=house(test))
    for case in test["tests"]:
        expected = {name: lower(value) for name, value in case.get("slots", {}).items()}
        for sentence in case["sentences"]:
            meaning = grammar.interpret(spoken_words(sentence))
            slots = {slot.name: lower(slot.value) for slot in meaning.slots}
            if "domain" not in expected:
                slots.pop("domain", None)
            assert (meaning.intent, slots) == (path.parent.name, expected), sentence


def test_the_whole_folder_is_one_grammar() -> None:
    lists = {"name": ["kitchen light"], "area": ["kitchen", "living room"], "floor": ["first floor"]}
    grammar = Grammar.from_yaml(FOLDER / "sentences", FOLDER / "lists_and_rules.yaml", lists=lists)
    meaning = grammar.interpret(spoken_words("Could you set a timer for 5 minutes and 30 seconds, please?"))
    assert meaning.intent == "HassStartTimer"
    assert [slot[:2] for slot in meaning.slots] == [("minutes", 5), ("seconds", 30)]
    assert grammar.interpret(spoken_words("turn on the lights in the kitchen")).intent == "HassTurnOn"
