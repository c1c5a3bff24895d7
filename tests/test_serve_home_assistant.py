"""Home Assistant's own sentences as one grammar, with the names of a home in a small file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import speech_lstm as sl
from speech_lstm.cli import main
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.serve.home_assistant import home_grammar

TESTS = Path(__file__).parent / "data" / "home_assistant" / "tests"
DOCUMENTS = {path: yaml.safe_load(path.read_text()) for path in sorted(TESTS.rglob("*.yaml"))}


@pytest.fixture(scope="module")
def entities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All names of all test files."""
    names: dict[str, Any] = {"entities": {}, "areas": [], "floors": [], "lists": {"timer_name": ["pizza", "tea"]}}
    for document in DOCUMENTS.values():
        names["entities"] |= {each["name"]: each["domain"] for each in document.get("entities", [])}
        names["areas"] += [each["name"] for each in document.get("areas", []) if each["name"] not in names["areas"]]
        names["floors"] += [each["name"] for each in document.get("floors", []) if each["name"] not in names["floors"]]
    path = tmp_path_factory.mktemp("home") / "names.yaml"
    path.write_text(yaml.safe_dump(names))
    return path


@pytest.fixture(scope="module")
def grammar(entities: Path) -> sl.Grammar:
    out = entities.with_name("home.yaml")
    home_grammar(entities).write(out)
    return sl.Grammar.load(out)


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def test_the_projects_sentences_mean_what_it_says(grammar: sl.Grammar) -> None:
    """Of all intents together; those that differ are said twice in that grammar, and the other meaning comes first."""
    assert len({template.block.intent for template in grammar.source.templates}) >= 35
    right, others = 0, []
    for path, document in DOCUMENTS.items():
        for case in document["tests"]:
            expected = {name: lower(value) for name, value in case.get("slots", {}).items()}
            for sentence in case["sentences"]:
                try:
                    meaning = grammar.interpret(spoken_words(sentence))
                except sl.GrammarError:
                    others.append(sentence)
                    continue
                slots = {slot.name: lower(slot.value) for slot in meaning.slots}
                if "domain" not in expected:
                    slots.pop("domain", None)
                if (meaning.intent, slots) == (path.parent.name, expected):
                    right += 1
                else:
                    others.append(sentence)
    assert right >= 0.9 * (right + len(others)), others


def test_a_word_of_it_is_recognised(grammar: sl.Grammar) -> None:
    recognizer = sl.Recognizer(grammar, device="cpu")
    assert recognizer.grammar.interpret(spoken_words("turn on the lights in the kitchen")).intent == "HassTurnOn"
    assert recognizer.recognize(sl.read_audio(next((TESTS.parents[1] / "words").glob("stop_*.opus")))).text


def test_it_is_decoded_in_a_hundredth_of_the_time_that_it_is_said_in(grammar: sl.Grammar) -> None:
    """CPU time of search and decisions on clips that it has not, the costlier kind; the network comes on top."""
    recognizer = sl.Recognizer(grammar, device="cpu")
    clips = [sl.read_audio(path) for path in sorted((TESTS.parents[1] / "sentences").glob("*.opus"))[:8]]
    heard = [recognizer.model.log_probs(clip) for clip in clips]
    seconds = sum(map(len, clips)) / 16000
    costs = []
    for _ in range(3):
        began = time.process_time()
        for log_probs in heard:
            recognizer.decode(log_probs)
        costs.append(time.process_time() - began)
    assert seconds > 15 and min(costs) < 0.01 * seconds


def test_what_lacks_values_is_left_out_and_said(entities: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = entities.with_name("small.yaml")
    small.write_text("entities: {Snowman: light.snowman}\n")
    assert main(["grammar", "home-assistant", "--entities", str(small), "--out", str(small.with_name("out.yaml"))]) == 0
    report = capsys.readouterr().out
    assert "sentences with {area}, which has no values" in report and "{name}" not in report
    meaning = sl.Grammar.load(small.with_name("out.yaml")).interpret(["turn", "on", "snowman"])
    assert (meaning.intent, {slot.name: slot.value for slot in meaning.slots}["name"]) == ("HassTurnOn", "Snowman")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rooms: [a]", "with some of the keys entities, areas, floors, lists"),
        ("entities: [a]", "a mapping from name to domain"),
        ("areas: kitchen", "area must be a list of names"),
        ("areas: [", "cannot be read"),
    ],
)
def test_bad_files_are_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    (tmp_path / "names.yaml").write_text(text)
    assert main(["grammar", "home-assistant", "--entities", str(tmp_path / "names.yaml")]) == 1
    assert message in capsys.readouterr().err


def test_nothing_is_written_over_what_it_is_made_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names, out = tmp_path / "names.yaml", tmp_path / "home.yaml"
    make = ["grammar", "home-assistant", "--entities", str(names), "--out"]
    names.write_text("entities: {Snowman: light}\n")
    assert main([*make, str(names)]) == 1
    assert "that is the file it is made from" in capsys.readouterr().err
    assert names.read_text() == "entities: {Snowman: light}\n"
    out.write_text("before")
    names.write_text("entities: {'Lamp [old': light}\n")
    assert main([*make, str(out)]) == 1
    assert f"{names}: in the sentences with its names, line " in capsys.readouterr().err
    assert out.read_text() == "before"
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("forward\n")
    assert main(["grammar", "compile", str(phrases), "-o", str(phrases)]) == 1
    assert phrases.read_text() == "forward\n"
