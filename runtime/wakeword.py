"""Wake words from text: phrases looked for in every frame of the log-probabilities that the decoder reads.

All pronunciations of all phrases lie one after the other in one array of phones. A phrase may begin at any frame, with
score 0: scores are margins to the best free phone sequence, as in the decoder, so starts at different times compare.
Per frame, with `phone[i]` and `blank[i]` the best scores of paths that are in phone i and in a blank after it,

    phone'[i] = max(phone[i], blank[i - 1], phone[i - 1] unless the two are equal) + score[label]
    blank'[i] = max(phone[i], blank[i]) + score[blank]

A phrase is heard when the score of its last phone, divided by the number of phones, passes a threshold.
Idea: Bluche et al. 2020, "Small-Footprint Open-Vocabulary Keyword Spotting with Quantized LSTM Networks".
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

import numpy as np

from .errors import GrammarError
from .graph import Pronouncing
from .margins import FloatArray, margins
from .text import spoken_words
from .viterbi import NEVER

MAX_PRONUNCIATIONS = 32
"""Of a phrase; the first ones of its words come first."""


@dataclass(frozen=True)
class WakeWordOptions:
    """Options of the detector; times in seconds.

    `thresholds`: sensitivity -> lowest score per phone of a detection, linear between.
    `blank_offset`, `fold_threshold`: as in `DecoderOptions`; a smaller offset than there keeps more of the margin
    between a phrase and other speech.
    `confirm_seconds`: a detection is reported when no better one has followed for so long.
    `refractory_seconds`: nothing is heard so soon after a detection.
    `pause_seconds`, `longest_seconds`: longest pause inside a phrase, and longest phrase.
    """

    thresholds: Mapping[float, float] = field(default_factory=lambda: {0.0: -0.7, 0.5: -1.1, 1.0: -2.0})
    blank_offset: float = 1.0
    fold_threshold: float = 0.99
    confirm_seconds: float = 0.12
    refractory_seconds: float = 1.0
    pause_seconds: float = 0.4
    longest_seconds: float = 4.0

    def __post_init__(self) -> None:
        """Raise ValueError for options outside their range."""
        if not {0.0, 1.0} <= set(self.thresholds):
            raise ValueError(f"thresholds are for {sorted(self.thresholds)}; expected 0, 1 and any between")
        for name in ("confirm_seconds", "refractory_seconds", "pause_seconds", "longest_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def threshold(self, sensitivity: float) -> float:
        """The lowest score per phone for a sensitivity from 0 to 1."""
        known = sorted(self.thresholds.items())
        return float(np.interp(sensitivity, [s for s, _ in known], [t for _, t in known]))


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
        sensitivity: float = 0.5,
        frame_seconds: float = 0.04,
        options: WakeWordOptions | None = None,
    ) -> None:
        """`sensitivity`: 0 (fewest false alarms) to 1 (fewest misses). `tokens`: the model's, token 0 = blank.

        Raises GrammarError for no phrase, one without words or one with a phone that the model lacks,
        PronunciationError for a word that cannot be said, ValueError for a sensitivity outside 0 to 1.
        """
        if not 0 <= sensitivity <= 1:
            raise ValueError(f"sensitivity is {sensitivity}; expected 0 to 1")
        if not phrases:
            raise GrammarError("no wake word is given")
        self.options = options or WakeWordOptions()
        self.threshold = self.options.threshold(sensitivity)
        self.phrases = tuple(phrases)
        self.num_tokens = len(tokens)
        token_of = {token: number for number, token in enumerate(tokens)}
        anything = len(tokens)  # label of the place before a first phone; scores 0 in every frame
        labels: list[int] = []
        lasts, counts, owners = [], [], []
        for number, phrase in enumerate(phrases):
            for phones in _pronunciations(phrase, lexicon):
                if unknown := [phone for phone in phones if phone not in token_of]:
                    raise GrammarError(f"wake word {phrase!r}: the model has no token {unknown[0]!r}")
                labels += [anything, *(token_of[phone] for phone in phones)]
                lasts.append(len(labels) - 1)
                counts.append(len(phones))
                owners.append(number)
        self.labels = np.array(labels)
        self.lasts = np.array(lasts)
        self.num_phones = np.array(counts, dtype=np.float32)
        self.phrase_of = tuple(owners)
        self.barrier = np.where(self.labels[1:] == self.labels[:-1], NEVER, np.float32(0))  # a blank must come between
        self.idle = np.where(self.labels == anything, np.float32(0), NEVER)
        self.refractory_frames = round(self.options.refractory_seconds / frame_seconds)
        self.pause_frames = round(self.options.pause_seconds / frame_seconds)
        self.confirm_frames = max(1, round(self.options.confirm_seconds / frame_seconds))
        self.longest_frames = round(self.options.longest_seconds / frame_seconds)

    def start(self) -> WakeWordSearch:
        """A search that has heard nothing yet."""
        return WakeWordSearch(self)


def _pronunciations(phrase: str, lexicon: Pronouncing) -> list[tuple[str, ...]]:
    """All ways to say a phrase, as phones."""
    words = spoken_words(phrase)
    if not words:
        raise GrammarError(f"wake word {phrase!r} has no words")
    ways = itertools.product(*(lexicon.pronunciations(word) for word in words))
    phones = (tuple(phone for word in way for phone in word) for way in ways)
    return list(itertools.islice(dict.fromkeys(phones), MAX_PRONUNCIATIONS))


class WakeWordSearch:
    """The search of one stream. Memory and time per frame are constant."""

    def __init__(self, detector: WakeWordDetector) -> None:
        self._detector = detector
        size = len(detector.labels)
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
            log_probs, detector.num_tokens, options.blank_offset, options.fold_threshold
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
        self._phone = self._detector.idle
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
        np.copyto(phone, self._detector.idle)
        self._phone, self._blank = phone, blank

    def _step(self, row: FloatArray) -> None:
        """Any other frame. `row`: float32 [tokens + 1]."""
        detector = self._detector
        self._asleep = False
        phone, blank = self._next_row()
        np.add(self._phone[:-1], detector.barrier, out=self._entered)
        np.maximum(self._entered, self._blank[:-1], out=self._entered)
        np.maximum(self._blank, self._phone, out=blank)
        np.add(blank, row[0], out=blank)
        row.take(detector.labels, out=self._emitted, mode="clip")
        np.maximum(self._phone, self._into, out=phone)
        np.add(phone, self._emitted, out=phone)
        self._phone, self._blank = phone, blank
        if self._num_frames < self._deaf_until:
            return
        scores = phone.take(detector.lasts) / detector.num_phones
        way = int(scores.argmax())
        score = float(scores[way])
        if score < detector.threshold or (self._best and score < self._best.score):
            return
        begin = self._begin(int(detector.lasts[way]))
        if begin is not None:
            self._best = Detection(detector.phrases[detector.phrase_of[way]], score, begin, self._num_frames)

    def _begin(self, at: int) -> int | None:
        """First frame of the best path to a phone now; None when it is older than the rows kept."""
        labels, starts = self._detector.labels, self._detector.idle == 0
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
