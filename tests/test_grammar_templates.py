"""Template syntax to word graphs, checked against hassil's own enumeration of sentences."""

from collections.abc import Iterator

import pytest
from hassil.intents import SlotList, TextSlotList
from hassil.parse_expression import parse_sentence
from hassil.sample import sample_expression
from hypothesis import given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar, fragments
from speech_lstm.runtime.grammar.numbers import wordings
from speech_lstm.runtime.grammar.wordgraph import WordGraph
from speech_lstm.runtime.lexicon.text import spoken_words

LISTS = {"pet": ["cat", "small dog", "cow[s]"], "place": ["here", "over there"]}
RULES = {"the": "(the|a[n])", "see": "look [at|for]"}


def sentences(graph: WordGraph) -> set[tuple[str, ...]]:
    """All paths of a graph."""
    arcs_from: dict[int, list[tuple[str | None, int]]] = {}
    for arc in graph.arcs:
        arcs_from.setdefault(arc.source, []).append((arc.word, arc.target))

    def from_node(node: int) -> Iterator[tuple[str, ...]]:
        if node in graph.finals:
            yield ()
        for word, target in arcs_from.get(node, ()):
            for rest in from_node(target):
                yield rest if word is None else (word, *rest)

    return set(from_node(graph.start))


def hassil_sentences(template: str) -> set[tuple[str, ...]]:
    lists: dict[str, SlotList] = {name: TextSlotList.from_strings(values) for name, values in LISTS.items()}
    rules = {name: parse_sentence(body) for name, body in RULES.items()}
    return {spoken_words(text) for text in sample_expression(parse_sentence(template).expression, lists, rules)}


def expanded(template: str) -> str:
    for name, body in RULES.items():
        template = template.replace(f"<{name}>", f"({body})")
    return template


@pytest.mark.parametrize(
    "template",
    [
        "light[s] on",
        "turn(s|ed|ing) it",
        "[un]lock the door",
        "(a;b;[c]) d",
        "is [the] {pet} ({place}; [now])",
        "<see> <the> {pet}['s] bowl",
        "five( |-)minute[s]",
        "([one];two;[three])",
        "{pet}s and {place}",
        "[please] (stop|go [on]) [now]",
        "a|b c|d",
        "x [[y] z] [w]",
        "(only)",
    ],
)
def test_same_sentences_as_hassil(template: str) -> None:
    grammar = Grammar.from_phrases([expanded(template)], lists=LISTS)
    assert sentences(grammar.graph) == hassil_sentences(template)


def has_letters(template: str) -> bool:
    return any(map(str.isalpha, template))


def templates() -> st.SearchStrategy[str]:
    word = st.sampled_from(["go", "to", "red", "light", "s", "n't", "{pet}", "{place:where}", " "])

    def longer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        parts = st.lists(inner, min_size=1, max_size=3)
        joined = st.sampled_from(["", " "]).flatmap(lambda gap: parts.map(gap.join))
        return st.one_of(
            joined,
            parts.map(lambda items: f"({'|'.join(items)})"),
            parts.map(lambda items: f"[{'|'.join(items)}]"),
            parts.map(lambda items: f" ({';'.join(items)}) " if all(map(has_letters, items)) else "x"),
        )

    return st.recursive(word, longer, max_leaves=8)


@settings(max_examples=150, deadline=None)
@given(templates())
def test_any_template_has_the_sentences_that_hassil_says(template: str) -> None:
    template = f"say {template}"
    grammar = Grammar.from_phrases([template], lists=LISTS)
    expected = hassil_sentences(template)
    assert sentences(grammar.graph) == expected
    for words in sorted(expected)[:20]:
        assert grammar.interpret(words).text == " ".join(words)


