"""The n best word sequences of a finished forward search, by A* from its end.

A partial hypothesis is a suffix of phones with, for every frame, the best score of saying that suffix from there on.
One more phone costs two running maxima over prefix sums, and the forward scores at the node before it are an upper
bound that is exact but for repeated phones. So hypotheses leave the queue in the order of their true Viterbi scores,
each phone sequence once (Soong and Huang 1991, with alignments maximised inside).
"""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .graph import DecodingGraph

DoubleArray = npt.NDArray[np.float64]

MAX_EXPANSIONS = 5000
"""Bound on the work of one call; alternatives found until then are returned."""


@dataclass(frozen=True)
class HypothesisWord:
    """A word with its first and last frame, the sum of its frames' scores (<= 0) and its number of phones."""

    text: str
    first_frame: int
    last_frame: int
    score: float
    num_phones: int


@dataclass(frozen=True)
class Hypothesis:
    """A word sequence. `score`: of the whole path, <= 0; `command_score`: from the first word's first frame to the last
    word's last one; `num_phones` in the words. Frames are None while no word has been said.
    """

    words: tuple[HypothesisWord, ...]
    score: float
    command_score: float
    num_phones: int
    first_frame: int | None
    last_frame: int | None

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def num_frames(self) -> int:
        """Frames from the first word's first to the last word's last."""
        return 0 if self.first_frame is None or self.last_frame is None else self.last_frame - self.first_frame + 1


@dataclass(frozen=True, eq=False)
class Search:
    """What a forward search leaves: `history` [rows + 1, nodes], `scores` [rows, tokens], `frame_of` [rows]."""

    graph: DecodingGraph
    history: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    frame_of: npt.NDArray[np.int64]
    num_frames: int
    filler_cost: float


@dataclass(frozen=True, eq=False)
class _Suffix:
    """Phones to the end of the sentence. `begin[t]`: score of the suffix from row t on (after row t - 1)."""

    node: int
    label: int  # first phone, 0 for none
    begin: DoubleArray  # [rows + 1]
    after: DoubleArray  # [rows + 1]: score from row t on, where the first phone ended before row t
    tail: "_Suffix | None"


def best_hypotheses(search: Search, n: int, final: bool) -> tuple[Hypothesis, ...]:
    """The n best distinct word sequences, best first."""
    graph = search.graph
    sums = np.zeros((len(search.scores) + 1, graph.num_tokens))
    np.cumsum(search.scores, axis=0, dtype=np.float64, out=sums[1:])
    outside = np.zeros(len(sums))
    np.cumsum(np.maximum(search.scores[:, 0], -search.filler_cost), dtype=np.float64, out=outside[1:])
    queue: list[tuple[float, int, _Suffix]] = []
    count = 0

    def push(bound: float, suffix: _Suffix) -> None:
        nonlocal count
        if bound > -np.inf:
            heapq.heappush(queue, (-bound, count, suffix))
            count += 1

    left = outside[-1] - outside
    silent = sums[-1, 0] - sums[:, 0]
    finals = set(graph.finals.tolist())
    ends = search.history[-1].astype(np.float64)  # best score of a path that is at each node now
    ends[graph.finals] = (search.history[:, graph.finals] + left[:, None]).max(axis=0)
    ends[0] = outside[-1]
    nodes = graph.finals if final else np.argsort(-ends, kind="stable")[: 100 * n]
    for node in nodes.tolist():
        end = left if final or node == 0 else silent
        if not final and node in finals:
            end = np.maximum(left, silent)
        push(float(ends[node]), _Suffix(node, 0, end, end, None))
    found: dict[tuple[str, ...], Hypothesis] = {}
    for _ in range(MAX_EXPANSIONS):
        if not queue or len(found) >= n:
            break
        bound, _, suffix = heapq.heappop(queue)
        if suffix.node == 0:
            for hypothesis in _read(search, sums, outside, suffix, -bound, final):
                found.setdefault(tuple(word.text for word in hypothesis.words), hypothesis)
            continue
        arcs = graph.incoming(suffix.node)
        labels, sources = graph.label[arcs], graph.source[arcs]
        for label in np.unique(labels).tolist():
            begin, after = _prepend(sums, suffix, label)
            for source in sources[labels == label].tolist():
                before = outside if source == 0 else search.history[:, source]
                push(float((before + begin).max()), _Suffix(source, label, begin, after, suffix))
    return tuple(found.values())[:n]


def _prepend(sums: DoubleArray, suffix: _Suffix, label: int) -> tuple[DoubleArray, DoubleArray]:
    """Scores of `label` and the suffix from every row on, and of what follows `label` from every row on."""
    blank, phone = sums[:, 0], sums[:, label]
    if suffix.label == 0:
        after = suffix.begin
    else:
        after = np.maximum.accumulate((blank + suffix.begin)[::-1])[::-1] - blank
        if suffix.label == label:  # at least one blank between
            after = np.append((blank[1:] - blank[:-1]) + after[1:], -np.inf)
    ends = np.maximum.accumulate((phone + after)[::-1])[::-1]
    return np.append(ends[1:] - phone[:-1], -np.inf), after


def _read(
    search: Search, sums: DoubleArray, outside: DoubleArray, suffix: _Suffix, score: float, final: bool
) -> list[Hypothesis]:
    """The word sequences of a complete path, with times from its best alignment."""
    labels: list[int] = []
    spans: list[tuple[int, int]] = []  # rows of each phone
    at = int((outside + suffix.begin).argmax()) if suffix.label else 0
    step: _Suffix | None = suffix
    while step is not None and step.label:
        phone = sums[:, step.label]
        end = at + 1 + int((phone + step.after)[at + 1 :].argmax())
        labels.append(step.label)
        spans.append((at, end))
        step = step.tail
        if step is not None and step.label:
            first = end + (step.label == labels[-1])
            at = first + int((sums[:, 0] + step.begin)[first:].argmax())
    # in rows: total[i] - the running score along the path, phones and the blanks between them
    running = [0.0]
    starts = [0.0]
    for i, (first, end) in enumerate(spans):
        gap = sums[first, 0] - sums[spans[i - 1][1], 0] if i else 0.0
        starts.append(running[-1] + gap)
        running.append(starts[-1] + sums[end, labels[i]] - sums[first, labels[i]])
    hypotheses = []
    for spelling in search.graph.spell(labels, final):
        words = tuple(
            HypothesisWord(
                text=text,
                first_frame=int(search.frame_of[spans[first][0]]),
                last_frame=int(search.frame_of[spans[end - 1][1] - 1]),
                score=float(running[end] - starts[first + 1]),
                num_phones=end - first,
            )
            for text, first, end in spelling
        )
        total = float(running[spelling[-1][2]]) if spelling else 0.0
        hypotheses.append(
            Hypothesis(
                words=words,
                score=score,
                command_score=total,
                num_phones=sum(word.num_phones for word in words),
                first_frame=words[0].first_frame if words else None,
                last_frame=words[-1].last_frame if words else None,
            )
        )
    return hypotheses
