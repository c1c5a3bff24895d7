"""Paths of a forward search read back from its end: the best one, or the n best word sequences by A*.

A partial hypothesis of A* is a suffix of phones with, for every frame, the best score of saying that suffix from there
on. One more phone costs two running maxima over prefix sums, and the forward scores at the node before it are an upper
bound that is exact but for repeated phones. So hypotheses leave the queue in the order of their true Viterbi scores,
each path of phones once (Soong and Huang 1991, with alignments maximised inside).
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .graph import DecodingGraph, IntArray
from .viterbi import History

DoubleArray = npt.NDArray[np.float64]

MANY = 50
"""Arcs into a node that are worth a look at their labels before their histories are gathered."""

TOLERANCE = 1e-2
"""More than the rounding errors of a path score in float32."""

MAX_EXPANSIONS = 5000
"""Bound on the work for one search; there are no more hypotheses than those found until then."""


@dataclass(frozen=True)
class HypothesisPhone:
    """A phone as a token number, its first and last frame and the sum of their scores (<= 0)."""

    token: int
    first_frame: int
    last_frame: int
    score: float


@dataclass(frozen=True)
class HypothesisWord:
    """A word with its first and last frame, the sum of its frames' scores (<= 0) and its phones."""

    text: str
    first_frame: int
    last_frame: int
    score: float
    phones: tuple[HypothesisPhone, ...]

    @property
    def num_phones(self) -> int:
        """Number of phones it was said with."""
        return len(self.phones)


@dataclass(frozen=True)
class Hypothesis:
    """A word sequence. `score`: of the whole path, <= 0; `command_score`: from the first word's first frame to the last
    word's last one. Frames are None while no word has been said.
    """

    words: tuple[HypothesisWord, ...]
    score: float
    command_score: float

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def phones(self) -> tuple[int, ...]:
        """Tokens of all words' phones."""
        return tuple(phone.token for word in self.words for phone in word.phones)

    @property
    def num_phones(self) -> int:
        """Of all words."""
        return sum(word.num_phones for word in self.words)

    @property
    def first_frame(self) -> int | None:
        """The first word's first."""
        return self.words[0].first_frame if self.words else None

    @property
    def last_frame(self) -> int | None:
        """The last word's last."""
        return self.words[-1].last_frame if self.words else None

    @property
    def num_frames(self) -> int:
        """From the first word's first to the last word's last."""
        return self.words[-1].last_frame - self.words[0].first_frame + 1 if self.words else 0


@dataclass(frozen=True, eq=False)
class Trace:
    """What a forward search leaves. `scores`: float32 [rows, tokens]; `frame_of`: [rows], the first frame of a row."""

    graph: DecodingGraph
    history: History
    scores: npt.NDArray[np.float32]
    frame_of: IntArray
    filler_cost: float

    @cached_property
    def sums(self) -> DoubleArray:
        """[tokens, rows + 1]: scores of a token in all rows before."""
        sums = np.zeros((self.graph.num_tokens, len(self.scores) + 1))
        np.cumsum(self.scores.T, axis=1, dtype=np.float64, out=sums[:, 1:])
        return sums

    @cached_property
    def outside(self) -> DoubleArray:
        """[rows + 1]: scores of silence or other speech in all rows before."""
        sums = np.zeros(len(self.scores) + 1)
        np.cumsum(np.maximum(self.scores[:, 0], -self.filler_cost), dtype=np.float64, out=sums[1:])
        return sums

    def before(self, nodes: IntArray) -> DoubleArray:
        """[nodes, rows + 1]: scores of the best paths to nodes."""
        scores = self.history.of(nodes).T.astype(np.float64)
        scores[nodes == 0] = self.outside
        return scores


class Span(NamedTuple):
    """A phone of a path: it takes the rows `begin` to `end` - 1."""

    token: int
    begin: int
    end: int


def partial_hypothesis(trace: Trace, node: int) -> tuple[Hypothesis, ...]:
    """The best path to a node, with the words that are over; empty if there is none."""
    graph, sums, scores = trace.graph, trace.sums, trace.scores
    spans: list[Span] = []
    row = len(scores)
    score = float(trace.history.of(np.array([node]))[row, 0])
    while node != 0:
        at_node = trace.history.of(np.array([node]))[: row + 1, 0]
        ends = np.flatnonzero(at_node[1:] > at_node[:-1] + scores[:row, 0])  # elsewhere the path was in blank
        if not len(ends):
            return ()
        last = int(ends[-1])
        arcs = np.arange(graph.num_arcs)[graph.incoming(node)]
        if len(arcs) > MANY:
            likely = scores[last] >= at_node[last + 1] - trace.history.scores[last].max() - TOLERANCE
            arcs = arcs[likely[graph.label[arcs]]]
        labels, sources = graph.label[arcs], graph.source[arcs]
        repeats = graph.slot[arcs] != sources
        entry = trace.before(sources)[:, : last + 1]
        entry[repeats, 1:] = entry[repeats, :-1] + scores[:last, 0]
        entry[repeats, 0] = -np.inf
        entry += sums[labels, last + 1 : last + 2] - sums[labels, : last + 1]
        arc, begin = divmod(int(entry.argmax()), last + 1)
        spans.append(Span(int(labels[arc]), begin, last + 1))
        node, row = int(sources[arc]), begin - int(repeats[arc])
    return tuple(_hypotheses(trace, spans[::-1], score, complete=False)[:1])


