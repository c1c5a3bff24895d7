"""A compiled grammar from its file, with every field checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from speech_lstm.runtime.content import read_content
from speech_lstm.runtime.decoding.confidence import FEATURES
from speech_lstm.runtime.decoding.decoder import DecoderOptions
from speech_lstm.runtime.decoding.graph import DecodingGraph, IntArray
from speech_lstm.runtime.decoding.spelling import Speller
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.grammar.grammar import COMPILED, is_compiled
from speech_lstm.runtime.grammar.joining import SLOT_BEGINS
from speech_lstm.runtime.grammar.source import Source
from speech_lstm.runtime.grammar.wordgraph import WordArc, WordGraph
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.wake.compiled import CompiledDetector, WakePhrase
from speech_lstm.runtime.wake.options import WakeWordOptions
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

from .fields import AGAIN, Fields
from .writing import VERSION, WAKE_OPTIONS

MOST = 1 << 30
"""Of anything that is counted."""

LARGEST = 1e6
"""Of any other number."""


class CompiledGrammar(Grammar):
    """The sentences of a grammar and their meanings, without the templates and lists that they were made from.

    `path`: of its file. `search`: the graph that is searched. `wake_detector`: of the wake words that came with it.
    `tokens`, `frame_seconds`: of the model that it was compiled for.
    """

    def __init__(
        self,
        path: Path,
        tokens: Sequence[str],
        frame_seconds: float,
        sentences: WordGraph,
        search: DecodingGraph,
        wake_detector: WakeWordDetector | None,
    ) -> None:
        self.source = Source((), form=COMPILED)
        self._set_graph(sentences)
        self.path = path
        self.tokens = tuple(tokens)
        self.frame_seconds = frame_seconds
        self.search = search
        self.wake_detector = wake_detector

    @classmethod
    def read(cls, path: Path) -> CompiledGrammar:
        """Read and check a file. GrammarError that names the file and the field."""
        try:
            document = json.loads(read_content(path))
        except (OSError, ValueError, RecursionError) as error:
            raise GrammarError(f"{path}: not a compiled grammar: {error}") from None
        file = Fields(document, f"{path}: ")
        if file.text("format") != COMPILED:
            raise file.wrong("format", f"is {file.text('format')!r}, expected {COMPILED!r}")
        if (version := file.whole("version", 1, MOST)) > VERSION:
            raise GrammarError(
                f"{path}: it is of version {version} and this speech-lstm reads versions up to {VERSION}; "
                "pip install --upgrade speech-lstm"
            )
        model = file.inside("model")
        tokens = model.texts("tokens")
        if len(tokens) < 2:
            raise model.wrong("tokens", f"are {tokens}, expected at least two")
        frame_seconds = model.number("frame_seconds", 1e-3, 10)
        _check_rest(file, model)
        words = file.texts("words")
        said = file.all_ways("pronunciations", len(tokens), len(words))
        return cls(
            path=path,
            tokens=tokens,
            frame_seconds=frame_seconds,
            sentences=_sentences(file.inside("sentences"), words),
            search=_search(file.inside("search"), tuple(tokens), _speller(file.inside("spelling"), words, said)),
            wake_detector=_wake(file.inside("wake"), tuple(tokens), frame_seconds) if file.has("wake") else None,
        )

    def check(self, metadata: ModelMetadata) -> None:
        """GrammarError unless a model has the tokens and frames of the one that the grammar was compiled for."""
        if (self.tokens, self.frame_seconds) != (metadata.tokens, metadata.frame_seconds):
            raise GrammarError(
                f"{self.path}: it was compiled for a model with other tokens or frames; {AGAIN} --model NAME"
            )


def load_grammar(source: Grammar | str | PathLike[str] | Iterable[str]) -> Grammar:
    """A grammar from what a user gives: as `Grammar.load`, or the path of a compiled one."""
    if isinstance(source, str | PathLike) and str(source) and is_compiled(Path(source)):
        return CompiledGrammar.read(Path(source))
    return Grammar.load(source)


def _check_rest(file: Fields, model: Fields) -> None:
    """What a recognizer takes from its model and a device from here."""
    for name in ("architecture", "language"):
        model.text(name)
    for name in ("sample_rate", "chunk_samples", "state_size"):
        model.whole(name, 1, MOST)
    model.number("tail_seconds", 0, 60)
    options = file.inside("decoder")
    values: dict[str, Any] = {}
    for item in fields(DecoderOptions):
        is_whole = item.type == "int"
        number = options.whole(item.name, 1, MOST) if is_whole else options.number(item.name, -LARGEST, LARGEST)
        values[item.name] = number
    try:
        DecoderOptions(**values)
    except ValueError as error:
        raise GrammarError(f"{options.place}: {error}; {AGAIN}") from None
    confidence = file.inside("confidence")
    for name in ("accept", "open"):
        confidence.number(name, 0, 1)
    confidence.number("intercept")
    weights = confidence.inside("weights")
    for name in FEATURES:
        if name != "other_word" or file.whole("version", 1, MOST) > 1:
            weights.number(name)
    if file.whole("version", 1, MOST) > 1 and file.any("other_words") is not None:
        _check_ways(file, len(model.texts("tokens")))
    phones = len(model.texts("tokens")) - 1
    for name, length in (("start", phones), ("move", phones**2), ("often", phones)):
        file.inside("free_speech").numbers(name, 0, 1.001, length)


def _check_ways(file: Fields, num_tokens: int) -> None:
    """Of other words, as `Vocabulary.codes` has them."""
    last = chr(ord("A") + num_tokens - 2)
    if not all(way and min(way) >= "A" and max(way) <= last for way in file.text("other_words").split(" ")):
        raise file.wrong("other_words", 'is not ways to say words, "A" for token 1 and a space between two')


def _sentences(graph: Fields, words: list[str]) -> WordGraph:
    nodes, source, target = _arcs(graph)
    word = graph.wholes("word", -1, len(words) - 1, len(source))
    meanings = [_meaning(meaning) for meaning in graph.objects("meanings")]
    meaning = graph.wholes("meaning", -1, len(meanings) - 1, len(source))
    if (both := (word >= 0) & (meaning >= 0)).any():
        raise graph.wrong(f"meaning[{int(both.argmax())}]", "is that of an arc with a word, which has none")
    rows = zip(*(column.tolist() for column in (source, target, word, meaning)), strict=True)
    arcs = tuple(WordArc(s, t, words[w] if w >= 0 else None, *(meanings[m] if m >= 0 else ())) for s, t, w, m in rows)
    finals = frozenset(graph.wholes("finals", 0, nodes - 1).tolist())
    return WordGraph(nodes, graph.whole("start", 0, nodes - 1), finals, arcs)


def _meaning(meaning: Fields) -> tuple[Any, ...]:
    """Slot, value and intent of an arc."""
    if meaning.has("intent"):
        return None, None, meaning.text("intent")
    slot = meaning.text("slot")
    if not meaning.has("begins"):
        return slot, meaning.any("value"), None
    if meaning.any("begins") is not True:
        raise meaning.wrong("begins", "is not true")
    return slot, SLOT_BEGINS, None


def _speller(graph: Fields, words: list[str], said: list[list[tuple[int, ...]]]) -> Speller:
    nodes, source, target = _arcs(graph)
    word = graph.wholes("word", 0, len(words) - 1, len(source))
    arcs: list[dict[str, list[int]]] = [{} for _ in range(nodes)]
    for number, (s, w, t) in enumerate(zip(source.tolist(), word.tolist(), target.tolist(), strict=True)):
        if not said[w]:
            raise graph.wrong(f"word[{number}]", f"is {words[w]!r}, which has no pronunciation")
        arcs[s].setdefault(words[w], []).append(t)
    finals = graph.wholes("finals", 0, nodes - 1).tolist()
    spoken = {word: ways for word, ways in zip(words, said, strict=True) if ways}
    return Speller(arcs, (graph.whole("start", 0, nodes - 1),), finals, spoken)


def _search(graph: Fields, tokens: tuple[str, ...], speller: Speller) -> DecodingGraph:
    nodes, source, target = _arcs(graph)
    label = graph.wholes("label", 1, len(tokens) - 1, len(source))
    finals = graph.wholes("finals", 1, nodes - 1)
    if not len(finals) or (np.diff(finals) <= 0).any():
        raise graph.wrong("finals", "must be rising numbers of nodes, at least one")
    if (np.lexsort((source, label, target)) != np.arange(len(source))).any():
        raise graph.wrong("target", "is not in order: arcs go by target, label and source")
    counts = np.bincount(target, minlength=nodes)
    if counts[0] or not counts[1:].all() or (np.diff(counts[1:]) > 0).any():
        raise graph.wrong("target", "must lead to all nodes but 0, and to none more often than to the one before")
    into, leaving = np.zeros((2, nodes, len(tokens)), dtype=np.bool_)
    into[target, label] = leaving[source, label] = True
    mixed = (into & leaving).any(axis=1) & (into.sum(axis=1) > 1)
    if mixed.any():
        raise graph.wrong("label", f"leads to node {int(mixed.argmax())} and leaves it, and others lead to it too")
    return DecodingGraph.of(nodes, tokens, source, label, target, finals, speller)


def _wake(wake: Fields, tokens: tuple[str, ...], frame_seconds: float) -> WakeWordDetector:
    ranges = {"fold_threshold": (1e-9, 1.0)}
    values = {name: wake.number(name, *ranges.get(name, (frame_seconds, 60.0))) for name in WAKE_OPTIONS}
    options = WakeWordOptions(**values)
    phrases = [
        WakePhrase(
            phrase.text("wake_word"),
            phrase.text("text"),
            phrase.number("threshold", -1e4, 0),
            phrase.ways("ways", len(tokens)),
        )
        for phrase in wake.objects("phrases")
    ]
    if not phrases:
        raise wake.wrong("phrases", "are none")
    return CompiledDetector(phrases, tokens, frame_seconds, options)


def _arcs(graph: Fields) -> tuple[int, IntArray, IntArray]:
    """Number of nodes, and source and target of the arcs of a graph without cycles."""
    nodes = graph.whole("nodes", 2, MOST)
    source = graph.wholes("source", 0, nodes - 1)
    target = graph.wholes("target", 0, nodes - 1, len(source))
    if not len(source):
        raise graph.wrong("source", "is empty: there are no arcs")
    if nodes > 2 * len(source) + 1:
        raise graph.wrong("nodes", f"is {nodes}, more than {len(source)} arcs can join")
    if _has_cycle(nodes, source, target):
        raise graph.wrong("target", "leads in a circle")
    return nodes, source, target


def _has_cycle(nodes: int, source: IntArray, target: IntArray) -> bool:
    """Whether nodes are left when those that nothing leads to are taken away again and again."""
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(nodes + 1)).tolist()
    targets = target[order].tolist()
    entering = np.bincount(target, minlength=nodes).tolist()
    ready = [node for node in range(nodes) if not entering[node]]
    for node in ready:  # grows while it is read
        for following in targets[first[node] : first[node + 1]]:
            entering[following] -= 1
            if not entering[following]:
                ready.append(following)
    return len(ready) < nodes
