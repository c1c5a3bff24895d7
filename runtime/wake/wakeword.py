"""Wake words from text: phrases looked for in every frame of the log-probabilities that the decoder reads.

A phrase may begin at any frame, with score 0: scores are margins to the best free phone sequence, as in the decoder, so
starts at different times compare (`phone_chains`).
A phrase is heard when the score of its last phone, divided by the number of phones, passes its
threshold, which follows from how often other speech reaches it (`false_alarms`).
Idea: Bluche et al. 2020, "Small-Footprint Open-Vocabulary Keyword Spotting with Quantized LSTM Networks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.decoding.margins import FloatArray, margins
from speech_lstm.runtime.decoding.viterbi import NEVER
from speech_lstm.runtime.errors import ModelError

from .false_alarms import AlarmCurve, bundled_negatives
from .phone_chains import PhoneChains
from .phrases import SENSITIVITY, advice, phrases_of, sensitivities

HIGHEST_THRESHOLD = -0.1
"""Of a score per phone. A phrase that other speech says so clearly that it would need a higher one has more false
alarms than wanted."""


@dataclass(frozen=True)
class WakeWordOptions:
    """Options of the detector; times in seconds.

    `false_alarms`: an hour of speech at sensitivity 0.5, for each phrase.
    `range`: how many times fewer at sensitivity 0, and more at 1; logarithmic between.
    `blank_offset`, `fold_threshold`: as in `DecoderOptions`; a smaller offset than there keeps more of the margin
    between a phrase and other speech.
    `confirm_seconds`: a detection is reported when no better one has followed for so long.
    `refractory_seconds`: nothing is heard so soon after a detection.
    `pause_seconds`, `longest_seconds`: longest pause inside a phrase, and longest phrase.
    """

    false_alarms: float = 0.5
    range: float = 10.0
    blank_offset: float = -2.0
    fold_threshold: float = 0.99
    confirm_seconds: float = 0.12
    refractory_seconds: float = 1.0
    pause_seconds: float = 0.4
    longest_seconds: float = 4.0

    def __post_init__(self) -> None:
        """Raise ValueError for options outside their range."""
        if self.range < 1:
            raise ValueError(f"range is {self.range}; expected 1 or more")
        for name in ("false_alarms", "confirm_seconds", "refractory_seconds", "pause_seconds", "longest_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def wanted(self, sensitivity: float) -> float:
        """False alarms an hour of speech for a sensitivity from 0 to 1."""
        return float(self.false_alarms * self.range ** (2 * sensitivity - 1))


@dataclass(frozen=True)
class Detection:
    """A phrase that was heard. `score`: margin per phone, <= 0; frames since the search began."""

    phrase: str
    score: float
    first_frame: int
    last_frame: int

    @property
    def confidence(self) -> float:
        """Likelihood ratio per phone to the best free phone sequence, 0 to 1; no calibrated probability."""
        return exp(self.score)


class WakeWordDetector:
    """Phrases to wait for, each with all pronunciations of its words. Immutable, shared by threads."""

    def __init__(
        self,
        phrases: Sequence[str],
        lexicon: Pronouncing,
        tokens: Sequence[str],
        sensitivity: float | Mapping[str, float] = SENSITIVITY,
        frame_seconds: float = 0.04,
        options: WakeWordOptions | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        """`phrases`: templates are taken for all that they stand for, which share a threshold. `sensitivity`: 0 (fewest
        false alarms) to 1 (fewest misses), for all phrases or by phrase. `tokens`: the model's, token 0 = blank.
        `thresholds`: phrase -> lowest score per phone of a detection, for phrases that shall not get theirs from the
        sensitivity.

        Raises GrammarError for no phrase, one without words or one with a phone that the model lacks,
        PronunciationError for a word that cannot be said, ModelError for tokens that false alarms are not known of,
        OptionError for a sensitivity outside 0 to 1 or of another phrase.
        """
        self.options = options or WakeWordOptions()
        self.wake_words = {wake_word: phrases_of(wake_word) for wake_word in phrases}
        self.phrases = tuple(dict.fromkeys(phrase for all_of_it in self.wake_words.values() for phrase in all_of_it))
        self.chains = PhoneChains.of(self.phrases, lexicon, tokens)
        self.curves: dict[str, AlarmCurve] = {}
        self.thresholds: dict[str, float] = {}
        for wake_word, wanted in sensitivities(sensitivity, tuple(self.wake_words)).items():
            if thresholds and wake_word in thresholds:
                threshold = thresholds[wake_word]
            else:
                self.curves[wake_word] = alarm_curve(self.wake_words[wake_word], lexicon, tokens, self.options)
                threshold = self.curves[wake_word].threshold(self.options.wanted(wanted))
                threshold = min(HIGHEST_THRESHOLD, threshold)
            for phrase in self.wake_words[wake_word]:
                self.thresholds.setdefault(phrase, threshold)
        limits = np.array([self.thresholds[phrase] for phrase in self.phrases], dtype=np.float32)
        self.way_thresholds = limits[self.chains.phrase_of]
        self.refractory_frames = round(self.options.refractory_seconds / frame_seconds)
        self.pause_frames = round(self.options.pause_seconds / frame_seconds)
        self.confirm_frames = max(1, round(self.options.confirm_seconds / frame_seconds))
        self.longest_frames = round(self.options.longest_seconds / frame_seconds)

    def advice(self, lexicon: Pronouncing) -> list[str]:
        """What speaks against the phrases whose threshold follows from a sensitivity."""
        found = []
        for wake_word, curve in self.curves.items():
            told = advice(wake_word, lexicon, curve, self.options.false_alarms)
            found += [f"wake word {wake_word!r}: {text}" for text in told]
        return found

    def start(self) -> WakeWordSearch:
        """A search that has heard nothing yet."""
        return WakeWordSearch(self)


def alarm_curve(
    phrases: str | Sequence[str], lexicon: Pronouncing, tokens: Sequence[str], options: WakeWordOptions | None = None
) -> AlarmCurve:
    """How often other speech reaches which score of a phrase, or of any of several. Raises as the detector does."""
    negatives = bundled_negatives()
    if tuple(tokens) != negatives.tokens:
        raise ModelError(
            "false alarms of wake words are known for models with the 39 ARPAbet phones only, and this model has "
            f"other tokens: {' '.join(tokens)[:80]}; give thresholds"
        )
    given = [phrases] if isinstance(phrases, str) else phrases
    return negatives.curve(PhoneChains.of(given, lexicon, tokens), (options or WakeWordOptions()).blank_offset)


class WakeWordSearch:
    """The search of one stream. Memory and time per frame are constant."""

    def __init__(self, detector: WakeWordDetector) -> None:
        self._detector = detector
        self._chains = detector.chains
        size = len(self._chains.labels)
        rows = detector.longest_frames
        self._into = np.full(size, NEVER, dtype=np.float32)
        self._entered = self._into[1:]
        self._emitted = np.empty(size, dtype=np.float32)
        self._phones = np.empty((rows, size), dtype=np.float32)  # of the last frames, row number modulo rows
        self._blanks = np.empty((rows, size), dtype=np.float32)
        self._frames = np.zeros(rows, dtype=np.int64)  # frame of a row
        self._num_rows = 0
        self._num_frames = 0
        self._deaf_until = 0
        self._pause = 0  # frames of blank at the end
        self._asleep = False  # whether all paths are dead
        self._best: Detection | None = None  # until it is clear that nothing better follows
        self._best_above = 0.0  # its score above the threshold
        self._reset()

    def advance(self, log_probs: FloatArray) -> tuple[str, float, int] | None:
        """Search further. `log_probs`: float32 [frames, tokens] as the model gives them.

        Returns None, or the phrase that was just said, its confidence, and how many frames ago it ended.
        """
        found = self.detect(log_probs)
        if not found:
            return None
        last = found[-1]
        return last.phrase, last.confidence, self._num_frames - 1 - last.last_frame

    def detect(self, log_probs: FloatArray) -> list[Detection]:
        """Search further. `log_probs`: as for `advance`. Returns what was heard, in the order of time; however the
        frames are split into calls, the result is the same. Raises ValueError for another number of tokens or NaN.
        """
        detector, options = self._detector, self._detector.options
        scores, is_blank, is_silent = margins(
            log_probs, self._chains.num_tokens, options.blank_offset, options.fold_threshold
        )
        scores = np.concatenate([scores, np.zeros((len(scores), 1), dtype=np.float32)], axis=1)  # "anything" scores 0
        found = []
        for row, silent, blank in zip(scores, is_silent.tolist(), is_blank.tolist(), strict=True):
            self._pause = self._pause + 1 if blank else 0
            if self._pause > detector.pause_frames and not self._asleep:
                self._reset()
            if not (silent and self._asleep):
                if silent:
                    self._fold()
                else:
                    self._step(row)
            if self._best and self._num_frames - self._best.last_frame >= detector.confirm_frames:
                found.append(self._best)
                self._deaf_until = self._best.last_frame + detector.refractory_frames
                self._best = None
                self._reset()
            self._num_frames += 1
        return found

    def _reset(self) -> None:
        """Forget all paths."""
        self._phone = self._chains.idle
        self._blank = np.full_like(self._phone, NEVER)
        self._asleep = True
        self._num_rows = 0

    def _next_row(self) -> tuple[FloatArray, FloatArray]:
        """Where the scores of this frame go, in place of those of the oldest row."""
        at = self._num_rows % len(self._frames)
        self._frames[at] = self._num_frames
        self._num_rows += 1
        return self._phones[at], self._blanks[at]

    def _fold(self) -> None:
        """A frame of certain blank: all phones end."""
        phone, blank = self._next_row()
        np.maximum(self._blank, self._phone, out=blank)
        np.copyto(phone, self._chains.idle)
        self._phone, self._blank = phone, blank

    def _step(self, row: FloatArray) -> None:
        """Any other frame. `row`: float32 [tokens + 1]."""
        chains = self._chains
        self._asleep = False
        phone, blank = self._next_row()
        np.add(self._phone[:-1], chains.barrier, out=self._entered)
        np.maximum(self._entered, self._blank[:-1], out=self._entered)
        np.maximum(self._blank, self._phone, out=blank)
        np.add(blank, row[0], out=blank)
        row.take(chains.labels, out=self._emitted, mode="clip")
        np.maximum(self._phone, self._into, out=phone)
        np.add(phone, self._emitted, out=phone)
        self._phone, self._blank = phone, blank
        if self._num_frames < self._deaf_until:
            return
        scores = phone.take(chains.lasts) / chains.num_phones
        above = scores - self._detector.way_thresholds
        way = int(above.argmax())
        if above[way] < 0 or (self._best and above[way] < self._best_above):
            return
        begin = self._begin(int(chains.lasts[way]))
        if begin is not None:
            phrase = self._detector.phrases[chains.phrase_of[way]]
            self._best = Detection(phrase, float(scores[way]), begin, self._num_frames)
            self._best_above = float(above[way])

    def _begin(self, at: int) -> int | None:
        """First frame of the best path to a phone now; None when it is older than the rows kept."""
        labels, starts = self._chains.labels, self._chains.idle == 0
        rows = len(self._frames)
        in_phone = True
        begin = 0
        oldest = self._num_rows - rows if self._num_rows > rows else -1
        for row in range(self._num_rows - 1, oldest, -1):
            begin = int(self._frames[row % rows])
            if row == 0:
                return begin if at > 0 and starts[at - 1] else None
            phone, blank = self._phones[(row - 1) % rows], self._blanks[(row - 1) % rows]
            if not in_phone:
                in_phone = bool(phone[at] >= blank[at])
                continue
            direct = phone[at - 1] if labels[at] != labels[at - 1] else NEVER
            if phone[at] >= max(direct, blank[at - 1]):
                continue
            at -= 1
            if starts[at]:
                return begin
            in_phone = bool(direct >= blank[at])
        return None
