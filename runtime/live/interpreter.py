"""Hypotheses of the decoder to results: meaning, times, confidence and the decision to accept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice, takewhile
from operator import itemgetter
from typing import Any, NamedTuple

from speech_lstm.runtime.decoding.confidence import CLEAR, ConfidenceModel
from speech_lstm.runtime.decoding.hypothesis import Hypothesis, HypothesisWord, Sentence
from speech_lstm.runtime.grammar import Grammar, Interpretation
from speech_lstm.runtime.results import NOTHING, Alternative, Result, Slot, Word

MOST_SENTENCES = 24
"""Sentences looked at for alternatives: optional words give many that ask for the same."""

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
    def slots(self) -> list[tuple[str, str]]:
        """Names and values as written, by name: `True` is another value than 1."""
        return sorted(((slot.name, repr(slot.value)) for slot in self.meaning.slots), key=itemgetter(0))

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

    def begin(self, frame: int) -> float:
        """When a word that begins with a frame does: one that comes out after the audio was said at its end."""
        last = max(0.0, self.latest - self.frame_seconds)
        return round(min((self.first_frame + frame) * self.frame_seconds, last), 4)


@dataclass(frozen=True, eq=False)
class Interpreter:
    """Immutable and shared by threads. `threshold`: least confidence of an accepted result."""

    grammar: Grammar
    confidence: ConfidenceModel
    threshold: float
    frame_seconds: float

    def decide(
        self,
        sentences: Iterable[Sentence],
        num_frames: int,
        alternatives: int = 0,
        first_frame: int = 0,
        end: float | None = None,
    ) -> Decision:
        """The result of a search, with that many alternatives at most: each asks for something else, in the order of
        their confidence, which is never above that of the result.

        Only where the best sentence is about to be accepted the best one of another meaning is looked for, which may
        lower the confidence. sentences: best first, asked for one by one as they are needed. num_frames: that were
        searched. first_frame: where in the audio the search began. end: seconds of audio that there are; no time is
        after it.
        """
        waiting = map(self._meant, sentences)
        looked_at: list[_Meant] = []
        meant: list[_Meant] = []
        for other in islice(waiting, MOST_SENTENCES if alternatives else 1):
            looked_at.append(other)
            if all(other.command != another.command for another in meant):
                meant.append(other)
            if len(meant) > alternatives:
                break
        times = _Times(first_frame, self.frame_seconds, math.inf if end is None else end)
        if not meant:
            return Decision(replace(NOTHING, start=times.seconds(0), end=times.seconds(num_frames)), -1)
        best = meant[0]
        if not any(map(best.is_rival, meant)) and self.accepts(best.sentence, num_frames):
            lowest = best.sentence.score - CLEAR
            nearest = islice(chain(looked_at, waiting), MOST_RIVALS)
            close = takewhile(lambda other: other.sentence.score >= lowest, nearest)
            meant += islice(filter(best.is_rival, close), 1)
        confidence = self._confidence(best, meant, num_frames)
        others = [self._alternative(other, meant, num_frames, times, confidence) for other in meant[1:] if alternatives]
        words = self._words(best, meant, times)
        result = Result(
            text=best.sentence.text,
            confidence=confidence,
            accepted=confidence >= self.threshold,
            intent=best.meaning.intent,
            slot_details=self._slots(best, meant, times),
            words=words,
            alternatives=tuple(sorted(others, key=lambda other: -other.confidence)[:alternatives]),
            start=words[0].start,
            end=words[-1].end,
        )
        return Decision(result, best.hypothesis.words[-1].last_frame)

    def accepts(self, sentence: Sentence, num_frames: int) -> bool:
        """Whether a sentence is accepted if it has no rival; num_frames: that were searched."""
        said, command = sentence.hypothesis, self.confidence.command
        is_likely = command(said, num_frames) >= self.threshold  # other words take time, and only lower it
        return is_likely and command(said, num_frames, leads=sentence.leads) >= self.threshold

    def _meant(self, sentence: Sentence) -> _Meant:
        return _Meant(sentence, self.grammar.interpret(sentence.words))

    def _confidence(self, this: _Meant, meant: Sequence[_Meant], num_frames: int) -> float:
        lead = this.lead(filter(this.is_rival, meant))
        return self.confidence.command(this.hypothesis, num_frames, lead, this.sentence.leads)

    def _alternative(
        self, this: _Meant, meant: Sequence[_Meant], num_frames: int, times: _Times, most: float
    ) -> Alternative:
        """most: confidence of the result, which is the best there is."""
        confidence = min(most, self._confidence(this, meant, num_frames))
        return Alternative(this.sentence.text, confidence, this.meaning.intent, self._slots(this, meant, times))

    def _words(self, this: _Meant, meant: Sequence[_Meant], times: _Times) -> tuple[Word, ...]:
        hypothesis = this.hypothesis
        rivals = list(filter(this.is_rival, meant))
        return tuple(
            Word(
                text=word.text,
                start=times.begin(word.first_frame),
                end=times.seconds(word.last_frame + 1),
                confidence=self.confidence.span(
                    (word,),
                    hypothesis.num_phones,
                    this.lead(other for other in rivals if not other.has_word(word)),
                    (lead,),
                ),
            )
            for word, lead in zip(hypothesis.words, this.sentence.leads, strict=True)
        )

    def _slots(self, this: _Meant, meant: Sequence[_Meant], times: _Times) -> tuple[Slot, ...]:
        hypothesis = this.hypothesis
        rivals = list(filter(this.is_rival, meant))
        return tuple(
            Slot(
                name=name,
                value=value,
                text=" ".join(this.sentence.words[first : last + 1]),
                start=times.begin(hypothesis.words[first].first_frame),
                end=times.seconds(hypothesis.words[last].last_frame + 1),
                confidence=self.confidence.span(
                    hypothesis.words[first : last + 1],
                    hypothesis.num_phones,
                    this.lead(other for other in rivals if (name, repr(value)) not in other.slots),
                    this.sentence.leads[first : last + 1],
                ),
            )
            for name, value, first, last in this.meaning.slots
        )
