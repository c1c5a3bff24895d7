"""Compiled grammars: the same results as from the source, and one clear error for a file that is wrong."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.cli import main
from speech_lstm.runtime.compiled.reading import CompiledGrammar

from .served import GRAMMAR

DATA = Path(__file__).parent / "data"
WORDS, SENTENCES = sorted((DATA / "words").glob("*.opus")), sorted((DATA / "sentences").glob("*.opus"))


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grammar with intents, slots, numbers, homophones and words that go on."""
    path = tmp_path_factory.mktemp("grammar") / "words.yaml"
    path.write_text(GRAMMAR + "  level:\n    range: {from: 0, to: 20}\n")
    text = path.read_text().replace(
        "  Answer:\n",
        '  Set:\n    data:\n      - sentences: ["[set] {level} [percent]", "{level} (two|too)"]\n  Answer:\n',
    )
    path.write_text(text)
    return path


def compiled(grammar: Path, folder: Path, *options: str) -> Path:
    out = folder / f"{grammar.stem}-compiled.json"
    assert main(["grammar", "compile", str(grammar), "-o", str(out), *options]) == 0
    return out


@pytest.mark.parametrize("source", ["words", "sentences", "templates"])
def test_results_are_those_of_the_source(source: str, templates: Path, tmp_path: Path) -> None:
    grammar = templates if source == "templates" else DATA / f"{source}.txt"
    there = sl.Recognizer(grammar=compiled(grammar, tmp_path), device="cpu")
    here = sl.Recognizer(grammar=grammar, device="cpu")
    accepted = 0
    for path in [*WORDS[::2], *SENTENCES[::4]]:
        audio = sl.read_audio(path)
        result = here.recognize(audio)
        assert there.recognize(audio) == result
        accepted += result.accepted
    assert accepted >= 3
    audio = np.concatenate([sl.read_audio(path) for path in WORDS[:4]])
    streams = [here.stream(), there.stream()]
    events = [stream.accept(audio) + stream.finish() for stream in streams]
    assert events[0] == events[1] and events[0]
    assert there.compiled_grammar() == here.compiled_grammar()


def test_wake_words_come_with_the_file(tmp_path: Path) -> None:
    path = compiled(DATA / "words.txt", tmp_path, "--wake-word", "(happy|happy happy) house", "--wake-word", "backward")
    there = sl.Recognizer(grammar=path, device="cpu")
    here = sl.Recognizer(DATA / "words.txt", ["(happy|happy happy) house", "backward"], device="cpu")
    assert there.wake_detector is not None and here.wake_detector is not None
    assert there.wake_detector.wake_words == here.wake_detector.wake_words
    assert there.wake_detector.thresholds == here.wake_detector.thresholds
    said = [
        next(path for path in WORDS if path.name.startswith(f"{word}_")) for word in ("backward", "left", "backward")
    ]
    audio = np.concatenate([np.pad(sl.read_audio(path), (0, 12000)) for path in said])
    streams = [here.stream(), there.stream()]
    events = [stream.accept(audio) + stream.finish() for stream in streams]
    assert events[0] == events[1]
    assert any(isinstance(event, sl.WakeWord) for event in events[0])
    assert "wake word 'backward'" not in repr(sl.Recognizer(path, wake_word="okay computer", device="cpu"))


