"""The grammar of a recognizer: plain phrases, from a list or a text file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

from ..errors import GrammarError
from ..text import spoken_words
from ..wordgraph import WordArc, WordGraph
from .interpretation import Interpretation, first_path

_TEMPLATE_SYNTAX = re.compile(r"[][{}<>|()]")


class Grammar:
    """The sentences that may be said. Immutable; made by `from_phrases`, `from_text` or `load`.

    `graph` is their word graph, `words` the spoken words in it ("21" is the two words twenty and one).

    >>> Grammar.from_phrases(["Turn on the light", "set it to 21"]).interpret(["turn", "on", "the", "light"]).text
    'turn on the light'
    """

    graph: WordGraph
    words: frozenset[str]

    def __init__(self, graph: WordGraph) -> None:
        self.graph = graph
        self.words = frozenset(arc.word for arc in graph.arcs if arc.word is not None)
        arcs_from: list[list[WordArc]] = [[] for _ in range(graph.num_nodes)]
        for arc in graph.arcs:
            arcs_from[arc.source].append(arc)
        self._arcs_from = arcs_from

    @classmethod
    def from_phrases(cls, phrases: Iterable[str]) -> Grammar:
        """A grammar of these phrases. Raises GrammarError when there are none, or one cannot be said."""
        if isinstance(phrases, str):
            raise GrammarError(f"the phrases are one string, {phrases!r}: give a list of phrases, as in [{phrases!r}]")
        sentences = [_sentence(phrase, f"phrase {number}") for number, phrase in enumerate(phrases, 1)]
        if not sentences:
            raise GrammarError("the grammar has no phrases: give at least one")
        return cls(_shared_prefixes(sentences))

    @classmethod
    def from_text(cls, path: str | Path) -> Grammar:
        """A grammar from a UTF-8 text file with a phrase a line; what follows # is a comment, blank lines are skipped.

        A # that stands right before a digit is part of the phrase ("channel #5"). Raises GrammarError that names the
        file, and the line where there is one, for a file that cannot be read, is empty or has a line that cannot be
        said.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise GrammarError(f"{path}: not a UTF-8 text file; save it as UTF-8 ({error.reason})") from error
        except OSError as error:
            raise GrammarError(f"{path}: cannot read the grammar: {error.strerror}") from error
        sentences = []
        for number, line in enumerate(text.splitlines(), 1):
            phrase = re.sub(r"#(?!\d).*", "", line).strip()
            if phrase:
                sentences.append(_sentence(phrase, f"{path}, line {number}"))
        if not sentences:
            raise GrammarError(f"{path}: the file has no phrases: write one a line")
        return cls(_shared_prefixes(sentences))

    @classmethod
    def load(cls, source: str | PathLike[str] | Iterable[str] | Grammar) -> Grammar:
        """A grammar from what a user gives: the path of a text file, a list of phrases, or a Grammar as it is."""
        if isinstance(source, Grammar):
            return source
        if not isinstance(source, str | PathLike):
            return cls.from_phrases(source)
        if Path(source).suffix.lower() in (".yaml", ".yml"):
            raise GrammarError(f"{source}: YAML templates cannot be read; give a text file with a phrase a line")
        return cls.from_text(Path(source))

    def interpret(self, words: Sequence[str]) -> Interpretation:
        """What a sentence of this grammar means. Raises GrammarError when the grammar does not have it."""
        if first_path(self._arcs_from, self.graph.start, self.graph.finals, words) is None:
            raise GrammarError(f"the grammar has no sentence {' '.join(words)!r}")
        return Interpretation(intent=None, slots=(), text=" ".join(words))


def _sentence(phrase: str, place: str) -> tuple[str, ...]:
    syntax = _TEMPLATE_SYNTAX.search(phrase)
    if syntax:
        raise GrammarError(
            f"{place}: {phrase!r} has {syntax[0]!r}; phrases are plain words, write one for each wording"
        )
    words = spoken_words(phrase)
    if not words:
        raise GrammarError(f"{place}: {phrase!r} has no words that can be said")
    return words


def _shared_prefixes(sentences: Iterable[tuple[str, ...]]) -> WordGraph:
    """The prefix tree of the sentences: one node for each distinct beginning."""
    targets: dict[tuple[int, str], int] = {}
    finals = set()
    for words in sentences:
        node = 0
        for word in words:
            node = targets.setdefault((node, word), len(targets) + 1)
        finals.add(node)
    arcs = tuple(WordArc(source, target, word) for (source, word), target in targets.items())
    return WordGraph(num_nodes=len(targets) + 1, start=0, finals=frozenset(finals), arcs=arcs)
