"""Free transcription, which is experimental: log-probabilities in, results of whatever words were said out.

The words are those of `bigrams`. Speech is cut at pauses, where the best path so far is settled and the bigram goes on
from its last word; so memory does not grow with the length of a recording.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from speech_lstm.runtime.decoding.margins import LOWEST, FloatArray, margins
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.free.bigrams import Bigrams, default_bigrams
from speech_lstm.runtime.free.prefix_tree import PrefixTree, build_tree
from speech_lstm.runtime.free.search import FreeSearch, FreeSearchOptions, SpokenWord
from speech_lstm.runtime.lexicon.dictionary import dictionary_pronunciations
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.results import Result, Word

PAUSE_SECONDS = 0.6
"""Without a phone, after words: they are settled and make a result."""

MOST_SECONDS = 30.0
"""Of one search at most, not counting folded blanks; what goes on longer is cut behind a word."""

OPEN_SECONDS = 1.0
"""At the end of such a search that is searched again: its last words may become others by what follows them."""

Features = tuple[float, float, float]
"""Of a word: its score per phone (<= 0), the logarithm of its number of phones, ln P(word | word before)."""

INTERCEPT = 1.458
WEIGHTS = (0.728, 0.681, 0.161)
"""Of `Features`, in a logistic regression on dev (`python -m benchmarks.free --fit`)."""


def word_confidence(features: Features) -> float:
    """Probability that a word was said."""
    return 1 / (1 + math.exp(-INTERCEPT - sum(weight * value for weight, value in zip(WEIGHTS, features, strict=True))))


@dataclass(frozen=True, eq=False)
class FreeDecoder:
    """Vocabulary, bigram and options for models with these tokens; immutable, shared by threads."""

    tokens: tuple[str, ...]
    frame_seconds: float
    bigrams: Bigrams
    tree: PrefixTree
    options: FreeSearchOptions
    confidence: Callable[[Features], float] = word_confidence

    @classmethod
    def load(
        cls, metadata: ModelMetadata, options: FreeSearchOptions | None = None, bigrams: Bigrams | None = None
    ) -> FreeDecoder:
        """Pronounce the vocabulary of bigrams (by default those of the package), which takes half a second.

        metadata: of the model. options: by default `default_options`. ModelError for tokens that are not phones.
        """
        bigrams = bigrams or default_bigrams()
        number = {token: index for index, token in enumerate(metadata.tokens)}
        lexicon = Lexicon()
        try:
            said = [
                (index, [number[phone] for phone in phones])
                for index, word in enumerate(bigrams.words[1:], 1)
                for phones in dictionary_pronunciations(word) or lexicon.pronunciations(word)  # more are worse
            ]
        except KeyError as error:
            raise ModelError(f"free transcription needs a model of phones, and this one lacks {error}") from None
        tree = build_tree(said, bigrams.unigrams, len(metadata.tokens))
        return cls(metadata.tokens, metadata.frame_seconds, bigrams, tree, options or default_options(metadata))

    def start(self) -> FreeTranscription:
        """For one recording."""
        return FreeTranscription(self)


def default_options(metadata: ModelMetadata) -> FreeSearchOptions:
    """With the blank offset that a model was tuned to."""
    return FreeSearchOptions(blank_offset=metadata.decoder.get("blank_offset", FreeSearchOptions().blank_offset))


class FreeTranscription:
    """Frames in, results between pauses out; belongs to one recording."""

    def __init__(self, decoder: FreeDecoder) -> None:
        self._decoder = decoder
        self._search = FreeSearch(decoder.tree, decoder.bigrams, decoder.options)
        self._pause = round(PAUSE_SECONDS / decoder.frame_seconds)
        self._most_rows = round(MOST_SECONDS / decoder.frame_seconds)
        self._open_rows = round(OPEN_SECONDS / decoder.frame_seconds)
        self._frames = 0
        self._blanks = 0  # frames at the end whose best token is blank
        self._silent = False
        self._history = 0
        self._begin()

    def advance(self, log_probs: FloatArray) -> list[Result]:
        """float32 [frames, tokens]; however they are split into calls, the results are the same. Returns those that a
        pause has settled.
        """
        decoder = self._decoder
        options = decoder.options
        scores, is_blank, silent = margins(log_probs, len(decoder.tokens), options.blank_offset, options.fold_threshold)
        scores[silent, 1:] = LOWEST
        found = []
        for row, blank, silence in zip(scores, is_blank.tolist(), silent.tolist(), strict=True):
            if not blank:
                self._blanks = 0
                self._has_speech = True
            if self._has_speech and not (silence and self._silent):
                self._rows.append(row)
                self._frame_of.append(self._frames)
                self._search.step(row)
            self._silent = silence
            self._frames += 1
            self._blanks += blank
            if self._has_speech and self._blanks >= self._pause:
                found += self._settle(math.inf)
            elif len(self._rows) >= self._most_rows:
                found += self._cut()
        return found

    def finish(self, seconds: float) -> list[Result]:
        """The rest; seconds: of audio that there are, no time is after it."""
        return self._settle(seconds, ends=True) if self._has_speech else []

    def _begin(self) -> None:
        """A new search, after the words that are settled."""
        self._search.clear(self._history)
        self._rows: list[FloatArray] = []
        self._frame_of: list[int] = []
        self._has_speech = False

    def _settle(self, latest: float, ends: bool = False) -> list[Result]:
        """The best path as a result, and a new search."""
        found = self._results(self._search.best(ends)[0], latest)
        self._begin()
        return found

    def _cut(self) -> list[Result]:
        """The words that are over for a while as a result, and a search of what follows them."""
        last = len(self._rows) - self._open_rows
        path = [spoken for spoken in self._search.best(ends=False, whole=False)[0] if spoken.row < last]
        found = self._results(path, math.inf)
        left = slice(path[-1].row + 1 if path else len(self._rows), None)
        rows, frame_of = self._rows[left], self._frame_of[left]
        self._begin()
        self._rows, self._frame_of, self._has_speech = rows, frame_of, bool(rows)
        for row in rows:
            self._search.step(row)
        return found

    def _results(self, path: Sequence[SpokenWord], latest: float) -> list[Result]:
        """One, or none where nothing was said."""
        history, before, after, words = self._history, -1, 0, []
        scores = np.array(self._rows)
        for spoken in path:
            words.append(self._word(scores, spoken, before, history, after, latest))
            before, history, after = spoken.row, spoken.word, int(self._decoder.tree.label[spoken.node])
        self._history = history
        if not words:
            return []
        confidence = sum(word.confidence for word in words) / len(words)
        text = " ".join(word.text for word in words)
        return [Result(text, confidence, True, words=tuple(words), start=words[0].start, end=words[-1].end)]

    def _word(
        self, scores: FloatArray, spoken: SpokenWord, before: int, history: int, after: int, latest: float
    ) -> Word:
        """before, history, after: the last row, the number and the last phone of the word before."""
        decoder = self._decoder
        labels = decoder.tree.labels(spoken.node)
        start, margin = align(scores[before + 1 : spoken.row + 1], labels, labels[0] == after)
        log_prob = float(decoder.bigrams.log_probs(np.array([history]), np.array([spoken.word]))[0])
        confidence = decoder.confidence((max(margin / len(labels), -8.0), math.log(len(labels)), max(log_prob, -20.0)))
        times = self._frame_of[before + 1 + start], self._frame_of[spoken.row] + 1
        seconds = decoder.frame_seconds
        begin = min(times[0] * seconds, max(0.0, latest - seconds))  # what comes out after the audio is in its end
        end = min(times[1] * seconds, latest)
        return Word(decoder.bigrams.words[spoken.word], round(begin, 4), round(end, 4), confidence)


def align(scores: FloatArray, labels: Sequence[int], repeats: bool = False) -> tuple[int, float]:
    """The row in which the best path of these phones begins, after blanks, and its score from there on.

    `scores`: float32 [rows, tokens]; the last phone is in the last row. `repeats`: whether the row before them is in
    the first phone as well, so that a blank must come first.
    """
    states = np.zeros(2 * len(labels) - 1, dtype=np.int64)  # phones, blanks between them; label 0 is blank
    states[::2] = labels
    direct = np.zeros(len(states), dtype=np.bool_)  # from phone to phone without a blank
    direct[2::2] = states[2::2] != states[:-2:2]
    best = np.full(len(states) + 2, -np.inf)  # a place that is never reached, the blanks before, the states
    begin = np.zeros(len(best), dtype=np.int64)
    best[1] = -np.inf if repeats else 0.0
    lead = 0.0
    for number, row in enumerate(scores.astype(np.float64)):
        begin[1] = number
        ways = np.stack((best[2:], best[1:-1], np.where(direct, best[:-2], -np.inf)))
        choice = ways.argmax(axis=0)
        begin[2:] = np.choose(choice, (begin[2:], begin[1:-1], begin[:-2]))
        best[2:] = np.choose(choice, ways) + row[states]
        best[1] = lead = lead + row[0]
    start = int(begin[-1])
    return start, float(best[-1] - scores[:start, 0].sum())
