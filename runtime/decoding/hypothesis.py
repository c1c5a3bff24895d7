"""What a search finds: phones and words with their frames and scores, put together when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from .record import DoubleArray, Record
from .spelling import Phones, Spelling


class Span(NamedTuple):
    """A phone of a path: it takes the rows `begin` to `end` - 1."""

    token: int
    begin: int
    end: int


@dataclass(frozen=True)
class HypothesisPhone:
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
    ) -> None:
        """spans: finds where in the rows of the record the phones are."""
        self.phones = phones
        self.score = score
        self._record = record
        self._spelling = spelling
        self._spans = spans

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Their texts."""
        return tuple(word for word, _, _ in self._spelling)

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(self.words)

    @cached_property
    def hypothesis(self) -> Hypothesis:
        """With frames and scores. To be asked for before the search goes on."""
        spans, sums, frame_of = self._spans(), self._record.sums, self._record.frame_of
        phones = [
            HypothesisPhone(
                token=token,
                first_frame=int(frame_of[begin]),
                last_frame=int(frame_of[end - 1]),
                score=float(sums[end, token] - sums[begin, token]),
            )
            for token, begin, end in spans
        ]
        words = tuple(
            HypothesisWord(
                text=text,
                first_frame=phones[first].first_frame,
                last_frame=phones[end - 1].last_frame,
                score=command_score(sums, spans[first:end]),
                phones=tuple(phones[first:end]),
                evidence=self._evidence(spans[first:end]),
            )
            for text, first, end in self._spelling
        )
        said = spans[: self._spelling[-1][2]] if words else []
        return Hypothesis(words, self.score, command_score(sums, said))

    def _evidence(self, spans: Sequence[Span]) -> float:
        """Of successive phones."""
        free = self._record.speech(spans[0].begin, spans[-1].end)
        return command_score(self._record.sums, spans) - free


def command_score(sums: DoubleArray, spans: Sequence[Span]) -> float:
    """From the first row of the first phone to the last one of the last phone; sums: those of the record."""
    phones = sum(float(sums[end, token] - sums[begin, token]) for token, begin, end in spans)
    return phones + sum(float(sums[after.begin, 0] - sums[before.end, 0]) for before, after in pairwise(spans))
