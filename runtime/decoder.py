"""Frame-synchronous Viterbi search of a phone graph over CTC log-probabilities, vectorised over the arcs.

With `node[n]` the best score of a path whose last phone led to node n (blanks after it included), `blank[n]` the same
with at least one blank after it, and `phone[a]` the best score of a path that is in the phone of arc a, a frame does

    phone'[a] = max(phone[a], node[source] or, where the phone would repeat, blank[source]) + score[label]
    blank'[n] = node[n] + score[blank]
    node'[n]  = max(blank'[n], max of phone' over the arcs into n)

which is the CTC topology of Graves et al. 2006 in max form. `node` of every frame is kept: the paths, their times and
the n best are read back from it (`nbest`), so no back-pointers are needed.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .graph import DecodingGraph
from .nbest import Hypothesis, Search, best_hypotheses

FloatArray = npt.NDArray[np.float32]

LOWEST = np.float32(-1e4)
"""Floor of a frame's scores, so that sums stay finite."""


@dataclass(frozen=True)
class DecoderOptions:
    """Options of the search; scores are natural logarithms.

    `blank_offset`: taken off the log-probability of blank, which CTC training makes too likely.
    `fold_threshold`: successive frames whose blank probability is above it count as one blank; 1 turns this off.
    `filler_cost`: of a frame of other speech before or after the command; infinity allows none.
    `max_frames`: frames of history; beyond it the older half is forgotten and the search starts at the newer half.
    """

    blank_offset: float = 2.5
    fold_threshold: float = 0.97
    filler_cost: float = 1.0
    max_frames: int = 750

    def __post_init__(self) -> None:
        """Raise ValueError for options outside their range."""
        if self.max_frames < 2:
            raise ValueError(f"max_frames is {self.max_frames}; at least 2 are needed")
        if not 0 < self.fold_threshold <= 1:
            raise ValueError(f"fold_threshold is {self.fold_threshold}; it is a probability")
        if self.filler_cost < 0:
            raise ValueError(f"filler_cost is {self.filler_cost}; a cost is 0 or more")


@dataclass
class DecoderState:
    """Everything that changes during a search; made by `Decoder.start`.

    A row is a frame that the search has seen: folded blanks share one. `num_frames` counts the frames,
    `trailing_blanks` those at the end whose best token is blank, `best_final` and `best_any` are the scores of the best
    path that ends a sentence at the last frame and of the best path wherever it is, `can_continue` tells whether
    the best path has phones that may follow.
    """

    slots: FloatArray  # [2 * nodes]: node, then blank
    phone: FloatArray  # [arcs]
    arc_buffer: FloatArray  # [arcs]
    history: FloatArray  # [rows + 1, nodes]: node before the first row, after it, ...
    scores: FloatArray  # [rows, tokens]
    frame_of: npt.NDArray[np.int64]  # [rows]: the first frame of a row
    num_rows: int = 0
    num_frames: int = 0
    trailing_blanks: int = 0
    in_silence: bool = False
    tail: float = -np.inf  # best path that has left the sentence
    best_final: float = -np.inf
    best_any: float = 0.0
    best_node: int = 0
    can_continue: bool = field(default=True)

    @property
    def is_final(self) -> bool:
        """Whether the best path ends a sentence here."""
        return -np.inf < self.best_final >= self.best_any


