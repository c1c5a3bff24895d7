"""The decoder: CTC log-probabilities in, word sequences of a grammar with times and scores out.

Scores are margins. The blank offset is taken off the log-probability of blank and then each frame's maximum off all, so
the best free phone sequence scores 0, every path at most that, and scores of different utterances compare.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from math import inf
from typing import Any, NamedTuple

import numpy as np

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.metadata import ModelMetadata

from .best_path import BestPaths, Path
from .free_speech import free_speech_of
from .graph import DecodingGraph
from .hypothesis import Hypothesis, PathScores, Sentence
from .margins import LOWEST, NO_TOKEN, FloatArray, blank_only, relative
from .nbest import SentenceSearch
from .record import Record
from .spelling import Prefixes, Spelling
from .viterbi import BeamSearch, Best, DenseSearch, Search

DENSE_ARCS = 50_000
"""Up to this size a graph is searched without a beam, which is exact and there the faster way (benchmarks/)."""


MEMORY_SECONDS = 30.0
"""What a search remembers where nothing else is said."""


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

    @classmethod
    def tuned(cls, metadata: ModelMetadata, **own: float | None) -> DecoderOptions:
        """What a model was tuned to, and `own` options that are not None instead. ModelError for what is no option."""
        chosen = {name: value for name, value in own.items() if value is not None}
        given: dict[str, Any] = {
            "max_frames": MEMORY_SECONDS / metadata.frame_seconds, **metadata.decoder, **chosen
        }  # fmt: skip
        types = {item.name: round if item.type == "int" else float for item in fields(cls)}
        if unknown := sorted(given.keys() - types.keys()):
            raise ModelError(f"decoder in the model's metadata sets {', '.join(unknown)}; known are {', '.join(types)}")
        try:
            values: dict[str, Any] = {name: types[name](value) for name, value in given.items()}
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ModelError(f"decoder in the model's metadata is malformed: {error}") from None

    def __post_init__(self) -> None:
        """Raise ValueError for options outside their range."""
        if self.max_frames < 2 or self.max_active < 1:
            raise ValueError(f"max_frames is {self.max_frames} and max_active {self.max_active}; at least 2 and 1")
        if not 0 < self.fold_threshold <= 1:
            raise ValueError(f"fold_threshold is {self.fold_threshold}; it is a probability")
        for name in ("filler_cost", "beam", "nbest_beam"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more")


class Progress(NamedTuple):
    """Where a search is after a frame.

    A row is a frame that the search has seen: folded blanks share one. `trailing_blanks`: frames at the end whose best
    token is blank. `best_final`, `best_any`: scores of the best path that ends a sentence at the last frame and of the
    best path wherever it is; `final_node`, `best_node`: where these were last in the sentence; `final_row`,
    `final_frame`: of the last phone of the former.
    """

    num_rows: int = 0
    num_frames: int = 0
    trailing_blanks: int = 0
    best_final: float = -inf
    best_any: float = 0.0
    best_node: int = 0
    final_node: int = 0
    final_row: int = 0
    final_frame: int = 0

    def after_row(self, best: Best, outside: float, frame: int) -> Progress:
        """One row later. `outside`: its score if it is before or after the command; `frame`: its first one."""
        left = float(np.float32(self.best_final + outside))  # the best sentence so far, then silence or other speech
        row = self.num_rows
        if best.final_score > left:
            final = best.final_score, max(best.score, best.final_score), best.node, best.final_node, row, frame
        else:
            final = left, max(best.score, left), best.node, *self[6:]
        return Progress(row + 1, self.num_frames, self.trailing_blanks, *final)

    def after_frame(self, is_blank: bool) -> Progress:
        """One frame later."""
        return Progress(self.num_rows, self.num_frames + 1, self.trailing_blanks + 1 if is_blank else 0, *self[3:])

    @property
    def is_final(self) -> bool:
        """Whether the best path ends a sentence here."""
        return -inf < self.best_final >= self.best_any

    @property
    def final_frames(self) -> int:
        """Frames since the last phone of the best path that ends a sentence."""
        return self.num_frames - 1 - self.final_frame


@dataclass(eq=False)
class DecoderState:
    """Everything that changes during a search; made by `Decoder.start`. `now`: where it is."""

    search: Search
    record: Record
    paths: BestPaths
    now: Progress
    in_silence: bool = False


@dataclass(frozen=True)
class Decoder:
    """A grammar ready to be searched; immutable, shared by threads, each search has a `DecoderState`.

    `at`: an earlier progress of the search, after which it has forgotten nothing; by default where it is now.
    """

    graph: DecodingGraph
    options: DecoderOptions = DecoderOptions()

    @cached_property
    def _blank(self) -> FloatArray:
        return blank_only(self.graph.num_tokens, self.options.blank_offset)

    @cached_property
    def _certain(self) -> float:
        """Log-probability of blank above which a frame is silent."""
        return math.log(self.options.fold_threshold)

    def start(self) -> DecoderState:
        """A search that has seen no frame."""
        graph, options = self.graph, self.options
        record = Record(graph.num_tokens, options.filler_cost, free_speech_of(graph.tokens))
        return DecoderState(
            search=DenseSearch(graph)
            if graph.num_arcs <= DENSE_ARCS
            else BeamSearch(graph, options.beam, options.max_active),
            record=record,
            paths=BestPaths(graph, record, Prefixes(graph.speller)),
            now=Progress(),
        )

    def phones(self, log_probs: FloatArray) -> list[bool]:
        """In which frames a phone beats blank; `log_probs`: as for `advance`."""
        offset = self.options.blank_offset
        return [max(row[1:]) > row[0] - offset for row in log_probs.tolist()]

    def advance(self, state: DecoderState, log_probs: FloatArray) -> None:
        """Search further. `log_probs`: float32 [frames, tokens] as the model gives them; however they are split into
        calls, the result is the same. Raises ValueError for another number of tokens or NaN.
        """
        while len(log_probs):
            log_probs = log_probs[len(self.follow(state, log_probs)) :]

    def follow(self, state: DecoderState, log_probs: FloatArray) -> list[Progress]:
        """The same until the history is full, but at least one frame: the next call then begins with forgetting the
        older half of it. Returns the progress after each frame that was heard.
        """
        scores = relative(log_probs, self._blank)
        progress: list[Progress] = []
        record, now = state.record, state.now
        for row, score, log_prob in zip(scores, scores[:, 0].tolist(), log_probs[:, 0].tolist(), strict=True):
            if score != score:
                raise ValueError(NO_TOKEN)
            is_silent = score == 0 and log_prob > self._certain
            if not (is_silent and state.in_silence):
                if record.num_rows == self.options.max_frames:
                    if progress:
                        break
                    now = self._forget(state)
                if is_silent:
                    row[1:] = LOWEST
                record.append(row, now.num_frames)
                outside = max(score, -self.options.filler_cost)
                now = now.after_row(state.search.step(row, outside), outside, now.num_frames)
            state.in_silence = is_silent
            state.now = now = now.after_frame(score == 0)
            progress.append(now)
        return progress

    def can_continue(self, at: Progress) -> bool:
        """Whether more phones may follow on the best path."""
        return not at.is_final or self.graph.can_continue(at.final_node)

    def best(self, state: DecoderState, at: Progress | None = None) -> Sentence | None:
        """The best sentence alone, which costs much less than `sentences`; None while there is none."""
        now, sums = at or state.now, state.record.sums
        path = None
        if now.best_final > -inf:
            path = state.paths.to(state.search.history(), now.final_node, now.final_row + 1)
        if path is None or not (spellings := self.graph.speller.sentences(path.prefix)):
            return None
        spelling, spans = spellings[0], path.spans()
        around = sums[spans[0].begin, -1] + sums[now.num_rows, -1] - sums[spans[-1].end, -1]
        score = float(around) + PathScores.of(sums, spans).between(0, len(spans))
        return self._sentence(state, path, spelling, score, now)

    def _sentence(self, state: DecoderState, path: Path, spelling: Spelling, score: float, now: Progress) -> Sentence:
        others = self.graph.other_words
        return Sentence(state.record, path.prefix.phones, spelling, score, path.spans, now.num_rows, others)

    def partial(self, state: DecoderState, at: Progress | None = None) -> Sentence | None:
        """The best path wherever it is, with the words that are over; None while no path is alive."""
        now, history = at or state.now, state.search.history()
        path = state.paths.to(history, now.best_node, now.num_rows)
        if path is None:
            return None
        score = float(history.at(now.best_node)[now.num_rows])
        if path.beginning is None:
            path.beginning = next(iter(self.graph.speller.beginnings(path.prefix)), ())
        return self._sentence(state, path, path.beginning, score, now)

    def sentences(
        self, state: DecoderState, at: Progress | None = None, beam: float | None = None
    ) -> Iterator[Sentence]:
        """All word sequences within a beam, else `nbest_beam`, best first. Each is looked for when it is asked for,
        which must be before the next `follow`.
        """
        beam = self.options.nbest_beam if beam is None else beam
        now = at or state.now
        search = SentenceSearch(
            self.graph, state.search.history(), state.record, now.num_rows, state.paths.prefixes, beam
        )
        return iter(search)

    def hypotheses(self, state: DecoderState, n: int = 1) -> tuple[Hypothesis, ...]:
        """The n best word sequences, best first, fewer if there are not so many."""
        return tuple(sentence.hypothesis for sentence in islice(self.sentences(state), n))

    def _forget(self, state: DecoderState) -> Progress:
        """Drop the older half of the history and search the newer one again."""
        record = state.record
        record.forget(-(-record.num_rows // 2))
        state.search.clear()
        state.paths.clear()
        now = state.now._replace(num_rows=0, best_final=-inf, final_row=0)
        for row, frame in zip(record.scores, record.frame_of.tolist(), strict=True):
            outside = max(float(row[0]), -self.options.filler_cost)
            now = now.after_row(state.search.step(row, outside), outside, frame)
        return now
