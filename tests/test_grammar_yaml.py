"""YAML templates: every part of the format, and errors with line numbers."""

from pathlib import Path

import pytest

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar

HOME = """\
language: en
intents:
  Light:
    data:
      - sentences:
          - "<turn> {state} [the] {lamp:name}"
        slots: {domain: light, tags: [a, b]}
        requires_context: {domain: light, area: {slot: true}}
      - sentences: "dim [the] {lamp:name} to {brightness}[%| percent]"
        expansion_rules: {turn: never}
        lists:
          lamp: {values: [night light]}
  Timer:
    data:
      - sentences: ["timer for {minutes} minute[s]", "it is {degrees} degrees", "channel {channel}"]
        response: done
lists:
  state:
    values: [on, "off"]
  lamp:
    values:
      - kitchen light
      - {in: "(hall|hallway) light[s]", out: light.hall, context: {domain: light}}
      - {in: fan, out: 7, context: {domain: fan}}
  brightness:
    range: {from: 0, to: 100, type: percentage}
  minutes:
    range: {from: 5, to: 60, step: 5, multiplier: 60}
  degrees:
    range: {from: -2, to: 2, type: temperature, fractions: halves}
  channel:
    values: [5, 1.5]
expansion_rules:
  turn: "(turn|switch)"
skip_words: [please, could you]
"""
FIXED = {"domain": "light", "tags": ["a", "b"]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Grammar:
    path = tmp_path_factory.mktemp("yaml") / "home.yaml"
    path.write_text(HOME)
    return Grammar.load(path)


@pytest.mark.parametrize(
    ("words", "intent", "slots"),
    [
        ("turn on the kitchen light", "Light", {**FIXED, "state": "on", "name": "kitchen light"}),
        ("switch off hallway lights", "Light", {**FIXED, "state": "off", "name": "light.hall"}),
        ("dim the night light to fifty five", "Light", {"name": "night light", "brightness": 55}),
        ("dim night light to a hundred percent", "Light", {"name": "night light", "brightness": 100}),
        ("timer for twenty five minutes", "Timer", {"minutes": 1500}),
        ("it is minus one and a half degrees", "Timer", {"degrees": -1.5}),
        ("it is one point five degrees", "Timer", {"degrees": 1.5}),
        ("channel five", "Timer", {"channel": 5}),
        ("channel one point five", "Timer", {"channel": 1.5}),
        ("could you please turn on fan please", None, {}),
        ("please could you turn on kitchen light please", "Light", None),
    ],
)  # fmt: skip
def test_meanings(home: Grammar, words: str, intent: str | None, slots: dict[str, object] | None) -> None:
    if intent is None:
        with pytest.raises(GrammarError, match="no sentence"):
            home.interpret(words.split())
        return
    meaning = home.interpret(words.split())
    assert meaning.intent == intent
    assert slots is None or {slot.name: slot.value for slot in meaning.slots} == slots


def test_a_fixed_slot_is_said_with_the_whole_sentence(home: Grammar) -> None:
    first, second, *_ = home.interpret(["turn", "on", "the", "kitchen", "light"]).slots
    assert first == ("domain", "light", 0, 4)
    assert second == ("tags", ["a", "b"], 0, 4)


def test_lists_from_python_replace_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(HOME)
    grammar = Grammar.from_yaml(path, lists={"lamp": [{"in": "[big] lamp", "out": 3, "context": {"domain": "light"}}]})
    slots = grammar.interpret(["turn", "on", "the", "big", "lamp"]).slots
    assert slots[-1] == ("name", 3, 3, 4)
    assert "hallway" not in grammar.words


def test_lists_of_a_block_are_replaced_as_well_and_an_empty_context_admits_what_has_none(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(
        "intents: {P: {data: [{sentences: ['play {x}'], requires_context: {area: []}, lists: {x: {values: [jazz]}}},\n"
        "  {sentences: ['stop {x}']}]}}\nlists: {x: {values: [blues, {in: folk, context: {area: hall}}]}}\n"
    )
    grammar = Grammar.from_yaml(path)
    assert grammar.words == {"play", "jazz", "stop", "blues", "folk"}
    for other in (grammar.with_lists({"x": ["rock"]}), Grammar.from_yaml(path, lists={"x": ["rock"]})):
        assert other.words == {"play", "stop", "rock"}
    path.write_text("intents: {P: {data: [{sentences: ['play {x}'], lists: {x: {values: [jazz]}}}]}}\n")
    assert Grammar.load(path).with_lists({"x": ["pop"]}).words == {"play", "pop"}
    with pytest.raises(GrammarError, match="no list 'y'; it has: x"):
        Grammar.load(path).with_lists({"y": ["pop"]})


def test_a_folder_joins_its_files_and_names_intents_of_the_newer_layout(tmp_path: Path) -> None:
    (tmp_path / "HassTurnOn").mkdir()
    (tmp_path / "HassTurnOn" / "name_only.yaml").write_text(
        "language: en\ndata:\n  - sentences: 'turn on {name}'\n    name_domains: [light]\n    inferred_domain: light\n"
    )
    (tmp_path / "lists.yml").write_text("lists: {name: {values: [lamp, {in: fan, context: {domain: fan}}]}}\n")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    grammar = Grammar.load(str(tmp_path))
    meaning = grammar.interpret(["turn", "on", "lamp"])
    assert meaning.intent == "HassTurnOn"
    assert meaning.slots == (("domain", "light", 0, 2), ("name", "lamp", 2, 2))
    assert "fan" not in grammar.words


def intents(body: str) -> str:
    return f'intents:\n  Go:\n    data:\n      - sentences: ["go {{where}}"]\n{body}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.yaml: no sentences"),
        ("- a\n", "line 1: the file must be a mapping"),
        ("intents: [", "line 2: not valid YAML|line 1: not valid YAML"),
        ("a: b: c\n", "line 1: not valid YAML: mapping values are not allowed"),
        ("language: de\n", "line 1: language is 'de'"),
        ("intent: {}\n", "line 1: unknown key 'intent' in the file: did you mean 'intents'"),
        ("intents:\n  Go:\n    sentences: []\n", "line 3: unknown key 'sentences' in intent 'Go': allowed are data"),
        ("intents:\n  Go: {}\n", "line 2: intent 'Go' has no data"),
        ("intents:\n  Go:\n    data:\n      - sentence: a\n", "line 4: unknown key .* did you mean 'sentences'"),
        ("intents:\n  Go:\n    data:\n      - slots: {}\n", "line 4: this data of intent 'Go' has no sentences"),
        ("intents:\n  Go:\n    data:\n      - sentences:\n        - go [\n", "line 5: '\\[' in column 4"),
        ("intents:\n  Go:\n    data:\n      - sentences: {a: b}\n", "line 4: sentences must be a list"),
        ("intents:\n  Go: {}\n  Go: {}\n", "line 3: 'Go' comes twice"),
        ("intents:\n  Go:\n    data:\n      - sentences:\n        - [the] a\n", "line 5: not .* needs quotes around"),
        ("intents:\n  Go:\n    data:\n      - sentences:\n        - {x} a\n", "line 5: not .* needs quotes around"),
        ("intents:\n  Go:\n    data:\n      - sentences:\n        - mode: a\n", "line 5: .* put it in quotes"),
        ("intents: {}\n---\nintents: {}\n", "expected a single document .*, but found another document"),
        (intents("lists: {where: [a]}\n"), "line 5: list 'where' needs values: or range: below it"),
        (intents(""), "line 4: list {where} is not defined: define it under 'lists'"),
        (intents("lists:\n  were: {values: [home]}\n"), "line 4: list {where} is not defined: did you mean 'were'"),
        (intents("lists:\n  where:\n    wildcard: true\n"), "line 4: {where} is a wildcard list \\(.*line 7\\)"),
        (intents("lists:\n  where:\n    values: []\n"), "line 7: list 'where' has no values"),
        (intents("lists:\n  where:\n    value: []\n"), "line 7: unknown key 'value' .* did you mean 'values'"),
        (intents("lists:\n  where: {}\n"), "line 6: list 'where' needs values: or range:"),
        (intents("lists:\n  where:\n    values:\n      - out: 3\n"), "line 8: this value of list 'where' has no 'in'"),
        (intents("lists:\n  where:\n    values:\n      - a [b\n"), "line 8: '\\[' in column 3"),
        (intents("lists:\n  where:\n    values: [a, ~]\n"), "line 7: a value of list .* must be a text, not nothing"),
        (intents("lists:\n  where:\n    range: {from: 1}\n"), "line 7: the range of list 'where' needs from: and to:"),
        (intents("lists:\n  where:\n    range: {from: 5, to: 1}\n"), "line 7: .* has no numbers"),
        (intents("lists:\n  where:\n    range: {from: a, to: 1}\n"), "line 7: from must be a number, not 'a'"),
        (intents("lists:\n  where:\n    range: {from: 0.5, to: 1}\n"), "line 7: from, to and step must be whole"),
        (intents("lists:\n  where:\n    range: {from: 0, to: 1, fractions: thirds}\n"), "must be halves or tenths"),
        (intents("lists: {where: {values: [<y>]}}\nexpansion_rules:\n  y: z <y>\n"), "line 7: rules .*: <y> -> <y>"),
        (intents("lists:\n  where: {values: [x]}\nskip_words: {a: b}\n"), "line 7: skip_words must be a list"),
    ],
)  # fmt: skip
def test_errors_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(GrammarError, match=message) as raised:
        Grammar.from_yaml(path)
    assert str(path) in str(raised.value)