@dataclass(frozen=True)
class Decoder:
    """A grammar ready to be searched; immutable, shared by threads, each search has a `DecoderState`."""

    graph: DecodingGraph
    options: DecoderOptions = DecoderOptions()

    def start(self) -> DecoderState:
        """A search that has seen no frame."""
        rows = min(64, self.options.max_frames)
        nodes = self.graph.num_nodes
        state = DecoderState(
            slots=np.empty(2 * nodes, dtype=np.float32),
            phone=np.empty(len(self.graph.label), dtype=np.float32),
            arc_buffer=np.empty(len(self.graph.label), dtype=np.float32),
            history=np.empty((rows + 1, nodes), dtype=np.float32),
            scores=np.empty((rows, self.graph.num_tokens), dtype=np.float32),
            frame_of=np.empty(rows, dtype=np.int64),
        )
        _clear(state)
        return state

    def advance(self, state: DecoderState, log_probs: FloatArray) -> None:
        """Search further. `log_probs`: float32 [frames, tokens] as the model gives them; however they are split into
        calls, the result is the same. Raises ValueError for another number of tokens.
        """
        if log_probs.ndim != 2 or log_probs.shape[1] != self.graph.num_tokens:
            raise ValueError(f"log_probs has shape {log_probs.shape}; expected [frames, {self.graph.num_tokens}]")
        scores = log_probs.astype(np.float32)
        silent = scores[:, 0] > np.log(self.options.fold_threshold)
        scores[:, 0] -= self.options.blank_offset
        scores -= scores.max(axis=1, keepdims=True)
        np.maximum(scores, LOWEST, out=scores)
        is_blank = scores[:, 0] == 0
        silent &= is_blank
        scores[silent, 1:] = LOWEST
        for row, silence, blank in zip(scores, silent.tolist(), is_blank.tolist(), strict=True):
            if not (silence and state.in_silence):
                self._remember(state, row)
                self._step(state, row)
            state.in_silence = silence
            state.num_frames += 1
            state.trailing_blanks = state.trailing_blanks + 1 if blank else 0

    def hypotheses(self, state: DecoderState, n: int = 1, final: bool = True) -> tuple[Hypothesis, ...]:
        """The n best word sequences, best first, fewer if there are not so many; with `final` false those of unfinished
        sentences, which hold the words that are over. Empty while no path is alive.
        """
        rows = state.num_rows
        search = Search(
            graph=self.graph,
            history=state.history[: rows + 1],
            scores=state.scores[:rows],
            frame_of=state.frame_of[:rows],
            num_frames=state.num_frames,
            filler_cost=self.options.filler_cost,
        )
        return best_hypotheses(search, n, final)

    def _remember(self, state: DecoderState, row: FloatArray) -> None:
        """Keep the scores of a frame; forget the older half of a full history."""
        if state.num_rows == self.options.max_frames:
            kept = state.num_rows // 2
            rows = state.scores[state.num_rows - kept : state.num_rows].copy()
            frames = state.frame_of[state.num_rows - kept : state.num_rows].copy()
            _clear(state)
            for old, frame in zip(rows, frames, strict=True):
                state.scores[state.num_rows] = old
                state.frame_of[state.num_rows] = frame
                self._step(state, old)
        elif state.num_rows == len(state.scores):
            more = min(len(state.scores), self.options.max_frames - len(state.scores))
            state.scores = np.concatenate([state.scores, np.empty_like(state.scores[:more])])
            state.history = np.concatenate([state.history, np.empty_like(state.history[:more])])
            state.frame_of = np.concatenate([state.frame_of, np.empty_like(state.frame_of[:more])])
        state.scores[state.num_rows] = row
        state.frame_of[state.num_rows] = state.num_frames

    def _step(self, state: DecoderState, row: FloatArray) -> None:
        """One frame: row is float32 [tokens], blank offset and maximum already taken off."""
        graph = self.graph
        node, blank = state.slots[: graph.num_nodes], state.slots[graph.num_nodes :]
        outside = max(row[0], np.float32(-self.options.filler_cost))
        np.take(state.slots, graph.slot, out=state.arc_buffer, mode="clip")
        np.maximum(state.phone, state.arc_buffer, out=state.phone)
        np.take(row, graph.label, out=state.arc_buffer, mode="clip")
        np.add(state.phone, state.arc_buffer, out=state.phone)
        start = node[0] + outside
        np.add(node, row[0], out=blank)
        np.maximum.reduceat(state.phone, graph.first, out=node[1:])
        np.maximum(node, blank, out=node)
        node[0] = blank[0] = start
        state.num_rows += 1
        state.history[state.num_rows] = node
        state.tail = float(state.tail + outside)
        state.best_final = state.tail = max(state.tail, float(node.take(graph.finals).max()))
        state.best_node = int(node.argmax())
        state.best_any = max(float(node[state.best_node]), state.tail)
        state.can_continue = bool(graph.can_continue[state.best_node])


def _clear(state: DecoderState) -> None:
    state.slots.fill(-np.inf)
    state.phone.fill(-np.inf)
    half = len(state.slots) // 2
    state.slots[0] = state.slots[half] = 0.0
    state.history[0] = state.slots[:half]
    state.num_rows = 0
    state.tail = state.best_final = -np.inf
    state.best_any = 0.0
    state.best_node = 0
    state.can_continue = True
