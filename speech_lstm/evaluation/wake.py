"""Wake words: misses in every condition at thresholds that give so many false alarms an hour in other speech."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np

from speech_lstm.evaluation.clips import Clip, audible, read_clips, spread
from speech_lstm.evaluation.conditions import Condition, Surroundings, conditions_of, mixed
from speech_lstm.evaluation.measures import Observation
from speech_lstm.evaluation.suite import Suite, WakeWords
from speech_lstm.evaluation.trials import posteriors
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.wake.false_alarms import DEEPEST, alarm_curve
from speech_lstm.runtime.wake.options import WakeWordOptions
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

NOISE_DB = 10.0
"""Ratio of the negatives that are heard in noise."""

BEFORE_SECONDS = 3.0
"""Other speech before a wake word, as loud as it."""

MOST = 40
"""False alarms of which the scores are looked at."""

LATE_FRAMES = 12
"""A wake word counts when it is heard so long after the end of its clip at the latest."""

SENSITIVITY = 0.5
LEXICON = Lexicon()


def name_of(phrase: str) -> str:
    """In the results."""
    return f"wake word: {phrase}"


def missed_at(false_alarms: float) -> str:
    """The measure."""
    return f"missed at {false_alarms:g} false alarms an hour"


MISSED_AS_SHIPPED = f"missed at sensitivity {SENSITIVITY:g}"


def as_one_stream(model: Model, clips: Iterable[Samples]) -> Iterator[FloatArray]:
    """float32 [frames, tokens] of each clip; the model hears them one after the other."""
    state = model.initial_state()
    unit = model.metadata.chunk_samples
    for clip in clips:
        log_probs, state = model.run(np.pad(clip, (0, -len(clip) % unit))[None], state)
        yield log_probs[0]


@dataclass(frozen=True, eq=False)
class OtherSpeech:
    """What a model makes of audio without wake words: float32 [frames, tokens], so many hours of it."""

    log_probs: FloatArray
    hours: float

    @classmethod
    def heard(cls, model: Model, clips: Iterable[Samples]) -> OtherSpeech:
        """As one stream."""
        log_probs = np.concatenate(list(as_one_stream(model, clips)))
        return cls(log_probs, len(log_probs) * model.metadata.frame_seconds / 3600)

    def scores(self, phrase: str, tokens: Sequence[str]) -> list[float]:
        """Of about the `MOST` best false alarms, best first."""
        low = alarm_curve(phrase, LEXICON, tokens).threshold(2 * MOST / self.hours)
        options = WakeWordOptions(confirm_seconds=0.2)
        detector = WakeWordDetector([phrase], LEXICON, tokens, options=options, thresholds={phrase: low})
        return sorted((found.score for found in detector.start().detect(self.log_probs)), reverse=True)[:MOST]

    def false_alarms(self, detector: WakeWordDetector) -> float:
        """An hour."""
        return len(detector.start().detect(self.log_probs)) / self.hours


def allowing(scores: Sequence[float], count: int) -> float:
    """The threshold that so many false alarms pass. scores: best first."""
    return scores[min(count, len(scores) - 1)] + 0.001 if scores else -DEEPEST


class WakeTest:
    """The table [wake] of a suite. `found`: phrase -> thresholds and false alarms, for JSON."""

    def __init__(self, suite: Suite, options: WakeWords, model: Model, around: Surroundings, most: int) -> None:
        """Hears the other speech, in noise at `NOISE_DB` every second time. most: negative clips of each corpus."""
        self.suite, self.options, self.model, self.around = suite, options, model, around
        self.tokens = model.metadata.tokens
        speech = (spread(read_clips(path, suite), most) for path in suite.all_located(options.speech))
        self.speech = [clip for clips in speech for clip in clips]
        self.others = OtherSpeech.heard(model, self._negatives())
        self.found: dict[str, dict[str, Any]] = {}

    def _negatives(self) -> Iterator[Samples]:
        for number, (clip, audio) in enumerate(audible(self.speech)):
            noisy = number % 2 == 1
            yield mixed(audio, self.around.noise(self.options.noise, clip.name), NOISE_DB) if noisy else audio

    def observe(self, most: int) -> Iterator[Observation]:
        """Every wake word in every condition. most: clips of each."""
        phrases: dict[str, list[Clip]] = {}
        for path in self.suite.all_located(self.options.manifests):
            for clip in read_clips(path, self.suite):
                if clip.words:
                    phrases.setdefault(" ".join(clip.words), []).append(clip)
        for phrase, clips in sorted(phrases.items()):
            yield from self._observe(phrase, spread(clips, most))

    def _observe(self, phrase: str, clips: Sequence[Clip]) -> Iterator[Observation]:
        scores = self.others.scores(phrase, self.tokens)
        wanted = self.options.false_alarms
        limits = {each: allowing(scores, int(each * self.others.hours)) for each in wanted}
        detectors = {
            missed_at(each): WakeWordDetector([phrase], LEXICON, self.tokens, thresholds={phrase: limit})
            for each, limit in limits.items()
        }
        shipped = WakeWordDetector([phrase], LEXICON, self.tokens, SENSITIVITY)
        detectors[MISSED_AS_SHIPPED] = shipped
        self.found[phrase] = {
            "hours": round(self.others.hours, 4),
            "thresholds": {f"{each:g}": round(limit, 4) for each, limit in limits.items()},
            "false alarms at sensitivity 0.5": round(self.others.false_alarms(shipped), 4),
        }
        before = cycle(self.speech)
        for clip, audio in audible(clips):
            other = read_audio(next(before).path)[-round(BEFORE_SECONDS * SAMPLE_RATE) :]
            level = np.sqrt(np.mean(audio**2) / max(float(np.mean(other**2)), 1e-10))
            whole = np.concatenate([other * np.float32(level), audio])
            for condition in conditions_of(self.suite, self.options.snr_db):
                missed = self._missed(clip, whole, len(other), condition, detectors)
                for measure, is_missed in missed.items():
                    yield Observation(name_of(phrase), measure, condition, clip, is_missed)

    def _missed(
        self, clip: Clip, audio: Samples, begin: int, condition: Condition, detectors: dict[str, WakeWordDetector]
    ) -> dict[str, bool]:
        """Measure -> whether nothing was detected from the sample on at which the wake word's clip begins."""
        surrounded = self.around.audio(audio, clip.name, condition)
        log_probs = posteriors(self.model, surrounded, self.around.state(condition))
        lead = (len(surrounded) - len(audio)) // 2 if condition.noise else 0
        per_frame = self.model.metadata.samples_per_frame
        first, last = (lead + begin) // per_frame, (lead + len(audio)) // per_frame + LATE_FRAMES
        return {
            measure: not any(first <= found.last_frame < last for found in detector.start().detect(log_probs))
            for measure, detector in detectors.items()
        }
