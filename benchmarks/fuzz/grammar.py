"""Grammar files, YAML and text, read, compiled, pronounced and looked at as `speech-lstm grammar check` does."""

from __future__ import annotations

import random
import tempfile
import zlib
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path

from benchmarks.fuzz.harness import Sample
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.grammar.analysis import samples, sentences
from speech_lstm.runtime.grammar.sound_alike import sound_alikes
from speech_lstm.runtime.grammar.unsaid import unsaid_signs
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

ROOT = Path(__file__).parents[2]
MOST_ARCS = 3000
"""Of a grammar whose sentences are compared: that takes the longest, and is the same code however many they are."""

SIGNS = """
# Everything that a phrase may have
Go: go [to] [the] (kitchen|hall|Main St.) [at {1..12:hour}:{0..59:minute} [(am|p.m.)]]
Heat: set [it] to [-]{0..30:degrees}[.5] °[C|F]
Pay: pay ${1..20:dollars}[.{0..99:cents}]
the {1..31:day}(st|nd|rd|th) of (May|June)
add {1..5:cups}[ (1/2|¾|⅓)] cup[s]
play '80s music on the TV, Spotify™ or H₂O
({10..90,10:decade}s;[music];please)
channel #{1..100:channel}
turn the LED[s] o(n|ff)
"""
LISTS = """
language: en
intents:
  Call:
    data:
      - sentences: ["call <who> [at {place}]", "[please] (ring;{name};[now])", "send {sum}€ to {name}"]
        slots: {kind: &kind [a, {b: 1}], again: *kind}
        requires_context: {area: kitchen}
        lists: {place: {values: [work, home]}}
lists:
  name: {values: [Ann, {in: "Bob[by]", out: 7}, "Dr. Jones", {in: Eve, context: {area: kitchen}}]}
  sum: {range: {from: -5, to: 100, step: 5, multiplier: 0.1, fractions: halves}}
expansion_rules: {who: "{name}['s mother]", unused: "<who> <who>"}
skip_words: [please, could you]
"""
PIECES = (
    *"[](){}<>|;\\:#&*!-+$€£%°½¼.,'\"\t\n\0\x85\u2028 _/~@=²³™´’−–５٣éß字🙂\u0301\u200b\ufeff",
    *("{0..100:n}", "{x}", "<who>", "{name}", "{1..3:a}{4..6:b}", "{-5..5:t}", "{0..999999999:n}", "[[", "]]", "()"),
    *("(a|b)", "(a;b;c)", "[a]", ":00", " 1/2", "th", "st", "'s", "s", "pm", "St.", "Dr.", "CO2", "$5", "-.5", "1e9"),
    *("- ", ": ", "? ", "&a ", "*a", "!!int ", "|-\n", ">\n", "{}", "[]", "~", "null", "---\n", "...\n", "%YAML 1.1\n"),
    *("<<: *a", "0x7f", ".inf", ".nan", "99999999999999999999", "2001-13-45", "\n  ", "\n    - ", "in: ", "out: "),
)
LONGEST = 20_000
"""Characters of a file that grows."""


def make() -> GrammarTarget:
    """For the harness."""
    return GrammarTarget()


class GrammarTarget:
    """Damage to bytes leaves few files that are grammars, so half of the files are damaged as text alone."""

    def __init__(self) -> None:
        self._lexicon = Lexicon()
        self._folder = tempfile.TemporaryDirectory()

    def samples(self) -> Sequence[Sample]:
        """Shipped examples, files of Home Assistant, and some with everything that the formats have."""
        tests = ROOT / "tests" / "data"
        files = [*sorted(ROOT.glob("examples/*.yaml")), *sorted(tests.glob("*.txt"))]
        files.append(tests / "home_assistant/lists_and_rules.yaml")
        files += sorted(path for path in (tests / "home_assistant/sentences").rglob("*.yaml"))
        found = [Sample(path.name, path.read_bytes()) for path in files]
        own = [Sample("signs.txt", SIGNS.encode()), Sample("lists.yaml", LISTS.encode())]
        self._whole = {sample.name: sample.content for sample in (*found, *own)}
        return [part for sample in found for part in (sample, *own)]

    def attempt(self, name: str, content: bytes) -> str:
        """Load, compile, count, sample, compare; a sentence drawn from a grammar must be one of it."""
        path = Path(self._folder.name, name)
        chance = random.Random(zlib.crc32(content))
        if chance.random() < 0.5:
            text = damaged(self._whole[name].decode(), chance)
        else:
            text = damaged(content.decode("utf-8", "surrogateescape" if chance.random() < 0.1 else "ignore"), chance)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        grammar = Grammar.load(path)
        pronounced = cache(self._lexicon.pronunciations)
        compile_graph(grammar.graph, self._lexicon, TOKENS)
        sentences(grammar.graph)
        for _, sample in islice(samples(grammar, 1, seed=chance.randrange(1000)), 5):
            assert grammar.interpret(sample.split()).text == sample
        unsaid_signs(grammar.source)
        if len(grammar.graph.arcs) <= MOST_ARCS:
            sound_alikes(grammar.source, pronounced)
        return "a grammar"


def damaged(text: str, chance: random.Random) -> str:
    """One to eight changes to a text, mostly few: signs put in, lines moved, numbers changed, parts repeated."""
    for _ in range(1 + int(8 * chance.random() ** 3)):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(6)
        if kind <= 1:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + chance.choice(PIECES) * 2 ** chance.randrange(12) + text[at:]
        elif kind == 3:
            lines = text.split("\n")
            line = lines.pop(chance.randrange(len(lines)))
            lines.insert(chance.randrange(len(lines) + 1), " " * chance.randrange(9) + line.strip())
            text = "\n".join(lines)
        elif kind == 4:
            end = at + chance.randrange(200)
            text = text[:end] + text[at:end] * 2 ** chance.randrange(6) + text[end:]
        else:
            digits = [index for index, char in enumerate(text) if char.isdigit()]
            if digits:
                at = chance.choice(digits)
                text = text[:at] + str(chance.choice((0, 1, 9, 99, 10**6, 10**9, 10**30))) + text[at + 1 :]
        text = text[:LONGEST]
    return text
