"""`speech-lstm grammar check`: the report, what it is made from, and the exit code."""

import json
import time
from functools import cache
from pathlib import Path

import pytest

import speech_lstm as sl
from speech_lstm.cli import main
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.grammar.analysis import samples, sentences
from speech_lstm.runtime.grammar.sound_alike import phone_distance, sound_alikes
from speech_lstm.runtime.lexicon.lexicon import Lexicon

PRONOUNCE = cache(Lexicon().pronunciations)
HOME_ASSISTANT = Path(__file__).parent / "data" / "home_assistant"


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.txt"
    path.write_text("On: zigbee [lamp] on\nStop: stop\nHalt: (stop|halt) [it]\nfour\nfor\n")
    assert main(["grammar", "check", str(path), "--samples", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == ["intents: 3", "templates: 5", "words: 8", "sentences: 8", "word graph: 8 nodes, 14 arcs"]
    assert lines[5].startswith("phone graph: ")
    assert "ambiguous: 'stop' is Stop, as that comes first, and Halt" in lines
    assert "sample: On: zigbee lamp on" in lines
    assert "sample: four" in lines
    assert "guessed: zigbee = Z IH G B IY" in lines
    assert "alike: 'four' and 'for' (sentences)" in lines


def test_words_without_pronunciation_and_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.txt"
    path.write_text("play жук\n", encoding="utf-8")
    assert main(["grammar", "check", str(path)]) == 1
    assert f"error: {path}, line 1: no pronunciation for 'жук'" in capsys.readouterr().out
    path.write_text("stop\nturn [\ngo {where}\n")
    assert main(["grammar", "check", str(path)]) == 1
    errors = capsys.readouterr().err
    assert "home.txt, line 2: '['" in errors and "home.txt, line 3: list {where}" in errors


def test_signs_that_nothing_is_said_for_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(
        "intents: {Go: {data: [{sentences: ['turn it on/off', '-{n}° [C]', '<back> {who}']}]}}\n"
        "lists: {n: {range: {from: 1, to: 9}}, who: {values: [Ann, 'Bob *']}}\n"
        "expansion_rules: {back: 'go [~] back'}\n",
        encoding="utf-8",
    )
    assert main(["grammar", "check", str(path)]) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        f"warning: {path}, line 1: nothing is said for / in 'turn it on/off': write it as a word",
        f"warning: {path}, line 1: nothing is said for ~ in '<back> {{who}}': write it as a word",
        f"warning: {path}, line 2: nothing is said for * in 'Bob *': write it as a word",
    ]


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.txt"
    path.write_text("On: zigbee [lamp] on/off\nStop: stop {1..3:n}\nHalt: (stop|halt) [one]\nfour\nfor\n")
    assert main(["grammar", "check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["intents"], found["templates"], found["sentences"]) == (["Halt", "On", "Stop"], 5, 10)
    assert found["ambiguous"] == [{"text": "stop one", "intents": ["Stop", "Halt"]}]
    assert found["guessed"] == {"zigbee": ["Z IH G B IY"]}
    assert {"first": "four", "second": "for", "where": "sentences", "distance": 0.0} in found["alike"]
    assert [(each["sign"], each["line"]) for each in found["warnings"]] == [("/", 1)]
    assert {"intent": None, "text": "four"} in found["samples"] and found["errors"] == []
    assert found["phone_graph"]["arcs"] > 10 and found["word_graph"]["nodes"] > 5
    path.write_text("stop\nturn [\ngo {where}\n")
    assert main(["grammar", "check", str(path), "--json"]) == 1
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert [line.split(": ")[0] for line in errors] == [f"{path}, line 2", f"{path}, line 3"]


def test_own_pronunciations_are_not_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, own = tmp_path / "home.txt", tmp_path / "own.json"
    path.write_text("zigbee on\n")
    own.write_text('{"zigbee": ["Z IH G B IY"]}')
    assert main(["grammar", "check", str(path), "--pronunciations", str(own)]) == 0
    assert "guessed" not in capsys.readouterr().out
    own.write_text('{\n "zigbee": ["Z IH", "Z XX"]\n}')
    assert main(["grammar", "check", str(path), "--pronunciations", str(own)]) == 1
    assert f"{own}, line 2: pronunciation of 'zigbee': 'XX' is not a phone" in capsys.readouterr().err


def test_several_yaml_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = tmp_path / "lists.yaml"
    lists.write_text("lists: {name: {values: [lamp]}, area: {values: [hall]}, floor: {values: [attic]}}\n")
    files = [HOME_ASSISTANT / "sentences", HOME_ASSISTANT / "lists_and_rules.yaml", lists]
    assert main(["grammar", "check", *map(str, files), "--samples", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "intents: 11"
    assert sum(line.startswith("sample: ") for line in lines) == 11


def test_sentences_are_counted_once_each_without_listing_them() -> None:
    grammar = Grammar.from_phrases(["{0..99:a} by {0..99:b} by {0..99:c} by {0..99:d} [now]", "[please] [please] stop"])
    found = sentences(grammar.graph)
    assert found is not None
    assert found.count == 2 * 100**4 + 3
    assert found.ambiguities == ()


def test_ambiguities_name_a_shortest_sentence_and_the_intents_in_order() -> None:
    found = sentences(Grammar.from_phrases(["A: a [b]", "B: a b", "go", "C: [do] go"]).graph)
    assert found is not None
    assert [(each.words, each.intents) for each in found.ambiguities] == [
        (("go",), ("no intent", "C")),
        (("a", "b"), ("A", "B")),
    ]


def test_more_samples_than_there_are() -> None:
    assert set(samples(Grammar.from_phrases(["go", "stop"]), each=10**12)) == {(None, "go"), (None, "stop")}


def test_samples_are_sentences_of_their_intent() -> None:
    grammar = Grammar.from_phrases(["A: go {where} [now]", "B: stop", "wait"], lists={"where": ["home", "on"]})
    found = list(samples(grammar, each=3))
    assert all(grammar.interpret(text.split()).intent == intent for intent, text in found)
    assert [intent for intent, _ in found] == ["A", "A", "A", "B", None]
    assert found == list(samples(grammar, each=3))


@pytest.mark.parametrize(
    ("phrases", "values", "expected"),
    [
        (["call {x}"], ["fifteen", "fifty", "sixty"], {("fifteen", "fifty")}),
        (["call {x}"], ["bed", "bad", "bird"], {("bed", "bad")}),
        (["call {x}"], [{"in": "bed", "out": 1}, {"in": "bad", "out": 1}], set()),
        (["call {x}"], ["old [town] hall", "old town haul"], {("old town haul", "old town hall")}),
        (["A: turn on", "B: turn off", "C: light the fire", "D: like the fire"], [], set()),
        (["A: go four", "A: go for"], [], set()),
        (["A: go four", "B: [please] go for"], [], {("go four", "go for")}),
        (["dim the {x} light", "dim the {x} lights"], ["hall"], {("dim the hall light", "dim the hall lights")}),
    ],
)
def test_sound_alikes(phrases: list[str], values: list[object], expected: set[tuple[str, str]]) -> None:
    grammar = Grammar.from_phrases(phrases, lists={"x": values} if values else None)
    assert {(pair.first, pair.second) for pair in sound_alikes(grammar.source, PRONOUNCE)} == expected


def test_sound_alikes_among_twenty_thousand_phrases_take_seconds() -> None:
    grammar = Grammar.from_phrases(f"{verb} item {n}" for verb in ("buy", "sell") for n in range(10_000))
    started = time.process_time()
    pairs = sound_alikes(grammar.source, PRONOUNCE)
    assert time.process_time() - started < 10
    assert ("buy item fifteen", "buy item fifty") in {(pair.first, pair.second) for pair in pairs}


def test_phone_distance() -> None:
    assert phone_distance(("B", "EH", "D"), ("B", "AE", "D")) == 0.5
    assert phone_distance(("B", "EH", "D"), ("B", "D")) == 1
    assert phone_distance((), ("B", "D")) == 2


def test_words_that_mean_two_things_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(
        "intents:\n"
        "  Off:\n"
        "    data:\n"
        "      - {sentences: ['lights out'], slots: {area: kitchen}}\n"
        "      - {sentences: ['lights out'], slots: {area: hall}}\n"
        "      - {sentences: ['off {dev}']}\n"
        "lists: {dev: {values: [{in: lamp, out: light.desk}, {in: fan, out: f}, {in: lamp, out: light.floor}]}}\n"
    )
    assert main(["grammar", "check", str(path)]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("alike: ")]
    assert sorted(told) == [
        f"alike: {words!r} and {words!r} ({where}): the same words with other values, of which the first counts"
        for words, where in (("lamp", "list dev"), ("lights out", "sentences"))
    ]


def test_every_error_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "home.yaml"
    start = "intents: {Play: {data: [{sentences: ['play {what}',\n"
    path.write_text(start + "'stop']}]}}\nlists:\n  what:\n    values:\n      - Jude\n      - Группа\n      - крови\n")
    assert main(["grammar", "check", str(path)]) == 1
    told = capsys.readouterr().out
    for line, word in ((7, "группа"), (8, "крови")):
        assert f"error: {path}, line {line}: no pronunciation for {word!r}" in told
    with pytest.raises(sl.PronunciationError) as wrong:
        sl.Recognizer(path, device="cpu")
    assert [line.split(": no")[0] for line in str(wrong.value).splitlines()] == [f"{path}, line {n}" for n in (7, 8)]
    path.write_text(start + "'pin {0..99:a}{0..99:b}{0..99:c}']}]}}\nlists: {what: {values: [jazz]}}\n")
    with pytest.raises(sl.GrammarError, match=r"home.yaml, line 2: the grammar is too large"):
        Grammar.load(path)