def test_an_error_in_a_rule_is_shown_at_the_rule_and_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "intents:\n  Go:\n    data:\n      - sentences: [a <r>, b <r>]\nexpansion_rules:\n  r: x <s>\n  s: <t>\n"
    )
    with pytest.raises(GrammarError) as raised:
        Grammar.from_yaml(path)
    assert str(raised.value) == f"{path}, line 7: rule <t> is not defined: define it under 'expansion_rules'"


def test_missing_folders_and_values(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match=r"no \.yaml files in this folder"):
        Grammar.from_yaml(tmp_path)
    (tmp_path / "a.yaml").write_text(
        "intents:\n  Go:\n    data:\n      - sentences: ['go {x}']\n        requires_context: {kind: a}\n"
        "lists: {x: {values: [{in: home, context: {kind: b}}]}}\n"
    )
    with pytest.raises(GrammarError, match="no sentence can be said"):
        Grammar.from_yaml(tmp_path)


def test_values_are_what_was_written(tmp_path: Path) -> None:
    """YAML 1.1 has 10:30 as 630, 010 as 8, and dates and infinity, which JSON has not."""
    written = {
        "time": "10:30",
        "code": "010",
        "day": "2024-01-15",
        "most": ".inf",
        "whole": 5,
        "part": -1.5,
        "old": True,
    }
    slots = "time: 10:30, code: 010, day: 2024-01-15, most: .inf, whole: 5, part: -1.5, old: on"
    path = tmp_path / "a.yaml"
    path.write_text(
        f"intents: {{Go: {{data: [{{sentences: ['at {{when}}'], slots: {{{slots}}}}}]}}}}\n"
        "lists: {when: {values: [7:45]}}"
    )
    found = {slot.name: slot.value for slot in Grammar.load(path).interpret(["at", "seven", "forty", "five"]).slots}
    assert found == {**written, "when": "7:45"}


def test_what_yaml_merges(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "intents:\n  Go:\n    data:\n      - &first {sentences: [go], slots: {a: 1, b: 2}}\n"
        "      - {<<: *first, sentences: [run]}\n      - {<<: [{slots: {c: 3}}, *first], sentences: [walk]}\n"
    )
    grammar = Grammar.load(path)
    slots = [{slot.name: slot.value for slot in grammar.interpret([word]).slots} for word in ("go", "run", "walk")]
    assert slots == [{"a": 1, "b": 2}, {"a": 1, "b": 2}, {"c": 3}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "intents: {Go: {data: [{sentences: [café]}]}}"), ("a.txt", "café")]
)
def test_files_of_windows(tmp_path: Path, encoding: str, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(f"{text}\r\n".encode(encoding))
    assert Grammar.load(tmp_path / name).words == {"cafe"}
