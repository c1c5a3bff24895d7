"""Hypotheses of the decoder to results: meaning, times, confidence and the decision to accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speech_lstm.runtime.confidence import ConfidenceModel
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.nbest import Hypothesis
from speech_lstm.runtime.results import NOTHING, Alternative, Result, Slot, Word


@dataclass(frozen=True, eq=False)
class Interpreter:
    """Immutable and shared by threads. `threshold`: least confidence of an accepted result."""

    grammar: Grammar
    confidence: ConfidenceModel
    threshold: float
    frame_seconds: float

    def result(
        self, hypotheses: Sequence[Hypothesis], num_frames: int, first_frame: int = 0, end: float | None = None
    ) -> Result:
        """The result for an utterance.

        hypotheses: of finished sentences, best first. num_frames: that were searched. first_frame: where in the
        audio the search began. end: seconds of audio that there are; no time is after it.
        """
        if not hypotheses or not hypotheses[0].words:
            return NOTHING
        best = hypotheses[0]
        intent, slots, words, confidence = self._interpret(best, num_frames, first_frame, end)
        alternatives = []
        for hypothesis in hypotheses[1:]:
            other, other_slots, _, probability = self._interpret(hypothesis, num_frames, first_frame, end)
            alternatives.append(Alternative(hypothesis.text, probability, other, other_slots))
        return Result(
            text=best.text,
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
        self, hypothesis: Hypothesis, num_frames: int, first_frame: int, end: float | None
    ) -> tuple[str | None, tuple[Slot, ...], tuple[Word, ...], float]:
        """Intent, slots, words and confidence of one hypothesis."""
        latest = float("inf") if end is None else end

        def seconds(frame: int) -> float:
            return round(min((first_frame + frame) * self.frame_seconds, latest), 4)

        said = hypothesis.words
        words = tuple(
            Word(
                text=word.text,
                start=seconds(word.first_frame),
                end=seconds(word.last_frame + 1),
                confidence=self.confidence.span((word,), hypothesis.num_phones),
            )
            for word in said
        )
        meaning = self.grammar.interpret([word.text for word in said])
        slots = tuple(
            Slot(
                name=name,
                value=value,
                text=" ".join(word.text for word in words[first : last + 1]),
                start=words[first].start,
                end=words[last].end,
                confidence=self.confidence.span(said[first : last + 1], hypothesis.num_phones),
            )
            for name, value, first, last in meaning.slots
        )
        return meaning.intent, slots, words, self.confidence.command(hypothesis, num_frames)
