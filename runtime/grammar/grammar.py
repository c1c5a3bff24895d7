"""The grammar of a recognizer: templates to a word graph, and sentences of it back to what they mean."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from speech_lstm.runtime.lexicon.text import spoken_words

from ..errors import GrammarError, PronunciationError
from .builder import Builder
from .expression import shown
from .interpretation import Interpretation, first_path, meaning
from .joining import word_graph
from .phrase_reader import read_phrases, read_text_file
from .source import Place, Source, text_list
from .unsaid import too_large, unpronounced
from .wordgraph import WordGraph
from .yaml_reader import read_yaml

Lists = Mapping[str, Any]
"""Lists given in Python, by name: texts, or a dict from text to slot value. They replace those of the same name."""

YAML_SUFFIXES = (".yaml", ".yml", ".json")

COMPILED = "speech-lstm grammar"
"""What a compiled grammar says of itself, see `runtime.compiled`."""

_COMPILED = re.compile(rb'\s*\{\s*"format"\s*:\s*"' + COMPILED.encode() + b'"')


class Grammar:
    """The sentences that may be said and what they mean. Immutable.

    Made by `from_phrases`, `from_text`, `from_yaml` or `load`. `graph` is the graph of the sentences, `words` the
    spoken words in it ("21" is the two words twenty and one), `source` what it was made from.

    >>> grammar = Grammar.from_phrases(["SetLight: set [the] light to {0..100:brightness} percent"])
    >>> grammar.interpret("set light to twenty one percent".split()).slots
    (SlotSpan(name='brightness', value=21, first_word=3, last_word=4),)
    """

    source: Source
    graph: WordGraph
    words: frozenset[str]

    def __init__(self, source: Source, lists: Lists | None = None) -> None:
        """Raises one GrammarError that names all that is wrong with the source, with files and lines."""
        if not isinstance(source, Source):
            raise GrammarError(f"Grammar() takes what a reader made: use Grammar.load({source!r})")
        if lists is not None and not isinstance(lists, Mapping):
            raise GrammarError(f"lists is {lists!r}: give a dict, as in {{'room': ['kitchen', 'hall']}}")
        if wrong := [name for name in lists or () if not isinstance(name, str)]:
            raise GrammarError(f"a list is called {wrong[0]!r}: its name must be a string")
        if source.form == COMPILED:
            raise GrammarError("a compiled grammar has no lists any more: take the grammar that it was compiled from")
        given = {name: text_list(values, Place(f"list {name!r}")) for name, values in (lists or {}).items()}
        self.source = source.with_lists(given)
        builder = Builder(self.source)
        root = builder.build()
        try:
            self._set_graph(word_graph(builder.fragments, root))
        except GrammarError as error:
            raise too_large(self.source) or error from None

    def _set_graph(self, graph: WordGraph) -> None:
        self.graph = graph
        self.words = frozenset(arc.word for arc in graph.arcs if arc.word is not None)

    @classmethod
    def from_phrases(cls, phrases: Iterable[str], lists: Lists | None = None) -> Grammar:
        """A grammar of phrases: plain words, or templates. "Name: phrase" gives the phrase an intent."""
        return cls(read_phrases(phrases), lists)

    @classmethod
    def from_text(cls, path: str | PathLike[str], lists: Lists | None = None) -> Grammar:
        """A grammar from a UTF-8 text file with a phrase a line, as in `from_phrases`.

        What follows # is a comment (except before a number, as in "channel #5"), blank lines are skipped.
        """
        return cls(read_text_file(_path(path)), lists)

    @classmethod
    def from_yaml(cls, *paths: str | PathLike[str], lists: Lists | None = None) -> Grammar:
        """A grammar from files or folders in the format of the Home Assistant intents project, see `yaml_reader`."""
        return cls(read_yaml(map(_path, paths)), lists)

    @classmethod
    def load(cls, source: str | PathLike[str] | Iterable[str] | Grammar) -> Grammar:
        """A grammar from what a user gives: a text or YAML file, a folder of them, phrases, or a Grammar as it is."""
        if isinstance(source, Grammar):
            return source
        if not isinstance(source, str | PathLike):
            return cls.from_phrases(source)
        path = _path(source)
        try:
            if is_compiled(path):
                raise GrammarError(f"{path}: it is compiled already; the grammar that it was made from is needed here")
            if path.is_dir() or path.suffix.lower() in YAML_SUFFIXES:
                return cls.from_yaml(path)
            missing = isinstance(source, str) and not path.suffix and not os.path.lexists(path)
        except (OSError, ValueError):  # longer than a name can be
            missing = True
        if missing:
            given = shown(str(source))
            raise GrammarError(f"there is no grammar file {given}; phrases are given in a list, as in [{given}]")
        return cls.from_text(path)

    def with_lists(self, lists: Lists) -> Grammar:
        """The same with other values for some of its lists."""
        grammar = Grammar(self.source, lists)
        there = {
            name for lists in (self.source.lists, *(t.block.lists for t in self.source.templates)) for name in lists
        }
        if unknown := sorted(set(lists) - there):
            known = ", ".join(sorted(there)) or "none"
            raise GrammarError(f"the grammar has no list {unknown[0]!r}; it has: {known}")
        return grammar

    def unpronounced(self, pronounce: Callable[[str], object]) -> PronunciationError | None:
        """The error about all words that `pronounce` has no pronunciation for, each with its place."""
        wrong = unpronounced(self.source, self.words, pronounce)
        return PronunciationError("\n".join(wrong)) if wrong else None

    def __repr__(self) -> str:
        intents = {template.block.intent for template in self.source.templates} - {None}
        counts = {"template": len(self.source.templates), "intent": len(intents), "word": len(self.words)}
        if self.source.form == COMPILED:
            counts = {"compiled word": len(self.words)}
        shown = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items())
        return f"<Grammar: {shown}>"

    def interpret(self, words: str | Sequence[str]) -> Interpretation:
        """What a sentence of this grammar means; of several meanings, that of the first template.

        Raises GrammarError when the grammar does not have the sentence.
        """
        words = spoken_words(words) if isinstance(words, str) else words
        if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
            raise GrammarError(f"the sentence is {words!r}; expected its words, as in ['turn', 'left']")
        path = first_path(self.graph, words)
        if path is None:
            raise GrammarError(f"the grammar has no sentence {' '.join(words)!r}")
        return meaning(path, words)


def is_compiled(path: Path) -> bool:
    """Whether a file is a compiled grammar, going by its first bytes."""
    try:
        if path.suffix.lower() != ".json" or not path.is_file():
            return False
        with path.open("rb") as file:
            return _COMPILED.match(file.read(200)) is not None
    except (OSError, ValueError):  # whoever reads all of it says what is wrong
        return False


def _path(source: str | PathLike[str]) -> Path:
    """The path that a user gives. GrammarError for anything else, and for nothing, which would be this folder."""
    if not isinstance(source, str | PathLike) or not str(source).strip():
        raise GrammarError(f"the grammar is {source!r}: give a list of phrases, or the path of a grammar file")
    return Path(source)
