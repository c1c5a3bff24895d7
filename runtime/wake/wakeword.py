"""Wake words from text: phrases looked for in every frame of the log-probabilities that the decoder reads.

A phrase may begin at any frame. Its score is the logarithm of the probability that it was just said, rather than
anything else that a phone bigram allows (`free_speech`), divided by the number of phones: the sum over all paths
through its phones, as training by maximum mutual information has made it large for what was said.
A phrase is heard when the score of its last phone passes its threshold, which follows from how often other speech
reaches it (`false_alarms`).
Idea: Bluche et al. 2020, "Small-Footprint Open-Vocabulary Keyword Spotting with Quantized LSTM Networks".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from speech_lstm.runtime.decoding.free_speech import DoubleArray, free_speech_of
from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.decoding.margins import NO_TOKEN, FloatArray

from .false_alarms import LEAST, AlarmCurve, alarm_curve
from .options import WakeWordOptions
from .phone_chains import PhoneChains
from .phrases import SENSITIVITY, advice, phrases_of, sensitivities

HIGHEST_THRESHOLD = -0.2
"""Of a score per phone. A phrase that other speech says so clearly that it would need a higher one has more false
alarms than wanted."""


SLACK = 0.1
"""Of the probability that the beginning of a phrase has where just the least for a detection will be said."""


@dataclass(frozen=True)
class Detection:
    """A phrase that was heard. `score`: log-probability per phone, <= 0; frames since the search began."""

    phrase: str
    score: float
    first_frame: int
    last_frame: int

    @property
    def confidence(self) -> float:
        """Probability per phone that just this was said, 0 to 1; not calibrated."""
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
        self.free_speech = free_speech_of(tuple(tokens))
        self.chains = PhoneChains.of(self.phrases, lexicon, tokens, self.free_speech)
        self.curves: dict[str, AlarmCurve] = {}
        self.thresholds: dict[str, float] = {}
        for wake_word, wanted in sensitivities(sensitivity, tuple(self.wake_words)).items():
            if thresholds and wake_word in thresholds:
                threshold = thresholds[wake_word]
            else:
                self.curves[wake_word] = alarm_curve(self.wake_words[wake_word], lexicon, tokens)
                threshold = self.curves[wake_word].threshold(self.options.wanted(wanted))
                threshold = min(HIGHEST_THRESHOLD, threshold)
            for phrase in self.wake_words[wake_word]:
                self.thresholds.setdefault(phrase, threshold)
        self._count_frames(frame_seconds)

    def _count_frames(self, frame_seconds: float) -> None:
        """The arrays and times that a search needs."""
        limits = np.array([self.thresholds[phrase] for phrase in self.phrases])
        self.least_said = np.exp(limits * self.chains.num_phones)
        self.least_begun = SLACK * self.least_said[self.chains.phrase] * self.chains.rest
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


class WakeWordSearch:
    """The search of one stream. Memory and time per frame are constant."""

    def __init__(self, detector: WakeWordDetector) -> None:
        self._detector = detector
        self._chains = detector.chains
        self._speech = detector.free_speech.begin()
        size = len(self._chains.labels)
        rows = detector.longest_frames
        self._into = np.zeros(size)
        self._entered = self._into[1:]
        self._ratios = np.empty(self._chains.num_tokens + 1)
        self._emitted = np.empty(size)
        self._phones = np.empty((rows, size))  # of the last frames, row number modulo rows
        self._blanks = np.empty((rows, size))
        self._frames = np.zeros(rows, dtype=np.int64)  # frame of a row
        self._num_rows = 0
        self._num_frames = 0
        self._deaf_until = 0
        self._pause = 0  # frames of blank at the end
        self._asleep = False  # whether all paths are dead
        self._best: Detection | None = None  # until it is clear that nothing better follows
        self._best_above = 0.0  # its probability over that of the threshold
        self._reset()

    def advance(self, log_probs: FloatArray) -> tuple[int, tuple[str, float, int] | None]:
        """Search further, until a phrase is heard. `log_probs`: float32 [frames, tokens] as the model gives them.

        Returns how many frames were heard, and None, or the phrase that was just said, its confidence, and how many
        frames ago it ended.
        """
        for heard, found in self._search(log_probs):
            return heard, (found.phrase, found.confidence, self._num_frames - 1 - found.last_frame)
        return len(log_probs), None

    @property
    def frames_left(self) -> int:
        """After how many frames a phrase may be heard: each phone that is left takes one at least, and all are left
        where it has hardly begun. A guess for when to look again: what turns out to have begun earlier (`SLACK`) is
        heard then.
        """
        confirm = self._detector.confirm_frames
        if self._best:
            return max(1, self._best.last_frame + confirm + 1 - self._num_frames)
        begun = self._phone + self._blank > self._detector.least_begun
        left = self._chains.phones_left
        return int(left[begun].min(initial=left.max())) + confirm

    def detect(self, log_probs: FloatArray) -> list[Detection]:
        """Search further. `log_probs`: as for `advance`. Returns what was heard, in the order of time; however the
        frames are split into calls, the result is the same. Raises ValueError for another number of tokens or NaN.
        """
        return [found for _, found in self._search(log_probs)]

    def _search(self, log_probs: FloatArray) -> Iterator[tuple[int, Detection]]:
        """What was heard, and after how many of the frames; the others are not heard unless it is asked for more."""
        detector = self._detector
        if log_probs.ndim != 2 or log_probs.shape[1] != self._chains.num_tokens:
            raise ValueError(f"log_probs has shape {log_probs.shape}; expected [frames, {self._chains.num_tokens}]")
        probs = np.exp(log_probs, dtype=np.float32)
        is_blank = probs.argmax(axis=1) == 0
        is_silent = probs[:, 0] > detector.options.fold_threshold
        if np.isnan(probs).any():
            raise ValueError(NO_TOKEN)
        frames = zip(probs, is_silent.tolist(), is_blank.tolist(), strict=True)
        for heard, (row, silent, blank) in enumerate(frames, 1):
            self._pause = self._pause + 1 if blank else 0
            if self._pause > detector.pause_frames and not self._asleep:
                self._reset()
            if not (silent and self._asleep):
                if silent:
                    self._fold()
                else:
                    self._step(row)
            self._num_frames += 1
            best = self._best
            if best and self._num_frames - 1 - best.last_frame >= detector.confirm_frames:
                self._deaf_until = best.last_frame + detector.refractory_frames
                self._best = None
                self._reset()
                yield heard, best

    def _reset(self) -> None:
        """Forget all paths."""
        self._phone = self._chains.idle
        self._blank = np.zeros_like(self._phone)
        self._asleep = True
        self._num_rows = 0

    def _next_row(self) -> tuple[DoubleArray, DoubleArray]:
        """Where the scores of this frame go, in place of those of the oldest row."""
        at = self._num_rows % len(self._frames)
        self._frames[at] = self._num_frames
        self._num_rows += 1
        return self._phones[at], self._blanks[at]

    def _fold(self) -> None:
        """A frame of certain blank: all phones end."""
        self._speech.rest()
        phone, blank = self._next_row()
        np.add(self._blank, self._phone, out=blank)
        np.copyto(blank, 0.0, where=self._chains.starts)
        np.copyto(phone, self._chains.idle)
        self._phone, self._blank = phone, blank

    def _step(self, row: FloatArray) -> None:
        """Any other frame. `row`: float32 [tokens], probabilities."""
        chains, ratios = self._chains, self._ratios
        self._asleep = False
        np.divide(row, self._speech.advance(row), out=ratios[:-1])
        phone, blank = self._next_row()
        np.multiply(self._phone[:-1], chains.goes_on, out=self._entered)
        np.add(self._entered, self._blank[:-1], out=self._entered)
        np.add(self._blank, self._phone, out=blank)
        np.multiply(blank, ratios[0], out=blank)
        np.copyto(blank, 0.0, where=chains.starts)
        ratios.take(chains.labels, out=self._emitted, mode="clip")
        np.add(self._phone, self._into, out=phone)
        np.multiply(phone, self._emitted, out=phone)
        np.copyto(phone, chains.idle, where=chains.starts)
        self._phone, self._blank = phone, blank
        if self._num_frames < self._deaf_until:
            return
        said = chains.said(phone)
        above = said / self._detector.least_said
        number = int(above.argmax())
        if above[number] < 1 or (self._best and above[number] < self._best_above):
            return
        begin = self._begin(self._likeliest_end(number))
        if begin is not None:
            score = min(0.0, log(max(LEAST, said[number])) / float(chains.num_phones[number]))
            self._best = Detection(self._detector.phrases[number], score, begin, self._num_frames)
            self._best_above = float(above[number])

    def _likeliest_end(self, number: int) -> int:
        """The place of the last phone of the likeliest way to say a phrase, now."""
        chains = self._chains
        first = chains.first_ways[number]
        after = chains.first_ways[number + 1] if number + 1 < len(chains.first_ways) else None
        ends = chains.lasts[first:after]
        return int(ends[self._phone[ends].argmax()])

    def _begin(self, at: int) -> int | None:
        """First frame of the likeliest path to a phone now; None when it is older than the rows kept."""
        labels, starts = self._chains.labels, self._chains.starts
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
            direct = phone[at - 1] if labels[at] != labels[at - 1] else 0.0
            if phone[at] >= max(direct, blank[at - 1]):
                continue
            at -= 1
            if starts[at]:
                return begin
            in_phone = bool(direct >= blank[at])
        return None
