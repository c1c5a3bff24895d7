"""Viterbi search of a phone graph over CTC scores, frame by frame, vectorised over all arcs or those in a beam.

With `node[n]` the best score of a path whose last phone led to node n (blanks after it included), `blank[n]` the same
with at least one blank after it, and `phone[a]` the best score of a path that is in the phone of arc a, a frame does

    phone'[a] = max(phone[a], node[source] or, where the phone would repeat, blank[source]) + score[label]
    blank'[n] = node[n] + score[blank]
    node'[n]  = max(blank'[n], max of phone' over the arcs into n)

which is the CTC topology of Graves et al. 2006 in max form. The start node, whose blank is anything before the command,
takes the score `outside` in place of blank's. `node` of every frame is kept: paths, their times and the n best are
read back from it (`best_path`, `nbest`), so no back-pointers are needed.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .graph import DecodingGraph, IntArray
from .margins import FloatArray

NEVER = np.float32(-np.inf)


class Best(NamedTuple):
    """The best path of all and the best one at the end of a sentence, after a frame."""

    score: float
    node: int
    final_score: float
    final_node: int


class History(NamedTuple):
    """Scores of nodes before the first frame, after it, and so on.

    `scores`: float32 [rows + 1, columns]; `column`: [nodes], where a node is in it; None means column n is node n.
    """

    scores: FloatArray
    column: IntArray | None = None

    def of(self, nodes: IntArray) -> FloatArray:
        """float32 [rows + 1, nodes given]."""
        return self.scores.take(nodes if self.column is None else self.column.take(nodes), axis=1)

    def at(self, node: int) -> FloatArray:
        """float32 [rows + 1], a view."""
        return self.scores[:, node if self.column is None else self.column[node]]


class Search(Protocol):
    """All of a search that changes. `num_rows`: frames it has seen since `clear`."""

    num_rows: int

    def clear(self) -> None:
        """Begin again, at the start node."""

    def step(self, row: FloatArray, outside: float) -> Best:
        """One frame. `row`: float32 [tokens], scores of its tokens; `outside`: of a frame before the command."""

    def history(self) -> History:
        """The scores of all nodes so far; those of a frame do not change until `clear`."""


class DenseSearch:
    """Exact search over all arcs: a dozen numpy calls a frame. Memory: 4 bytes a node and frame."""

    def __init__(self, graph: DecodingGraph) -> None:
        nodes, layers = graph.num_nodes, graph.layers
        self._finals = graph.finals
        self._slot, self._label = layers.slot, layers.label
        self._slots = np.empty(2 * nodes, dtype=np.float32)
        self._node, self._blank = self._slots[:nodes], self._slots[nodes:]
        self._phone = np.empty(graph.num_arcs, dtype=np.float32)
        self._buffer = np.empty(graph.num_arcs, dtype=np.float32)
        parts = np.split(self._phone, layers.ends)
        into = [self._node[1 : 1 + len(part)] for part in parts[:-1]]
        before = [self._blank[1:], *into[1:]]  # the first layer leads to every node but the start
        self._layers = list(zip(into, before, parts[:-1], strict=True))
        self._rest, self._first = parts[-1], layers.first
        self._rest_node = self._node[1 : 1 + len(layers.first)]
        self._rest_best = np.empty(len(layers.first), dtype=np.float32)
        self._history = np.empty((64, nodes), dtype=np.float32)
        self.clear()

    def clear(self) -> None:
        """Begin again, at the start node."""
        self._slots.fill(NEVER)
        self._phone.fill(NEVER)
        self._node[0] = self._blank[0] = 0
        self.num_rows = 0
        self._history[0] = self._node

    def step(self, row: FloatArray, outside: float) -> Best:
        """See `Search`."""
        node, blank, phone, buffer = self._node, self._blank, self._phone, self._buffer
        self._slots.take(self._slot, out=buffer, mode="clip")
        np.maximum(phone, buffer, out=phone)
        row.take(self._label, out=buffer, mode="clip")
        np.add(phone, buffer, out=phone)
        start = node[0] + outside
        np.add(node, row[0], out=blank)
        for into, before, another in self._layers:
            np.maximum(before, another, out=into)
        if len(self._first):
            np.maximum.reduceat(self._rest, self._first, out=self._rest_best)
            np.maximum(self._rest_node, self._rest_best, out=self._rest_node)
        node[0] = blank[0] = start
        self.num_rows += 1
        if self.num_rows == len(self._history):
            self._history = np.concatenate([self._history, np.empty_like(self._history)])
        self._history[self.num_rows] = node
        best = int(node.argmax())
        ends = node.take(self._finals)
        final = int(ends.argmax())
        return Best(float(node[best]), best, float(ends[final]), int(self._finals[final]))

    def history(self) -> History:
        """See `Search`."""
        return History(self._history[: self.num_rows + 1])


@dataclass(eq=False)
class BeamSearch:
    """Search over the arcs that may still win; its cost depends on the beam and hardly on the size of the graph.

    After each frame phones and nodes more than `beam` below the best are dropped, and phones beyond the best
    `max_active`. The start node stays.
    """

    graph: DecodingGraph
    beam: float
    max_active: int
    num_rows: int = 0
    _slots: FloatArray = field(init=False)  # [2 * nodes]: node, then blank; -inf where dropped
    _phone: FloatArray = field(init=False)  # [arcs]; -inf where dropped
    _is_final: npt.NDArray[np.bool_] = field(init=False)
    _order: IntArray = field(init=False)  # scratch, to drop duplicates
    _arcs: IntArray = field(init=False)  # phones that are alive
    _nodes: IntArray = field(init=False)  # nodes that are alive, the start first
    _column: IntArray = field(init=False)  # [nodes], in the history; 0 for nodes that were never alive
    _num_columns: int = field(init=False)
    _rows: list[tuple[IntArray, FloatArray]] = field(init=False)  # per frame: nodes and their scores
    _num_written: int = field(init=False)  # rows that are in the history too
    _history: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        """Make the arrays."""
        nodes, arcs = self.graph.num_nodes, self.graph.num_arcs
        self._slots = np.empty(2 * nodes, dtype=np.float32)
        self._phone = np.empty(arcs, dtype=np.float32)
        self._is_final = np.zeros(nodes, dtype=np.bool_)
        self._is_final[self.graph.finals] = True
        self._order = np.empty(nodes, dtype=np.int64)
        self._column = np.empty(nodes, dtype=np.int64)
        self._history = np.empty((64, 1024), dtype=np.float32)
        self.clear()

    def clear(self) -> None:
        """Begin again, at the start node."""
        self._slots.fill(NEVER)
        self._phone.fill(NEVER)
        self._slots[0] = self._slots[self.graph.num_nodes] = 0
        self._arcs = np.empty(0, dtype=np.int64)
        self._nodes = np.zeros(1, dtype=np.int64)
        self._column.fill(0)
        self._column[0] = 1
        self._num_columns = 2
        self._rows = [(self._nodes, np.zeros(1, dtype=np.float32))]
        self._num_written = 0
        self.num_rows = 0

    def step(self, row: FloatArray, outside: float) -> Best:
        """See `Search`."""
        graph, slots, phone = self.graph, self._slots, self._phone
        entered = self._leaving(self._nodes)
        before = phone.take(entered)
        phone[entered] = np.maximum(before, slots.take(graph.slot.take(entered)))
        arcs = np.concatenate((self._arcs, entered[before == NEVER]))
        scores = phone.take(arcs) + row.take(graph.label.take(arcs))
        silent = slots.take(self._nodes) + row[0]
        silent[0] = slots[0] + outside
        slots[self._nodes] = slots[self._nodes + graph.num_nodes] = silent

        lowest = max(scores.max(), silent.max()) - np.float32(self.beam)
        if len(arcs) > self.max_active:
            lowest = max(lowest, np.partition(scores, -self.max_active)[-self.max_active])
        alive = scores >= lowest
        phone[arcs] = NEVER
        self._arcs, scores = arcs[alive], scores[alive]
        phone[self._arcs] = scores

        targets = graph.target.take(self._arcs)
        new = targets[slots.take(targets) == NEVER]
        self._order[new] = np.arange(len(new))
        new = new[self._order.take(new) == np.arange(len(new))]
        np.maximum.at(slots, targets, scores)
        nodes = np.concatenate((self._nodes, new))
        scores = slots.take(nodes)
        alive = scores >= lowest
        alive[0] = True
        dropped = nodes[~alive]
        slots[dropped] = slots[dropped + graph.num_nodes] = NEVER
        nodes, scores = nodes[alive], scores[alive]
        self._nodes = nodes
        self._rows.append((nodes, scores))
        self.num_rows += 1
        best = int(scores.argmax())
        ends = np.where(self._is_final.take(nodes), scores, NEVER)
        final = int(ends.argmax())
        return Best(float(scores[best]), int(nodes[best]), float(ends[final]), int(nodes[final]))

    def history(self) -> History:
        """See `Search`."""
        for nodes, scores in self._rows[self._num_written :]:
            new = nodes[self._column.take(nodes) == 0]
            self._column[new] = np.arange(self._num_columns, self._num_columns + len(new))
            self._num_columns += len(new)
            height, width = self._history.shape
            if self._num_written == height or self._num_columns > width:
                height *= 2 if self._num_written == height else 1
                larger = np.full((height, max(width, 2 * self._num_columns)), NEVER)
                larger[: self._num_written, :width] = self._history[: self._num_written]
                self._history = larger
            row = self._history[self._num_written]
            row.fill(NEVER)
            row[self._column.take(nodes)] = scores
            self._num_written += 1
        return History(self._history[: self.num_rows + 1], self._column)

    def _leaving(self, nodes: IntArray) -> IntArray:
        """The arcs that leave nodes."""
        first = self.graph.leaving_first.take(nodes)
        counts = self.graph.leaving_first.take(nodes + 1) - first
        ends = counts.cumsum()
        return self.graph.leaving.take(np.repeat(first - (ends - counts), counts) + np.arange(ends[-1]))
