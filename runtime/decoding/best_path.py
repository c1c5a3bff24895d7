"""The best path to a node, read back from the history of a search. What was read once is kept for the next time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .graph import DecodingGraph
from .hypothesis import Span
from .record import Record
from .spelling import Prefix, Prefixes
from .viterbi import History

MANY = 50
"""Arcs into a node that are worth a look at their labels before their histories are gathered."""

TOLERANCE = 1e-2
"""More than the rounding errors of a path score in float32."""

WINDOW = 24
"""Rows that are looked at first for the end of the last phone."""


class Path:
    """A phone and the path before it; the first one is no phone. `prefix`: the phones so far and their words."""

    __slots__ = ("before", "prefix", "span")

    def __init__(self, span: Span | None, before: Path | None, prefix: Prefix) -> None:
        self.span = span
        self.before = before
        self.prefix = prefix

    @property
    def spans(self) -> list[Span]:
        """All phones."""
        found = []
        path: Path | None = self
        while path is not None and path.span is not None:
            found.append(path.span)
            path = path.before
        return found[::-1]


@dataclass(eq=False)
class BestPaths:
    """Of one search. A path to a node in whose last row a phone ends never changes, so it is found once."""

    graph: DecodingGraph
    record: Record
    prefixes: Prefixes
    _known: dict[tuple[int, int], Path] = field(default_factory=dict)  # by node and last row

    def clear(self) -> None:
        """The search has forgotten rows."""
        self._known.clear()

    def to(self, history: History, node: int, row: int) -> Path | None:
        """The best path to a node before a row, or None where there is none."""
        new: list[tuple[int, Span]] = []
        path = None
        while path is None and node:
            last = self._last_end(history, node, row)
            if last is None:
                return None
            path = self._known.get((node, last))
            if path is None:
                span, source, repeats = self._phone_before(history, node, last)
                new.append((node, span))
                node, row = source, span.begin - repeats
        if path is None:
            path = Path(None, None, self.prefixes.start)
        for node, span in reversed(new):
            path = Path(span, path, self.prefixes.longer(path.prefix, span.token))
            self._known[node, span.end - 1] = path
        return path

    def _last_end(self, history: History, node: int, row: int) -> int | None:
        """The last row before `row` in which a phone ends on the best path to a node."""
        column = node if history.column is None else history.column[node]
        blank = self.record.scores[:, 0]
        for begin in dict.fromkeys((max(0, row - WINDOW), 0)):
            scores = history.scores[begin : row + 1, column]
            ends = (scores[1:] > scores[:-1] + blank[begin:row]).nonzero()[0]  # elsewhere the path is in blank
            if len(ends):
                return begin + int(ends[-1])
        return None

    def _phone_before(self, history: History, node: int, last: int) -> tuple[Span, int, bool]:
        """The phone that ends in row `last` at a node, the node before it, and whether it repeats the phone before."""
        graph, sums = self.graph, self.record.sums
        arcs = np.arange(graph.num_arcs)[graph.incoming(node)]
        if len(arcs) > MANY:
            at_node = history.of(np.array([node]))[last + 1, 0]
            likely = self.record.scores[last] >= at_node - history.scores[last].max() - TOLERANCE
            arcs = arcs[likely[graph.label[arcs]]]
        labels, sources = graph.label[arcs], graph.source[arcs]
        repeats = graph.slot[arcs] != sources
        entry = History(history.scores[: last + 1], history.column).of(sources).astype(np.float64)
        entry[:, sources == 0] = sums[: last + 1, -1:]
        entry[1:, repeats] = entry[:-1, repeats] + self.record.scores[:last, :1]
        entry[0, repeats] = -np.inf
        entry -= sums[: last + 1, labels]
        entry += sums[last + 1, labels]
        begin, arc = divmod(int(entry.argmax()), len(arcs))
        return Span(int(labels[arc]), begin, last + 1), int(sources[arc]), bool(repeats[arc])