@dataclass(frozen=True, eq=False)
class _Suffix:
    """Phones to the end of the sentence. `begin`: [rows + 1], score of the suffix from row t on (after row t - 1)."""

    node: int
    label: int  # first phone, 0 for none
    begin: DoubleArray
    after: DoubleArray  # [rows + 1]: score from row t on, where the first phone ended before row t
    tail: "_Suffix | None"


def final_hypotheses(trace: Trace, beam: float) -> Iterator[Hypothesis]:
    """Distinct word sequences that end a sentence, best first, none more than `beam` below the best.

    Each is looked for when it is asked for.
    """
    graph = trace.graph
    left = trace.outside[-1] - trace.outside
    bounds = (trace.before(graph.finals) + left).max(axis=1)
    lowest = bounds.max() - beam
    queue = [
        (-float(bounds[i]), int(i), _Suffix(int(graph.finals[i]), 0, left, left, None))
        for i in np.flatnonzero((bounds > -np.inf) & (bounds >= lowest))
    ]
    heapq.heapify(queue)
    count = len(bounds)
    found: set[str] = set()
    for _ in range(MAX_EXPANSIONS):
        if not queue:
            return
        bound, _, suffix = heapq.heappop(queue)
        if suffix.node == 0:
            for hypothesis in _hypotheses(trace, _align(trace, suffix), -bound, complete=True):
                if hypothesis.text not in found:
                    found.add(hypothesis.text)
                    yield hypothesis
            continue
        arcs = graph.incoming(suffix.node)
        labels, which = np.unique(graph.label[arcs], return_inverse=True)
        begin, after = _prepend(trace.sums, suffix, labels)
        sources = graph.source[arcs]
        if len(sources) > MANY:  # no path score is above 0
            likely = (begin.max(axis=1) >= lowest)[which]
            sources, which = sources[likely], which[likely]
        bounds = (trace.before(sources) + begin[which]).max(axis=1)
        for arc in np.flatnonzero((bounds > -np.inf) & (bounds >= lowest)).tolist():
            label = which[arc]
            longer = _Suffix(int(sources[arc]), int(labels[label]), begin[label], after[label], suffix)
            heapq.heappush(queue, (-float(bounds[arc]), count, longer))
            count += 1


def _prepend(sums: DoubleArray, suffix: _Suffix, labels: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """For each label: [labels, rows + 1], the scores of it and the suffix from every row on, and of what follows it."""
    phone, blank = sums[labels], sums[0]
    following = suffix.begin
    if suffix.label:
        following = np.maximum.accumulate((blank + following)[::-1])[::-1] - blank
    after = np.broadcast_to(following, phone.shape)
    if suffix.label in labels and suffix.label:  # at least one blank between
        after = after.copy()
        after[labels == suffix.label] = np.append((blank[1:] - blank[:-1]) + following[1:], -np.inf)
    ends = np.maximum.accumulate((phone + after)[:, ::-1], axis=1)[:, ::-1]
    begin = np.full(phone.shape, -np.inf)
    np.subtract(ends[:, 1:], phone[:, :-1], out=begin[:, :-1])
    return begin, after


def _align(trace: Trace, suffix: _Suffix) -> list[Span]:
    """The best times of the phones of a complete path."""
    sums = trace.sums
    spans: list[Span] = []
    row = int((trace.outside + suffix.begin).argmax())
    step: _Suffix | None = suffix
    while step is not None and step.label:
        end = row + 1 + int((sums[step.label] + step.after)[row + 1 :].argmax())
        spans.append(Span(step.label, row, end))
        tail = step.tail
        if tail is not None and tail.label:
            row = end + (tail.label == step.label)
            row += int((sums[0] + tail.begin)[row:].argmax())
        step = tail
    return spans


def _hypotheses(trace: Trace, spans: list[Span], score: float, complete: bool) -> list[Hypothesis]:
    """The word sequences of a path."""
    sums, frame_of = trace.sums, trace.frame_of
    phones = [
        HypothesisPhone(
            token=token,
            first_frame=int(frame_of[begin]),
            last_frame=int(frame_of[end - 1]),
            score=float(sums[token, end] - sums[token, begin]),
        )
        for token, begin, end in spans
    ]
    pauses = [float(sums[0, after.begin] - sums[0, before.end]) for before, after in pairwise(spans)]

    def path_score(first: int, end: int) -> float:
        """From the first frame of a phone to the last one of the phone before `end`."""
        return sum(phone.score for phone in phones[first:end]) + sum(pauses[first : end - 1])

    return [
        Hypothesis(
            words=tuple(
                HypothesisWord(
                    text=text,
                    first_frame=phones[first].first_frame,
                    last_frame=phones[end - 1].last_frame,
                    score=path_score(first, end),
                    phones=tuple(phones[first:end]),
                )
                for text, first, end in spelling
            ),
            score=score,
            command_score=path_score(0, spelling[-1][2]) if spelling else 0.0,
        )
        for spelling in trace.graph.speller.spell([span.token for span in spans], complete)
    ]