@pytest.mark.parametrize(
    ("template", "words", "slots"),
    [
        ("set {0..100:level}[%| percent]", "set fifty percent", (("level", 50, 1, 1),)),
        ("set {0..100:level}[%| percent]", "set a hundred", (("level", 100, 1, 2),)),
        ("{1..9:a} and {1..9:b}", "one and two", (("a", 1, 0, 0), ("b", 2, 2, 2))),
        ("timer for {5..60,5:min}( |-)minute[s]", "timer for twenty five minutes", (("min", 25, 2, 3),)),
        ("it is {-20..40:t}°C", "it is minus five degrees celsius", (("t", -5, 2, 3),)),
        ("{pet}'s bowl", "small dog's bowl", (("pet", "small dog", 0, 1),)),
    ],
)
def test_slots(template: str, words: str, slots: tuple[tuple[str, object, int, int], ...]) -> None:
    assert Grammar.from_phrases([template], lists=LISTS).interpret(words.split()).slots == slots


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a (b|) c", r"an alternative in 'a \(b\|\) c' is empty: write \[words\]"),
        ("a () c", "brackets in .* have nothing inside"),
        ("[a]", "may be said with no words"),
        ("a [b", r"'\[' in column 3 .* is never closed"),
        ("a b)", r"'\)' in column 4 .* closes nothing"),
        ("(a]", r"'\(' in column 1 .* is closed by ']' in column 3"),
        ("(a;)", "a part of a permutation .* is empty"),
        ("{nope}", "list {nope} is not defined"),
        ("{pat}", "list {pat} is not defined: did you mean 'pet'"),
        ("<nope>", "rule <nope> is not defined"),
        ("{1..5}", "needs a slot: write {1..5:slot}"),
        ("{5..1:n}", "has no numbers"),
    ],
)
def test_template_errors(template: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        Grammar.from_phrases(["fine", template], lists=LISTS)


def test_a_list_value_that_nobody_can_say() -> None:
    with pytest.raises(GrammarError, match=r"list 'x': the value '--' of \{x\} has no words"):
        Grammar.from_phrases(["say {x}"], lists={"x": ["a", "--"]})
    with pytest.raises(GrammarError, match="may be said with no words"):
        Grammar.from_phrases(["say {x}"], lists={"x": ["[a]"]})


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (7, {"seven"}),
        (-3, {"minus three", "negative three"}),
        (100, {"one hundred", "a hundred"}),
        (110, {"one hundred ten", "one hundred and ten", "a hundred ten", "a hundred and ten"}),
        (2700, {"two thousand seven hundred", "twenty seven hundred"}),
        (20.5, {"twenty point five", "twenty and a half"}),
        (0.5, {"zero point five", "one half", "half"}),
        (1.3, {"one point three"}),
    ],
)
def test_wordings_of_numbers(number: float, said: set[str]) -> None:
    assert {" ".join(words) for words in wordings(number)} == said


def test_free_order_of_five_slots_stays_small() -> None:
    parts = ("size", "crust", "topping", "drink", "time")
    lists = {name: [f"{name} {number}" for number in range(60)] for name in parts}
    grammar = Grammar.from_phrases([f"order a pizza ({';'.join(f'[with {{{name}}}]' for name in parts)})"], lists)
    words = ["order", "a", "pizza", "with", "time", "three", "with", "size", "fifty", "nine"]
    assert grammar.interpret(words).slots == (("time", "time 3", 4, 5), ("size", "size 59", 7, 9))
    assert len(grammar.graph.arcs) < 15_000
    with pytest.raises(GrammarError, match="no sentence"):
        grammar.interpret(["order", "a", "pizza", "with", "time", "three", "with", "time", "four"])


def test_a_grammar_too_large_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MOST_ARCS", 10_000)
    lists = {f"l{n}": [f"word{n} {number}" for number in range(20)] for n in range(10)}
    with pytest.raises(GrammarError, match="the grammar is too large"):
        Grammar.from_phrases([f"go ({';'.join(f'[{{{name}}}]' for name in lists)})"], lists)
