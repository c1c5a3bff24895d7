"""Grammars that are nested, long or large beyond use end soon, in a graph or in one clear error."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.grammar.analysis import samples, sentences
from speech_lstm.runtime.grammar.unsaid import unsaid_signs
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

GO = "intents: {Go: {data: [{sentences: ['go <r0> {x}']}]}}\n"


@pytest.mark.parametrize(
    "phrase", [" ".join(["word"] * 500), " ".join(["[word]"] * 300) + " x", "a " + "[b [c]] " * 200]
)
def test_a_phrase_of_hundreds_of_words_needs_no_recursion(phrase: str) -> None:
    grammar = Grammar.from_phrases([phrase])
    compile_graph(grammar.graph, Lexicon(), TOKENS)
    sentences(grammar.graph)
    unsaid_signs(grammar.source)
    for _, text in samples(grammar):
        assert grammar.interpret(text.split()).text == text


def test_a_sentence_of_thousands_of_words_is_interpreted_soon() -> None:
    grammar = Grammar.from_phrases(["add " + "9" * 12_000])
    began = time.process_time()
    assert grammar.interpret(["add", *["nine"] * 12_000]) is not None
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("a " + "(" * 500 + "b" + ")" * 500, "nested over 40 deep"),
        ("go {0..999999999:n}", "has 1,000,000,000 numbers; at most 100,000"),
        ("go {0..9999999999:n}", "more than 9 digits"),
        ("go {0.." + "9" * 5000 + ":n}", "more than 9 digits"),
        ("(" + ";".join(f"w{n}" for n in range(30)) + ")", "has 30 parts and at most 12"),
        ("go\\", "ends with a backslash"),
        ("{0..999:a}{0..999:b}{0..999:c}", "too large .* combinations"),
        ("play " + "(1|4)" * 40, "too large .* combinations"),
        ("{0..100:n}" * 4 + "to [-]{0..30:degrees} °C", "too large .* combinations"),
        ("say e" + "(a|b)" * 15, "too large .* to words that are in no dictionary, as 'e[ab]{15}'"),
    ],
)
def test_what_would_have_no_end_is_refused_soon(phrase: str, message: str) -> None:
    begun = time.process_time()
    with pytest.raises(GrammarError, match=message) as raised:
        Grammar.from_phrases(["fine", phrase])
    assert time.process_time() - begun < 60 and len(str(raised.value)) < 400


RULES = "\n".join(f"  r{n}: 'a <r{n + 1}>'" for n in range(1000)) + "\n  r1000: b\n"
ALIASES = "".join(f"        {chr(98 + n)}: &{chr(98 + n)} [{', '.join(8 * [f'*{chr(97 + n)}'])}]\n" for n in range(7))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GO.replace(' {x}', '')}expansion_rules:\n{RULES}", "nested over 100 deep"),
        (f"{GO}lists: {{x: {{values: [{{in: a, out: &a [*a]}}]}}}}", "refers to itself"),
        (f"{GO}lists:\n  x:\n    values:\n    - in: a\n      out:\n        a: &a [q, q]\n{ALIASES}", "too large"),
        (f"{GO}lists: {{x: {{range: {{from: 0, to: .inf}}}}}}", "must be a number"),
        (f"{GO}lists: {{x: {{range: {{from: 0, to: 3, multiplier: .nan}}}}}}", "must be a number"),
        ("[" * 3000, "not valid YAML"),
        ("a: \0", "line 1: not valid YAML: control characters"),
    ],
)
def test_yaml_that_would_have_no_end_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(text)
    with pytest.raises(GrammarError, match=message):
        Grammar.load(path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the grammar is ''"),
        ("  ", "the grammar is '  '"),
        ("x" * 5000, "there is no grammar file 'xxx"),
        ({"go": 1}, "give a list of phrases"),
        (3.5, "the grammar is 3.5"),
    ],
)
def test_what_is_no_grammar_is_told(source: Any, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        Grammar.load(source)


def test_advice_fits_what_was_written(tmp_path: Path) -> None:
    text, yaml = tmp_path / "a.txt", tmp_path / "a.yaml"
    text.write_text("go {where}\n")
    yaml.write_text("intents: {Go: {data: [{sentences: 'go {where}'}]}}\n")
    with pytest.raises(
        GrammarError, match=r"a.txt, line 1: list \{where\} .* a text file has no lists: .* \(one\|two\)"
    ):
        Grammar.load(text)
    with pytest.raises(GrammarError, match="define it under 'lists'"):
        Grammar.load(yaml)
    with pytest.raises(GrammarError, match=r"lists=\{'where': \['one', 'two'\]\}"):
        Grammar.from_phrases(["go {where}"])


def test_repr() -> None:
    assert repr(Grammar.from_phrases(["A: go", "stop {1..2:n}"])) == "<Grammar: 2 templates, 1 intent, 4 words>"
