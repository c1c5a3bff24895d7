"""Hypotheses of the decoder to results: meaning, times, confidence and the decision to accept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter
from typing import Any

from speech_lstm.runtime.decoding.confidence import CLEAR, ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderState
from speech_lstm.runtime.decoding.nbest import Hypothesis, HypothesisWord
from speech_lstm.runtime.grammar import Grammar, Interpretation
from speech_lstm.runtime.results import NOTHING, Alternative, Result, Slot, Word

MOST_SENTENCES = 24
"""Sentences looked at for alternatives: optional words give many that ask for the same."""

MOST_RIVALS = 12
"""Sentences looked at for one of another meaning: optional words give many of the same."""


@dataclass(frozen=True, eq=False)
class _Meant:
    """A hypothesis and its meaning."""

    hypothesis: Hypothesis
    meaning: Interpretation

    @property
    def slots(self) -> list[tuple[str, Any]]:
        """Names and values, by name."""
        return sorted(((slot.name, slot.value) for slot in self.meaning.slots), key=itemgetter(0))

    @property
    def command(self) -> tuple[Any, ...]:
        """The same for all sentences that ask for the same; one without an intent and slots means itself."""
        intent, slots = self.meaning.intent, self.slots
        return (intent, slots) if intent is not None or slots else (self.meaning.text,)

    def is_rival(self, other: _Meant) -> bool:
        """Whether they ask for different things, in sounds that can be told apart."""
        return self.command != other.command and self.hypothesis.phones != other.hypothesis.phones

    def has_word(self, word: HypothesisWord) -> bool:
        """Whether it says the same word at about the same time."""
        return any(
            own.text == word.text and own.first_frame <= word.last_frame and word.first_frame <= own.last_frame
            for own in self.hypothesis.words
        )


@dataclass(frozen=True, eq=False)
class Interpreter:
    """Immutable and shared by threads. `threshold`: least confidence of an accepted result."""

    grammar: Grammar
    confidence: ConfidenceModel
    threshold: float
    frame_seconds: float

    def heard(
        self,
        decoder: Decoder,
        search: DecoderState,
        alternatives: int = 0,
        first_frame: int = 0,
        end: float | None = None,
    ) -> Result:
        """The result of a search, with that many alternatives at most: each asks for something else.

        Only where the best sentence is about to be accepted the best one of another meaning is looked for, which may
        lower the confidence. first_frame, end: see `result`.
        """
        meant = self._different(decoder.sentences(search), alternatives + 1)
        result = self._result(meant, search.num_frames, first_frame, end)
        if result.accepted and not any(map(meant[0].is_rival, meant[1:])):
            close = map(self._meant, islice(decoder.sentences(search, CLEAR), MOST_RIVALS))
            rival = next(filter(meant[0].is_rival, close), None)
            if rival is not None:
                result = self._result([*meant, rival], search.num_frames, first_frame, end)
        return replace(result, alternatives=result.alternatives[:alternatives])

    def _different(self, sentences: Iterator[Hypothesis], count: int) -> list[_Meant]:
        """The first of the sentences and those that ask for something else than all before, `count` at most."""
        found: list[_Meant] = []
        for sentence in islice(sentences, 1 if count == 1 else MOST_SENTENCES):
            meant = self._meant(sentence)
            if all(meant.command != other.command for other in found):
                found.append(meant)
            if len(found) == count:
                break
        return found

    def result(
        self, hypotheses: Sequence[Hypothesis], num_frames: int, first_frame: int = 0, end: float | None = None
    ) -> Result:
        """The result for an utterance.

        hypotheses: of finished sentences, best first; those after the first are its rivals and become alternatives,
        in the order of their confidence, which is never above that of the first.
        num_frames: that were searched. first_frame: where in the audio the search began. end: seconds of audio that
        there are; no time is after it.
        """
        said = [self._meant(hypothesis) for hypothesis in hypotheses if hypothesis.words]
        return self._result(said, num_frames, first_frame, end)

    def _meant(self, hypothesis: Hypothesis) -> _Meant:
        return _Meant(hypothesis, self.grammar.interpret([word.text for word in hypothesis.words]))

    def _result(self, meant: Sequence[_Meant], num_frames: int, first_frame: int, end: float | None) -> Result:
        if not meant:
            return NOTHING
        intent, slots, words, confidence = self._interpret(meant[0], meant, num_frames, first_frame, end)
        alternatives = []
        for other in meant[1:]:
            name, other_slots, _, probability = self._interpret(other, meant, num_frames, first_frame, end)
            probability = min(probability, confidence)
            alternatives.append(Alternative(other.hypothesis.text, probability, name, other_slots))
        alternatives.sort(key=lambda other: -other.confidence)
        return Result(
            text=meant[0].hypothesis.text,
            confidence=confidence,
            accepted=confidence >= self.threshold,
            intent=intent,
            slot_details=slots,
            words=words,
            alternatives=tuple(alternatives),
            start=words[0].start,
            end=words[-1].end,
        )

    def _interpret(
        self, this: _Meant, meant: Sequence[_Meant], num_frames: int, first_frame: int, end: float | None
    ) -> tuple[str | None, tuple[Slot, ...], tuple[Word, ...], float]:
        """Intent, slots, words and confidence of one of the hypotheses `meant`."""
        latest = float("inf") if end is None else end
        hypothesis, meaning = this.hypothesis, this.meaning
        rivals = [other for other in meant if this.is_rival(other)]

        def seconds(frame: int) -> float:
            return round(min((first_frame + frame) * self.frame_seconds, latest), 4)

        def lead(contradicting: Sequence[_Meant]) -> float:
            return hypothesis.score - max((other.hypothesis.score for other in contradicting), default=-float("inf"))

        said = hypothesis.words
        words = tuple(
            Word(
                text=word.text,
                start=seconds(word.first_frame),
                end=seconds(word.last_frame + 1),
                confidence=self.confidence.span(
                    (word,), hypothesis.num_phones, lead([other for other in rivals if not other.has_word(word)])
                ),
            )
            for word in said
        )
        slots = tuple(
            Slot(
                name=name,
                value=value,
                text=" ".join(word.text for word in words[first : last + 1]),
                start=words[first].start,
                end=words[last].end,
                confidence=self.confidence.span(
                    said[first : last + 1],
                    hypothesis.num_phones,
                    lead([other for other in rivals if (name, value) not in other.slots]),
                ),
            )
            for name, value, first, last in meaning.slots
        )
        return meaning.intent, slots, words, self.confidence.command(hypothesis, num_frames, lead(rivals))
