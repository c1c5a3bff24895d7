"""Plain phrase grammars: the sentences they accept, files of phrases, and what their errors say."""

from pathlib import Path

import pytest

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.wordgraph import WordArc, WordGraph


def test_phrases_become_spoken_words_with_shared_beginnings() -> None:
    grammar = Grammar.from_phrases(["Turn on the light!", "turn on the fan", "turn on", "set it to 21%"])
    assert grammar.words == {"turn", "on", "the", "light", "fan", "set", "it", "to", "twenty", "one", "percent"}
    assert len(grammar.graph.arcs) == 11 and len(grammar.graph.finals) == 4


def test_interpret_accepts_whole_sentences_only() -> None:
    grammar = Grammar.from_phrases(["turn on the light", "turn on"])
    meaning = grammar.interpret(["turn", "on"])
    assert (meaning.intent, meaning.slots, meaning.text) == (None, (), "turn on")
    for words in ([], ["turn"], ["turn", "on", "the"], ["on"], ["turn", "on", "the", "light", "now"]):
        with pytest.raises(GrammarError, match="has no sentence"):
            grammar.interpret(words)


def test_interpret_backs_out_of_dead_ends_and_epsilon_arcs() -> None:
    arcs = (WordArc(0, 1, "go"), WordArc(0, 2, None), WordArc(2, 3, "go"), WordArc(3, 4, None), WordArc(4, 5, "home"))
    grammar = Grammar(WordGraph(num_nodes=6, start=0, finals=frozenset((1, 5)), arcs=arcs))
    assert grammar.interpret(["go"]).text == "go"
    assert grammar.interpret(["go", "home"]).text == "go home"


def test_text_file_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "home.txt"
    path.write_text("\ufeff# the living room\n\nturn on the light  # lamp\nchannel #5\n", encoding="utf-8")
    grammar = Grammar.load(str(path))
    assert grammar.interpret(["channel", "number", "five"]).text == "channel number five"
    assert grammar.interpret(["turn", "on", "the", "light"])
    assert "lamp" not in grammar.words
    assert Grammar.load(grammar) is grammar


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n\n", "bad.txt: the file has no phrases"),
        (b"turn on\n\n...\n", "bad.txt, line 3: '...' has no words"),
        (b"turn on\nturn [the] light\n", "bad.txt, line 2: .* has '\\['"),
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
    with pytest.raises(GrammarError, match="YAML"):
        Grammar.load("home.yaml")
    with pytest.raises(GrammarError, match="no phrases"):
        Grammar.load([])
    with pytest.raises(GrammarError, match="phrase 2"):
        Grammar.from_phrases(["yes", "?"])
    with pytest.raises(GrammarError, match="one string"):
        Grammar.from_phrases("turn on")