def test_pronunciations_are_resolved(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text('{"zero": ["F AO R W ER D"]}')
    grammar = tmp_path / "zero.txt"
    grammar.write_text("zero")
    recognizer = sl.Recognizer(compiled(grammar, tmp_path, "--pronunciations", str(own)), device="cpu")
    forward = sl.read_audio(next(path for path in WORDS if path.name.startswith("forward_")))
    again = sl.Recognizer(recognizer.grammar, model=recognizer.model)
    for each in (recognizer, again, again.with_grammar(recognizer.grammar)):
        result = each.recognize(forward)
        assert (result.text, result.accepted) == ("zero", True)


def test_what_a_compiled_grammar_cannot_do_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = compiled(DATA / "words.txt", tmp_path)
    recognizer = sl.Recognizer(path, device="cpu")
    with pytest.raises(sl.GrammarError, match="no lists any more"):
        recognizer.with_lists({"room": ["kitchen"]})
    with pytest.raises(sl.GrammarError, match="it is compiled: give pronunciations to"):
        sl.Recognizer(path, pronunciations={"left": "L EH F"}, device="cpu")
    with pytest.raises(sl.GrammarError, match="compiled already"):
        sl.Grammar.load(path)
    assert main(["grammar", "check", str(path)]) == 1
    assert "compiled already" in capsys.readouterr().err
    with_wake_word = compiled(DATA / "words.txt", tmp_path, "--wake-word", "happy house")
    assert main(["serve", "--grammar", str(with_wake_word), "--http", "127.0.0.1:0"]) == 1
    assert "compile it without --wake-word" in capsys.readouterr().err
    dated = tmp_path / "dated.yaml"
    dated.write_text("intents: {Go: {data: [{sentences: [go], slots: {day: !!binary aGVsbG8=}}]}}")
    with pytest.raises(sl.GrammarError, match=r"slot 'day' has the value .*which JSON cannot hold"):
        sl.Recognizer(dated, device="cpu").compiled_grammar()


def test_a_file_of_version_1_is_read(tmp_path: Path) -> None:
    file = json.loads(compiled(DATA / "words.txt", tmp_path).read_text())
    assert file["version"] == 2
    before = {name: value for name, value in file.items() if name != "other_words"} | {"version": 1}
    del before["confidence"]["weights"]["other_word"]
    path = tmp_path / "before.json"
    path.write_text(json.dumps(before))
    assert sl.Recognizer(path, device="cpu").recognize(sl.read_audio(WORDS[0])).accepted


Change = Callable[[dict[str, Any]], object]
WRONG: list[tuple[str, Change]] = [
    ("it is of version 99 and this", lambda file: file.update(version=99)),
    ("version is 0, expected", lambda file: file.update(version=0)),
    ("words is missing", lambda file: file.pop("words")),
    (r"words\[1\] is 5, expected a text", lambda file: file["words"].__setitem__(1, 5)),
    ("words has a text twice", lambda file: file["words"].__setitem__(1, file["words"][0])),
    ("model.tokens has a text twice", lambda file: file["model"]["tokens"].__setitem__(2, "AA")),
    ("model.frame_seconds is -1, expected a number", lambda file: file["model"].update(frame_seconds=-1)),
    ("model.state_size is True", lambda file: file["model"].update(state_size=True)),
    ("model.tail_seconds is None", lambda file: file["model"].update(tail_seconds=None)),
    ("decoder.filler_cost is '2'", lambda file: file["decoder"].update(filler_cost="2")),
    ("decoder: fold_threshold is 3.0", lambda file: file["decoder"].update(fold_threshold=3)),
    ("confidence.open is 1.5", lambda file: file["confidence"].update(open=1.5)),
    ("confidence.weights.margin is nan", lambda file: file["confidence"]["weights"].update(margin=float("nan"))),
    ("other_words is missing", lambda file: file.pop("other_words")),
    ("confidence.weights.other_word is missing", lambda file: file["confidence"]["weights"].pop("other_word")),
    ("other_words is not ways to say words", lambda file: file.update(other_words="AB  C")),
    ("other_words is not ways to say words", lambda file: file.update(other_words="AB h")),
    (r"pronunciations\[0\]\[0\]\[6\] is 40, expected", lambda file: file["pronunciations"][0][0].append(40)),
    ("pronunciations has 35 entries, expected 36", lambda file: file["pronunciations"].pop()),
    (r"pronunciations\[3\]\[1\] is empty", lambda file: file["pronunciations"][3].append([])),
    ("search.target has 90 numbers, expected 89", lambda file: file["search"]["target"].append(1)),
    (r"search.label\[0\] is 0", lambda file: file["search"]["label"].__setitem__(0, 0)),
    (r"search.source\[2\] is 1000", lambda file: file["search"]["source"].__setitem__(2, 1000)),
    ("search.target is not in order", lambda file: file["search"]["target"].__setitem__(0, 9)),
    ("search.target leads in a circle", lambda file: file["search"]["source"].__setitem__(0, 1)),
    ("search.finals must be rising", lambda file: file["search"].update(finals=[])),
    ("search.nodes is 2000, more than", lambda file: file["search"].update(nodes=2000)),
    (r"spelling.word\[0\] is 36", lambda file: file["spelling"]["word"].__setitem__(0, 36)),
    ("spelling.start is 7", lambda file: file["spelling"].update(start=7)),
    (r"sentences.word\[0\] is -2", lambda file: file["sentences"]["word"].__setitem__(0, -2)),
    ("sentences.target leads in a circle", lambda file: file["sentences"]["target"].__setitem__(0, 0)),
    (r"sentences.meanings\[0\].slot is missing", lambda file: file["sentences"]["meanings"].append({"value": 3})),
    ("wake.phrases are none", lambda file: file["wake"].update(phrases=[])),
    (r"wake.phrases\[0\].threshold is 1", lambda file: file["wake"]["phrases"][0].update(threshold=1)),
    (r"wake.phrases\[0\].ways\[0\]\[0\] is 77", lambda file: file["wake"]["phrases"][0].update(ways=[[77]])),
    ("wake.longest_seconds is 1e", lambda file: file["wake"].update(longest_seconds=1e200)),
]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = compiled(DATA / "words.txt", tmp_path_factory.mktemp("compiled"), "--wake-word", "happy house")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(("message", "change"), WRONG, ids=[message for message, _ in WRONG])
def test_every_field_is_checked(message: str, change: Change, document: dict[str, Any], tmp_path: Path) -> None:
    file = copy.deepcopy(document)
    change(file)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(file))
    with pytest.raises(sl.GrammarError, match=message) as error:
        sl.Recognizer(path, device="cpu")
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_another_model_and_damaged_files(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    file = copy.deepcopy(document)
    file["model"]["tokens"][1] = "Ä"
    path.write_text(json.dumps(file))
    with pytest.raises(sl.GrammarError, match="compiled for a model with other tokens"):
        sl.Recognizer(path, device="cpu")
    path.write_text(json.dumps(document)[:-500])
    with pytest.raises(sl.GrammarError, match="not a compiled grammar"):
        CompiledGrammar.read(path)


def test_changed_files_give_an_error_or_a_grammar_that_can_be_searched(
    document: dict[str, Any], tmp_path: Path
) -> None:
    """Whatever number is put anywhere."""
    chance = random.Random(0)
    recognizer = sl.Recognizer(DATA / "words.txt", device="cpu")
    log_probs = recognizer.model.log_probs(sl.read_audio(WORDS[0]))
    path = tmp_path / "changed.json"
    loaded = 0
    for _ in range(300):
        file = copy.deepcopy(document)
        at: Any = file
        while True:
            key = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if not isinstance(at[key], dict | list) or not at[key] or chance.random() < 0.05:
                break
            at = at[key]
        at[key] = chance.choice([0, 1, -1, 2, 3, 39, 1 << 40, 0.5, "x", "", None, [], {}, [1], True])
        path.write_text(json.dumps(file))
        try:
            changed = CompiledGrammar.read(path)
            changed.check(recognizer.model.metadata)
            recognizer.with_grammar(changed).decode(log_probs)
            loaded += 1
        except sl.GrammarError:
            pass
    assert 10 < loaded < 290
