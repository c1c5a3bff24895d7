"""What a search finds: phones and words with their frames and scores, put together when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .other_words import AROUND, OtherWords
from .record import DoubleArray, Record
from .spelling import Phones, Spelling


class Span(NamedTuple):
    """A phone of a path: it takes the rows `begin` to `end` - 1."""

    token: int
    begin: int
    end: int


class HypothesisPhone(NamedTuple):
    """A phone as a token number, its first and last frame and the sum of their scores (<= 0)."""

    token: int
    first_frame: int
    last_frame: int
    score: float


@dataclass(frozen=True)
class HypothesisWord:
    """A word with its first and last frame, the sum of its frames' scores (<= 0) and its phones. `evidence`: how much
    better the word explains its frames than free speech does, in nats.
    """

    text: str
    first_frame: int
    last_frame: int
    score: float
    phones: tuple[HypothesisPhone, ...]
    evidence: float

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

    @cached_property
    def phones(self) -> Phones:
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


class Sentence:
    """A word sequence before its frames are known, which take time to find: many are only compared with the best one.

    `phones`: its tokens; `score`: of its path, <= 0.
    """

    def __init__(
        self,
        record: Record,
        phones: Phones,
        spelling: Spelling,
        score: float,
        spans: Callable[[], Sequence[Span]],
        num_rows: int,
        other_words: OtherWords,
    ) -> None:
        """spans: finds where in the rows of the record the phones are; num_rows: of the record, that count."""
        self.phones = phones
        self.score = score
        self._record = record
        self._spelling = spelling
        self._find_spans = spans
        self._num_rows = num_rows
        self._other_words = other_words

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Their texts."""
        return tuple(word for word, _, _ in self._spelling)

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(self.words)

    @cached_property
    def _spans(self) -> Sequence[Span]:
        return self._find_spans()

    @cached_property
    def hypothesis(self) -> Hypothesis:
        """With frames and scores. To be asked for before the search goes on."""
        spans = self._spans
        if not spans:
            return Hypothesis((), self.score, 0.0)
        tokens, begins, ends = np.array(spans).T
        frames, free = self._record.frame_of, self._record.speech(spans[-1].end)
        scores = PathScores.of(self._record.sums, spans)
        phones = tuple(
            map(
                HypothesisPhone,
                tokens.tolist(),
                frames.take(begins).tolist(),
                frames.take(ends - 1).tolist(),
                scores.phones,
            )
        )
        words = []
        for text, first, end in self._spelling:
            score = scores.between(first, end)
            evidence = score - (free[spans[end - 1].end] - free[spans[first].begin])
            said = phones[first:end]
            words.append(HypothesisWord(text, said[0].first_frame, said[-1].last_frame, score, said, evidence))
        command = scores.between(0, self._spelling[-1][2]) if words else 0.0
        return Hypothesis(tuple(words), self.score, command)

    @cached_property
    def leads(self) -> tuple[float, ...]:
        """By how many nats each word is likelier than any other word in its place (`OtherWords`). To be asked for
        before the search goes on.
        """
        return tuple(self._lead(text, self._spans, first, end) for text, first, end in self._spelling)

    def _lead(self, text: str, spans: Sequence[Span], first: int, end: int) -> float:
        """Of the word with the phones from `first` to `end` - 1."""
        before, after = (spans[place] if 0 <= place < len(spans) else None for place in (first - 1, end))
        begin = before.begin if before else max(0, spans[first].begin - AROUND)
        over = after.end if after else min(self._num_rows, spans[end - 1].end + AROUND)
        around = before and before.token, after and after.token
        phones, known = self.phones[first:end], self._record.leads
        place = text, phones, begin, over, around
        if place not in known:
            known[place] = self._other_words.lead(text, phones, self._record.scores[begin:over], *around)
        return known[place]


class PathScores(NamedTuple):
    """Scores of the phones of a path, and of the blanks after each but the last."""

    phones: list[float]
    blanks: list[float]

    @classmethod
    def of(cls, sums: DoubleArray, spans: Sequence[Span]) -> PathScores:
        """sums: those of the record; spans: at least one."""
        tokens, begins, ends = np.array(spans).T
        phones = sums[ends, tokens] - sums[begins, tokens]
        return cls(phones.tolist(), (sums[begins[1:], 0] - sums[ends[:-1], 0]).tolist())

    def between(self, first: int, end: int) -> float:
        """From the first row of a phone to the last row of the phone before phone `end`."""
        return sum(self.phones[first:end]) + sum(self.blanks[first : end - 1])
