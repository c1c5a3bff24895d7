"""Hypotheses of the decoder to results: meaning, times, confidence and the decision to accept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from operator import itemgetter
from typing import Any, NamedTuple

from speech_lstm.runtime.decoding.confidence import CLEAR, ConfidenceModel
from speech_lstm.runtime.decoding.hypothesis import Hypothesis, HypothesisWord, Sentence
from speech_lstm.runtime.grammar import Grammar, Interpretation
from speech_lstm.runtime.results import NOTHING, Alternative, Result, Slot, Word

MOST_RIVALS = 12
"""Sentences looked at for one of another meaning: optional words give many of the same."""


@dataclass(frozen=True)
class Decision:
    """A result, and the last frame of it in the search, -1 without words."""

    result: Result
    last_frame: int


class _Meant:
    """A sentence and its meaning."""

    def __init__(self, sentence: Sentence, meaning: Interpretation) -> None:
        self.sentence = sentence
        self.meaning = meaning

    @property
    def hypothesis(self) -> Hypothesis:
        """With times."""
        return self.sentence.hypothesis

    @cached_property
    def slots(self) -> list[tuple[str, Any]]:
        """Names and values, by name."""
        return sorted(((slot.name, slot.value) for slot in self.meaning.slots), key=itemgetter(0))

    @cached_property
    def command(self) -> tuple[Any, ...]:
        """The same for all sentences that ask for the same; one without an intent and slots means itself."""
        intent, slots = self.meaning.intent, self.slots
        return (intent, slots) if intent is not None or slots else (self.meaning.text,)

    def is_rival(self, other: _Meant) -> bool:
        """Whether they ask for different things, in sounds that can be told apart."""
        return self.command != other.command and self.sentence.phones != other.sentence.phones

    def lead(self, rivals: Iterable[_Meant]) -> float:
        """Over the best of the rivals, in nats."""
        return self.sentence.score - max((other.sentence.score for other in rivals), default=-math.inf)

    def has_word(self, word: HypothesisWord) -> bool:
        """Whether it says the same word at about the same time."""
        return any(
            own.text == word.text and own.first_frame <= word.last_frame and word.first_frame <= own.last_frame
            for own in self.hypothesis.words
        )


class _Times(NamedTuple):
    """Frames of a search as seconds. first_frame: where the search began; latest: no time is after it."""

    first_frame: int
    frame_seconds: float
    latest: float

    def seconds(self, frame: int) -> float:
        """When a frame begins."""
        return round(min((self.first_frame + frame) * self.frame_seconds, self.latest), 4)


@dataclass(frozen=True, eq=False)
class Interpreter:
    """Immutable and shared by threads. `threshold`: least confidence of an accepted result."""

    grammar: Grammar
    confidence: ConfidenceModel
    threshold: float
    frame_seconds: float

    def heard(
        self,
        sentences: Iterable[Sentence],
        num_frames: int,
        alternatives: int = 0,
        first_frame: int = 0,
        end: float | None = None,
    ) -> Result:
        """The result of a search, with that many alternatives at most; see `decide`."""
        return self.decide(sentences, num_frames, alternatives, first_frame, end).result

    def decide(
        self,
        sentences: Iterable[Sentence],
        num_frames: int,
        alternatives: int = 0,
        first_frame: int = 0,
        end: float | None = None,
    ) -> Decision:
        """The result of a search, with that many alternatives at most.

        Only where the best sentence is about to be accepted the best one of another meaning is looked for, which may
        lower the confidence. sentences: best first, asked for one by one as they are needed. num_frames: that were
        searched. first_frame: where in the audio the search began. end: seconds of audio that there are; no time is
        after it.
        """
        waiting = iter(sentences)
        meant = [self._meant(sentence) for sentence in islice(waiting, alternatives + 1)]
        if not meant:
            return Decision(NOTHING, -1)
        best, compared = meant[0], meant
        if not any(map(best.is_rival, meant)) and self.accepts(best.sentence, num_frames):
            lowest = best.sentence.score - CLEAR
            others = islice(waiting, max(0, MOST_RIVALS - len(meant)))
            close = map(self._meant, takewhile(lambda sentence: sentence.score >= lowest, others))
            compared = [*meant, *islice(filter(best.is_rival, close), 1)]
        times = _Times(first_frame, self.frame_seconds, math.inf if end is None else end)
        confidence = self._confidence(best, compared, num_frames)
        words = self._words(best, compared, times)
        result = Result(
            text=best.sentence.text,
            confidence=confidence,
            accepted=confidence >= self.threshold,
            intent=best.meaning.intent,
            slot_details=self._slots(best, compared, times),
            words=words,
            alternatives=tuple(
                Alternative(
                    other.sentence.text,
                    self._confidence(other, compared, num_frames),
                    other.meaning.intent,
                    self._slots(other, compared, times),
                )
                for other in meant[1:]
            ),
            start=words[0].start,
            end=words[-1].end,
        )
        return Decision(result, best.hypothesis.words[-1].last_frame)

    def accepts(self, sentence: Sentence, num_frames: int) -> bool:
        """Whether a sentence is accepted if it has no rival; num_frames: that were searched."""
        return self.confidence.command(sentence.hypothesis, num_frames) >= self.threshold

    def _meant(self, sentence: Sentence) -> _Meant:
        return _Meant(sentence, self.grammar.interpret(sentence.words))

    def _confidence(self, this: _Meant, compared: Sequence[_Meant], num_frames: int) -> float:
        return self.confidence.command(this.hypothesis, num_frames, this.lead(filter(this.is_rival, compared)))

    def _words(self, this: _Meant, compared: Sequence[_Meant], times: _Times) -> tuple[Word, ...]:
        hypothesis = this.hypothesis
        rivals = list(filter(this.is_rival, compared))
        return tuple(
            Word(
                text=word.text,
                start=times.seconds(word.first_frame),
                end=times.seconds(word.last_frame + 1),
                confidence=self.confidence.span(
                    (word,), hypothesis.num_phones, this.lead(other for other in rivals if not other.has_word(word))
                ),
            )
            for word in hypothesis.words
        )

    def _slots(self, this: _Meant, compared: Sequence[_Meant], times: _Times) -> tuple[Slot, ...]:
        hypothesis = this.hypothesis
        rivals = list(filter(this.is_rival, compared))
        return tuple(
            Slot(
                name=name,
                value=value,
                text=" ".join(this.sentence.words[first : last + 1]),
                start=times.seconds(hypothesis.words[first].first_frame),
                end=times.seconds(hypothesis.words[last].last_frame + 1),
                confidence=self.confidence.span(
                    hypothesis.words[first : last + 1],
                    hypothesis.num_phones,
                    this.lead(other for other in rivals if (name, value) not in other.slots),
                ),
            )
            for name, value, first, last in this.meaning.slots
        )
