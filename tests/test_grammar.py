"""Grammars of phrases: the sentences they accept and what they mean, files, and what their errors say."""

from pathlib import Path

import pytest

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar


def test_phrases_become_spoken_words_with_shared_beginnings() -> None:
    grammar = Grammar.from_phrases(["Turn on the light!", "turn on the fan", "turn on", "set it to 21%"])
    assert grammar.words == {"turn", "on", "the", "light", "fan", "set", "it", "to", "twenty", "one", "percent"}
    assert sum(arc.word is not None for arc in grammar.graph.arcs) == 11


def test_interpret_accepts_whole_sentences_only() -> None:
    grammar = Grammar.from_phrases(["turn on the light", "turn on"])
    meaning = grammar.interpret(["turn", "on"])
    assert (meaning.intent, meaning.slots, meaning.text) == (None, (), "turn on")
    for words in ([], ["turn"], ["turn", "on", "the"], ["on"], ["turn", "on", "the", "light", "now"]):
        with pytest.raises(GrammarError, match="has no sentence"):
            grammar.interpret(words)


def test_interpret_backs_out_of_dead_ends() -> None:
    grammar = Grammar.from_phrases(["A: go [far] [away] home", "B: go [far] (away|off)", "C: go far away now"])
    assert grammar.interpret(["go", "far", "away", "home"]).intent == "A"
    assert grammar.interpret(["go", "far", "away"]).intent == "B"
    assert grammar.interpret(["go", "far", "away", "now"]).intent == "C"


def test_an_ambiguous_sentence_means_what_the_first_template_says() -> None:
    phrases = ["First: stop [it]", "Second: (stop|halt) it"]
    assert Grammar.from_phrases(phrases).interpret(["stop", "it"]).intent == "First"
    assert Grammar.from_phrases(phrases[::-1]).interpret(["stop", "it"]).intent == "Second"


def test_intents_slots_and_lists_in_phrases() -> None:
    grammar = Grammar.from_phrases(
        ["Light: (turn|switch) {state} [the] {lamp}", "Volume: volume {0..100,5:level} percent", "never mind"],
        lists={
            "lamp": {"kitchen light": "light.kitchen", "hall [ceiling] light": "light.hall"},
            "state": ["on", "off"],
        },
    )
    meaning = grammar.interpret(["switch", "off", "the", "hall", "ceiling", "light"])
    assert meaning.intent == "Light"
    assert meaning.slots == (("state", "off", 1, 1), ("lamp", "light.hall", 3, 5))
    assert grammar.interpret(["volume", "seventy", "five", "percent"]).slots == (("level", 75, 1, 2),)
    assert grammar.interpret(["never", "mind"]).intent is None


def test_text_file_with_comments_intents_and_templates(tmp_path: Path) -> None:
    path = tmp_path / "home.txt"
    path.write_text("\ufeff# the living room\n\nOn: turn on [the] light  # lamp\nchannel #5\n", encoding="utf-8")
    grammar = Grammar.load(str(path))
    assert grammar.interpret(["channel", "number", "five"]).text == "channel number five"
    assert grammar.interpret(["turn", "on", "light"]).intent == "On"
    assert "lamp" not in grammar.words
    assert Grammar.load(grammar) is grammar


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n\n", "bad.txt has no phrases"),
        (b"turn on\n\n...\n", "bad.txt, line 3: '...' has no words"),
        (b"turn on\nturn [the light\n", "bad.txt, line 2: '\\[' in column 6 .* is never closed"),
        (b"turn on\nturn {what}\n", "bad.txt, line 2: list {what} is not defined"),
        (b"caf\xe9\n", "bad.txt: not a UTF-8 text file"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(GrammarError, match=message):
        Grammar.from_text(path)


def test_other_errors(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match=r"missing.txt: cannot read the grammar: No such file"):
        Grammar.load(tmp_path / "missing.txt")
    with pytest.raises(GrammarError, match=r"missing.yaml: cannot read the grammar: No such file"):
        Grammar.load("missing.yaml")
    with pytest.raises(GrammarError, match="no phrases"):
        Grammar.load([])
    with pytest.raises(GrammarError, match="phrase 2"):
        Grammar.from_phrases(["yes", "?"])
    with pytest.raises(GrammarError, match="one string"):
        Grammar.from_phrases("turn on")
    with pytest.raises(GrammarError, match="list 'x': the values are 'abc': give a list"):
        Grammar.from_phrases(["say {x}"], lists={"x": "abc"})


def test_all_problems_come_in_one_error_and_each_once() -> None:
    with pytest.raises(GrammarError) as raised:
        Grammar.from_phrases(["a {x}", "b {x}", "[c]", "d <e>", "fine"])
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("phrase 1 (and 1 more): list {x} is not defined")
    assert lines[1].startswith("phrase 3: the template '[c]' may be said with no words")


def test_twenty_thousand_phrases_compile_in_a_moment() -> None:
    import time

    phrases = [f"{verb} item number {number}" for verb in ("buy", "sell") for number in range(10_000)]
    started = time.process_time()
    grammar = Grammar.from_phrases(phrases)
    assert time.process_time() - started < 3
    assert grammar.interpret(["sell", "item", "number", "nine", "thousand", "nine", "hundred", "ninety", "nine"])
    assert len(grammar.graph.arcs) < 50_000


def test_a_long_path_is_named_to_its_end(tmp_path: Path) -> None:
    missing = tmp_path / ("long" * 40) / "missing.txt"
    with pytest.raises(GrammarError, match=r"missing\.txt: cannot read the grammar"):
        Grammar.load(missing)
