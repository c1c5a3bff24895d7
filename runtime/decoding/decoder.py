"""The decoder: CTC log-probabilities in, word sequences of a grammar with times and scores out.

Scores are margins. The blank offset is taken off the log-probability of blank and then each frame's maximum off all, so
the best free phone sequence scores 0, every path at most that, and scores of different utterances compare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf

import numpy as np
import numpy.typing as npt

from .graph import DecodingGraph
from .margins import LOWEST, FloatArray, margins
from .nbest import Hypothesis, Trace, final_hypotheses, partial_hypothesis
from .viterbi import BeamSearch, DenseSearch, Search

DENSE_ARCS = 50_000
"""Up to this size a graph is searched without a beam, which is exact and there the faster way (benchmarks/)."""


@dataclass(frozen=True)
class DecoderOptions:
    """Options of the search; scores are natural logarithms.

    `blank_offset`: taken off the log-probability of blank, which CTC training makes too likely.
    `fold_threshold`: in frames whose blank probability is above it no phone is looked for, and successive ones count
    as one; 1 turns this off.
    `filler_cost`: of a frame of other speech before or after the command; infinity allows none.
    `beam`, `max_active`: a graph of over `DENSE_ARCS` arcs keeps paths at most this much below the best, and at most
    so many phones.
    `nbest_beam`: alternatives at most this much below the best.
    `max_frames`: frames of history; beyond it the older half is forgotten and the search starts at the newer half.
    """

    blank_offset: float = 2.5
    fold_threshold: float = 0.99
    filler_cost: float = 2.0
    beam: float = 20.0
    max_active: int = 3000
    nbest_beam: float = 20.0
    max_frames: int = 750

    def __post_init__(self) -> None:
        """Raise ValueError for options outside their range."""
        if self.max_frames < 2 or self.max_active < 1:
            raise ValueError(f"max_frames is {self.max_frames} and max_active {self.max_active}; at least 2 and 1")
        if not 0 < self.fold_threshold <= 1:
            raise ValueError(f"fold_threshold is {self.fold_threshold}; it is a probability")
        for name in ("filler_cost", "beam", "nbest_beam"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more")


@dataclass(eq=False)
class DecoderState:
    """Everything that changes during a search; made by `Decoder.start`.

    A row is a frame that the search has seen: folded blanks share one. `num_frames` counts the frames,
    `trailing_blanks` those at the end whose best token is blank. `best_final` and `best_any` are the scores of the best
    path that ends a sentence at the last frame and of the best path wherever it is; `best_node` and `final_node` are
    the nodes where these were last in the sentence.
    """

    search: Search
    graph: DecodingGraph
    scores: FloatArray  # [rows, tokens]: of the frames that the search has seen
    frame_of: npt.NDArray[np.int64]  # [rows]: the first frame of a row
    num_frames: int = 0
    trailing_blanks: int = 0
    in_silence: bool = False
    best_final: float = -inf
    best_any: float = 0.0
    best_node: int = 0
    final_node: int = 0
    final_frame: int = 0  # of the last phone of the best path that ends a sentence

    @property
    def num_rows(self) -> int:
        """Frames that the search has seen."""
        return self.search.num_rows

    @property
    def final_frames(self) -> int:
        """Frames since the last phone of the best path that ends a sentence."""
        return self.num_frames - 1 - self.final_frame

    @property
    def is_final(self) -> bool:
        """Whether the best path ends a sentence here."""
        return -inf < self.best_final >= self.best_any

    @property
    def can_continue(self) -> bool:
        """Whether more phones may follow on the best path."""
        return not self.is_final or self.graph.can_continue(self.final_node)


@dataclass(frozen=True)
class Decoder:
    """A grammar ready to be searched; immutable, shared by threads, each search has a `DecoderState`."""

    graph: DecodingGraph
    options: DecoderOptions = DecoderOptions()

    def start(self) -> DecoderState:
        """A search that has seen no frame."""
        rows = min(64, self.options.max_frames)
        return DecoderState(
            search=DenseSearch(self.graph)
            if self.graph.num_arcs <= DENSE_ARCS
            else BeamSearch(self.graph, self.options.beam, self.options.max_active),
            graph=self.graph,
            scores=np.empty((rows, self.graph.num_tokens), dtype=np.float32),
            frame_of=np.empty(rows, dtype=np.int64),
        )

    def advance(self, state: DecoderState, log_probs: FloatArray) -> None:
        """Search further. `log_probs`: float32 [frames, tokens] as the model gives them; however they are split into
        calls, the result is the same. Raises ValueError for another number of tokens or NaN.
        """
        options = self.options
        scores, is_blank, silent = margins(
            log_probs, self.graph.num_tokens, options.blank_offset, options.fold_threshold
        )
        scores[silent, 1:] = LOWEST
        for row, silence, blank in zip(scores, silent.tolist(), is_blank.tolist(), strict=True):
            if not (silence and state.in_silence):
                self._remember(state, row)
                self._step(state, row)
            state.in_silence = silence
            state.num_frames += 1
            state.trailing_blanks = state.trailing_blanks + 1 if blank else 0

    def hypotheses(self, state: DecoderState, n: int = 1, final: bool = True) -> tuple[Hypothesis, ...]:
        """The n best word sequences, best first, fewer if there are not so many. With `final` false: the best path
        wherever it is, with the words that are over. Empty while no path is alive.
        """
        if final:
            return tuple(islice(self.sentences(state), n))
        return partial_hypothesis(self._trace(state), state.best_node)

    def sentences(self, state: DecoderState, beam: float | None = None) -> Iterator[Hypothesis]:
        """All word sequences within a beam, else `nbest_beam`, best first. Each is looked for when it is asked for,
        which must be before the next `advance`.
        """
        return final_hypotheses(self._trace(state), self.options.nbest_beam if beam is None else beam)

    def _trace(self, state: DecoderState) -> Trace:
        """What the hypotheses are read from."""
        rows = state.num_rows
        return Trace(
            graph=self.graph,
            history=state.search.history(),
            scores=state.scores[:rows],
            frame_of=state.frame_of[:rows],
            filler_cost=self.options.filler_cost,
        )

    def _remember(self, state: DecoderState, row: FloatArray) -> None:
        """Keep the scores of a frame; forget the older half of a full history."""
        rows = state.num_rows
        if rows == self.options.max_frames:
            kept = rows // 2
            scores, frames = state.scores[rows - kept : rows].copy(), state.frame_of[rows - kept : rows].copy()
            state.search.clear()
            state.best_final = -inf
            for old, frame in zip(scores, frames, strict=True):
                state.scores[state.num_rows] = old
                state.frame_of[state.num_rows] = frame
                self._step(state, old)
        elif rows == len(state.scores):
            more = min(rows, self.options.max_frames - rows)
            state.scores = np.concatenate([state.scores, np.empty_like(state.scores[:more])])
            state.frame_of = np.concatenate([state.frame_of, np.empty_like(state.frame_of[:more])])
        state.scores[state.num_rows] = row
        state.frame_of[state.num_rows] = state.num_frames

    def _step(self, state: DecoderState, row: FloatArray) -> None:
        """One frame: row is float32 [tokens], blank offset and maximum already taken off."""
        outside = max(row[0], np.float32(-self.options.filler_cost))
        best = state.search.step(row, outside)
        left = float(np.float32(state.best_final) + outside)  # the best sentence so far, then silence or other speech
        if best.final_score > left:
            state.best_final, state.final_node = best.final_score, best.final_node
            state.final_frame = int(state.frame_of[state.num_rows - 1])
        else:
            state.best_final = left
        state.best_node = best.node
        state.best_any = max(best.score, state.best_final)
