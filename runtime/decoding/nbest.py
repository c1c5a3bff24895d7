"""The n best sentences of a search by A*, from its end backwards.

A partial hypothesis is a suffix of phones with, for every frame, the best score of saying that suffix from there on.
One more phone costs two running maxima over prefix sums, and the forward scores at the node before it are an upper
bound that is exact but for repeated phones. So hypotheses leave the queue in the order of their true Viterbi scores,
each path of phones once (Soong and Huang 1991, with alignments maximised inside).

Scores are counted from a path that is always in blank, and rows from the last one back, so that a phone costs four
numpy calls: with B(t) the score of a suffix from row t on plus that of blank in all rows before, and D(t) the score of
the phone in all rows before less that of blank,

    C(t) = max of B(t') for t' >= t              blank from t to t'
    M(t) = max of D(t') + C(t') for t' >= t      the phone until t'
    B'(t) = M(t + 1) - D(t)                      the phone from t on

The last rows, in which no phone of the suffix can begin because of those after it, are left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from .graph import DecodingGraph, Entries, IntArray
from .hypothesis import Sentence, Span
from .record import DoubleArray, Record
from .spelling import MAX_SPELLINGS, Phones, Prefix, Prefixes, Spelling
from .viterbi import History

MAX_EXPANSIONS = 5000
"""Bound on the work for one search; there are no more hypotheses than those found until then."""

MANY = 50
"""Arcs into a node that are worth a look at their labels before their histories are gathered."""

NEVER = -np.inf


@dataclass(eq=False, slots=True)
class _Suffix:
    """Phones from a node to the end of the sentence; arrays over rows, the last one first, without those left out.

    `label`: the first phone, 0 for none; `begin`: B of the suffix; `ends`: D + C of the first phone. `postfix`: the
    phones from the last one on, once the suffix is looked at; `is_news`: whether it then was compared with others.
    """

    node: int
    label: int
    begin: DoubleArray
    ends: DoubleArray
    rest: _Suffix | None
    postfix: Prefix | None = None
    is_news: bool = False


class SentenceSearch:
    """Iterates over distinct sentences, best first, each looked for when it is asked for, which must be before the
    search that left the history goes on.

    None is more than `beam` below the best one.
    """

    def __init__(
        self, graph: DecodingGraph, history: History, record: Record, num_rows: int, prefixes: Prefixes, beam: float
    ) -> None:
        """num_rows: of the record, that count."""
        self._graph, self._record, self._prefixes, self._beam = graph, record, prefixes, beam
        self._history = History(history.scores[: num_rows + 1], history.column)
        sums = record.sums[num_rows::-1].T  # [tokens + 1, rows + 1]
        self._blank = sums[0].copy()
        self._over_blank = sums - self._blank
        self._queue: list[tuple[float, int, _Suffix]] = []
        self._pushed = 0
        self._postfixes = Prefixes(graph.backward_speller)
        self._said: dict[object, DoubleArray] = {}  # by node, label and words: the best B of them
        self._nodes: dict[int, DoubleArray] = {}  # their scores over blank
        self._entered: dict[int, tuple[DoubleArray, DoubleArray | None]] = {}  # see `_enter`

    def __iter__(self) -> Iterator[Sentence]:
        """From the best one on."""
        finals = self._graph.finals
        outside = self._over_blank[-1]
        end = outside[0] - outside + self._blank[0]
        bounds = (self._scores(finals) + end).max(axis=1)
        self._lowest = float(bounds.max()) - self._beam
        for node, bound in zip(finals.tolist(), bounds.tolist(), strict=True):
            self._push(bound, _Suffix(node, 0, end, end, None, self._postfixes.start, True))
        found: set[tuple[str, ...]] = set()
        for suffix, score in self._complete():
            phones = tuple(_phones(suffix))
            for spelling in self._spell(suffix, phones):
                sentence = self._sentence(suffix, phones, spelling, score)
                if sentence.words not in found:
                    found.add(sentence.words)
                    yield sentence

    def _sentence(self, suffix: _Suffix, phones: Phones, spelling: Spelling, score: float) -> Sentence:
        spans, num_rows = partial(self._align, suffix), len(self._blank) - 1
        return Sentence(self._record, phones, spelling, score, spans, num_rows, self._graph.other_words)

    def _spell(self, suffix: _Suffix, phones: Phones) -> tuple[Spelling, ...]:
        """The sentences that the phones of a complete suffix say."""
        assert suffix.postfix is not None
        speller, end = self._prefixes.speller, len(phones)
        readings = [reading for found in suffix.postfix.ends.values() for reading in found]
        sentences = [reading for reading in readings if speller.accepts(word for word, _, _ in reversed(reading))]
        if len(sentences) == 1 and len(readings) < MAX_SPELLINGS:
            return (tuple((word, end - last, end - first) for word, first, last in reversed(sentences[0])),)
        return speller.sentences(self._prefixes.find(phones))  # in the order of the grammar

    def _complete(self) -> Iterator[tuple[_Suffix, float]]:
        """Suffixes that are whole sentences, with their scores, best first."""
        expansions = 0
        while self._queue:
            bound, _, suffix = heapq.heappop(self._queue)
            is_bound = True
            while is_bound:
                expansions += 1
                if expansions > MAX_EXPANSIONS:
                    return
                is_bound = suffix.is_news or not self._compare(suffix)
                if is_bound:
                    if suffix.node == 0:
                        yield suffix, -bound
                        break
                    arcs = self._graph.entries(suffix.node).arcs
                    if len(arcs) > 1:
                        self._expand(suffix)
                        break
                    suffix, is_bound = self._prepend(suffix, *arcs[0][:2])
                if not is_bound:  # it may be lower now
                    self._push(self._bound(suffix), suffix)

    def _compare(self, suffix: _Suffix) -> bool:
        """Where the same words from the same node on are said better with other pronunciations, those of the suffix do
        not count. Returns whether there is such a place.
        """
        assert suffix.rest is not None and suffix.rest.postfix is not None
        suffix.is_news = True
        suffix.postfix = self._postfixes.longer(suffix.rest.postfix, suffix.label)
        words = self._postfixes.words_so_far(suffix.postfix)
        if words is None:
            return False
        alike = suffix.node, suffix.label, words  # the label, because the same phone before it needs a blank between
        best, begin = self._said.get(alike), suffix.begin
        if best is None:
            self._said[alike] = begin
            return False
        shared = min(len(best), len(begin))
        before, now = best[len(best) - shared :], begin[len(begin) - shared :]
        longest = (best if shared < len(best) else begin).copy()
        np.maximum(before, now, out=longest[len(longest) - shared :])
        self._said[alike] = longest
        suffix.begin = begin.copy()
        suffix.begin[len(begin) - shared :][now <= before] = NEVER
        return True

    def _push(self, bound: float, suffix: _Suffix) -> None:
        if self._lowest <= bound > NEVER:
            heapq.heappush(self._queue, (-bound, self._pushed, suffix))
            self._pushed += 1

    def _bound(self, suffix: _Suffix) -> float:
        """Score of the best sentence with this suffix; exact but for a phone that is repeated before it."""
        node, begin = suffix.node, suffix.begin
        scores = self._nodes.get(node)
        if scores is None:
            scores = self._nodes[node] = self._scores(np.array([node]))[0]
        return float((scores[len(scores) - len(begin) :] + begin).max()) if len(begin) else NEVER

    def _scores(self, nodes: IntArray) -> DoubleArray:
        """Forward scores of nodes less that of blank in all rows before: [nodes, rows + 1]."""
        scores: DoubleArray = self._history.of(nodes)[::-1].T - self._blank
        if not nodes.all():
            scores[nodes == 0] = self._over_blank[-1]  # the same, and more exact
        return scores

    def _prepend(self, suffix: _Suffix, source: int, label: int) -> tuple[_Suffix, bool]:
        """One more phone, and whether the bound stays: not where it is the same as the one after it."""
        after = np.maximum.accumulate(suffix.begin) if suffix.label else suffix.begin
        if label == suffix.label:
            after = after[:-1]  # at least one blank between
        over_blank = self._over_blank[label, len(self._blank) - len(after) :]
        ends = over_blank + after
        begin = np.maximum.accumulate(ends)[:-1] - over_blank[1:]
        return _Suffix(source, label, begin, ends, suffix), label != suffix.label

    def _expand(self, suffix: _Suffix) -> None:
        """Push the suffixes that are longer by one of several phones."""
        entries = self._graph.entries(suffix.node)
        over_blank, scores = self._entered.get(suffix.node) or self._enter(suffix.node, entries)
        after = np.maximum.accumulate(suffix.begin) if suffix.label else suffix.begin
        num_rows = len(after)
        if num_rows < 2:
            return
        over_blank = over_blank[:, len(self._blank) - num_rows :]
        ends = over_blank + after
        repeated = entries.number.get(suffix.label)
        if repeated is not None:  # at least one blank between
            ends[repeated, 0] = NEVER
            np.add(over_blank[repeated, 1:], after[:-1], out=ends[repeated, 1:])
        begin = np.maximum.accumulate(ends, axis=1)[:, :-1] - over_blank[:, 1:]
        arcs, which = entries.arcs, entries.which
        if scores is None:  # no path score is above 0
            is_likely = (begin - self._blank[1 - num_rows :]).max(axis=1) >= self._lowest
            likely = (is_likely if which is None else is_likely[which]).nonzero()[0]
            arcs, which = [arcs[arc] for arc in likely.tolist()], likely if which is None else which[likely]
            scores = self._scores(entries.sources[likely])
        bounds = (scores[:, 1 - num_rows :] + (begin if which is None else begin[which])).max(axis=1)
        for bound, (source, label, number) in zip(bounds.tolist(), arcs, strict=True):
            if bound >= self._lowest:
                self._push(bound, _Suffix(source, label, begin[number], ends[number], suffix))

    def _enter(self, node: int, entries: Entries) -> tuple[DoubleArray, DoubleArray | None]:
        """For all suffixes that begin at a node: D of the labels of `entries`, and scores of the sources."""
        scores = self._scores(entries.sources) if len(entries.sources) <= MANY else None
        known = self._entered[node] = self._over_blank[entries.labels], scores
        return known

    def _align(self, suffix: _Suffix) -> list[Span]:
        """The best times of the phones of a complete path."""
        num_rows = len(self._blank)  # row t is as far from the end of an array as from row 0
        spans: list[Span] = []
        begin = int((self._over_blank[-1, num_rows - len(suffix.begin) :] + suffix.begin)[::-1].argmax())
        step = suffix
        while step.rest is not None:
            end = begin + 1 + int(step.ends[-2 - begin :: -1].argmax())
            spans.append(Span(step.label, begin, end))
            step, label = step.rest, step.label
            if step.label:
                begin = end + (step.label == label)
                begin += int(step.begin[-1 - begin :: -1].argmax())
        return spans


def _phones(suffix: _Suffix) -> Iterator[int]:
    """Tokens of a suffix."""
    step = suffix
    while step.rest is not None:
        yield step.label
        step = step.rest
