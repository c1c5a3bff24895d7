"""Learn from a few recordings how somebody says a wake word or any other word.

Each recording gives the phone sequences that the model most likely hears in it (CTC prefix beam search, Hannun et al.
2014, "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs"). Those that
explain at least half of the recordings better than the dictionary does are tried: they are added to the dictionary's
pronunciations when this lifts the recordings further above the threshold for other speech, which rises with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, pcm_to_float
from speech_lstm.runtime.audio.levels import lifted
from speech_lstm.runtime.decoding.free_speech import free_speech_of
from speech_lstm.runtime.decoding.graph import Pronouncing
from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.errors import AudioError, GrammarError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.model.model import Model

from .false_alarms import Negatives, alarm_curve, check_tokens
from .options import WakeWordOptions
from .phone_chains import VOWELS, PhoneChains, ways_to_say

BLANK_OFFSET = 1.0
"""Taken off the log-probability of blank, which else makes short sequences likely."""

MOST_LEARNED = 2
"""Pronunciations that are added at most."""

LEAST_GAIN = 0.1
"""Nats per phone by which one that is added must lift the recordings above the threshold."""

TRIED = 6
"""Most likely candidates that are tried."""

LEAST_SHARE = 0.6
"""Length of a learned pronunciation relative to the shortest known one, so that it is not heard in everything."""

UNLIKE = -0.8
"""Nats per phone below the threshold at which a recording counts as another word."""

_BEAM = 16
_TOKENS = 8  # most likely ones of a frame
_PADDING = 0.4  # seconds of silence around a recording

Phones = tuple[str, ...]
_Beam = dict[tuple[int, ...], tuple[float, float]]  # prefix -> log-probability that it ends in blank, in a phone


@dataclass(frozen=True)
class Enrolment:
    """What was learned. `pronunciations`: word -> all ways to say it, known ones first, for `Recognizer` or `Lexicon`.
    `learned`: ways to say the whole phrase that are new. `above`: [recordings], nats per phone by which each is then
    above the threshold of sensitivity 0.5; the wake word would not be heard in one that is below 0.
    """

    phrase: str
    pronunciations: Mapping[str, tuple[str, ...]]
    learned: tuple[str, ...]
    above: tuple[float, ...]


def enrol(phrase: str, recordings: Sequence[Any], model: Model, lexicon: Pronouncing) -> Enrolment:
    """Learn pronunciations of the words of a phrase.

    recordings: each int16, int32 or float (-1..1) [n] at 16 kHz, one person saying just the phrase; three are enough.
    Raises AudioError for no recordings, one without speech, or one that sounds unlike the others; GrammarError and
    PronunciationError as `WakeWordDetector` does.
    """
    if not isinstance(phrase, str):
        raise GrammarError(f"the phrase is {phrase!r}; expected a string")
    if isinstance(recordings, str | bytes) or not isinstance(recordings, Sequence):
        raise AudioError(f"recordings are {type(recordings).__name__}; expected a list of arrays, one for each")
    if not recordings:
        raise AudioError("there are no recordings; expected about three of the phrase alone")
    tokens = model.metadata.tokens
    check_tokens(tokens)
    words = spoken_words(phrase)
    known = ways_to_say(phrase, lexicon)
    shortest = LEAST_SHARE * min(map(len, known))
    posteriors = [_posteriors(model, recording) for recording in recordings]
    offset = np.array([BLANK_OFFSET, *[0.0] * (len(tokens) - 1)], dtype=np.float32)
    heard = [likely_phones(log_probs - offset, tokens) for log_probs in posteriors]
    for number, phones in enumerate(heard, 1):
        if not any(len(way) >= shortest for way in phones):
            raise AudioError(f"recording {number}: {phrase!r} was not heard; say it clearly and record it again")
    candidates = [way for way in dict.fromkeys(way for ways in heard for way in ways) if len(way) >= shortest]
    candidates = [way for way in candidates if split_by_words(way, words, lexicon) and way not in known]
    fit = np.array(
        [[log_likelihood(way, tokens, each - offset) for each in posteriors] for way in [*known, *candidates]]
    )
    best = fit[: len(known)].max(axis=0)
    ways = {word: tuple(" ".join(phones) for phones in lexicon.pronunciations(word)) for word in words}
    above = _above(phrase, ways, model, posteriors)
    learned: list[Phones] = []
    while candidates and len(learned) < MOST_LEARNED:
        totals = np.maximum(fit[len(known) :], best).sum(axis=1)
        trials = []
        supported = (fit[len(known) :] > best).sum(axis=1) * 2 >= len(recordings)
        for choice in np.argsort(np.where(supported, -totals, np.inf))[: min(TRIED, supported.sum())].tolist():
            added = dict(ways)
            for word, part in zip(words, split_by_words(candidates[choice], words, lexicon) or (), strict=True):
                added[word] = tuple(dict.fromkeys((*added[word], " ".join(part))))  # a word may come twice
            trials.append((_above(phrase, added, model, posteriors), choice, added))
        if not trials:
            break
        lifted, choice, added = max(trials, key=lambda trial: float(trial[0].mean()))
        if lifted.mean() < above.mean() + LEAST_GAIN:
            break
        learned.append(candidates[choice])
        best = np.maximum(best, fit[len(known) + choice])
        ways, above = added, lifted
    for number, height in enumerate(above.tolist(), 1):
        if height < UNLIKE:
            raise AudioError(f"recording {number} sounds unlike the others or unlike {phrase!r}; record it again")
    return Enrolment(
        phrase, MappingProxyType(ways), tuple(" ".join(way) for way in learned), tuple(np.round(above, 3).tolist())
    )


def _above(
    phrase: str, ways: Mapping[str, tuple[str, ...]], model: Model, posteriors: Sequence[FloatArray]
) -> FloatArray:
    """[recordings]: score per phone of the phrase with these pronunciations, less the threshold."""
    tokens, options = model.metadata.tokens, WakeWordOptions()
    lexicon = Lexicon(ways)
    threshold = alarm_curve(phrase, lexicon, tokens).threshold(options.false_alarms)
    chains = PhoneChains.of([phrase], lexicon, tokens, free_speech_of(tuple(tokens)))
    best = [
        Negatives.from_log_probs(
            tokens, [each], model.metadata.frame_seconds, options.fold_threshold, options.pause_seconds
        ).highest(chains)
        for each in posteriors
    ]
    return np.array(best, dtype=np.float32) - np.float32(threshold)


def _posteriors(model: Model, recording: Any) -> FloatArray:
    """float32 [frames, tokens]."""
    silence = round(_PADDING * SAMPLE_RATE)
    audio = np.pad(lifted(pcm_to_float(recording)), silence)
    audio = np.pad(audio, (0, -len(audio) % model.metadata.chunk_samples))
    return model.run(audio[None], model.initial_state())[0][0]


def likely_phones(log_probs: FloatArray, tokens: Sequence[str]) -> list[Phones]:
    """The most likely phone sequences of an utterance, best first. log_probs: float32 [frames, tokens]."""
    beam: _Beam = {(): (0.0, -np.inf)}
    for row in log_probs.astype(np.float64):
        others = 1 + np.argsort(-row[1:])[:_TOKENS]
        after: _Beam = {}

        def add(prefix: tuple[int, ...], blank: float, phone: float, into: _Beam = after) -> None:
            old = into.get(prefix, (-np.inf, -np.inf))
            into[prefix] = (float(np.logaddexp(old[0], blank)), float(np.logaddexp(old[1], phone)))

        for prefix, (blank, phone) in beam.items():
            both = float(np.logaddexp(blank, phone))
            add(prefix, both + row[0], phone + row[prefix[-1]] if prefix else -np.inf)
            for token in others.tolist():
                add((*prefix, token), -np.inf, row[token] + (blank if prefix and prefix[-1] == token else both))
        ranked = sorted(after.items(), key=lambda item: -float(np.logaddexp(*item[1])))
        beam = dict(ranked[:_BEAM])
    return [tuple(tokens[token] for token in prefix) for prefix in beam]


def log_likelihood(phones: Sequence[str], tokens: Sequence[str], log_probs: FloatArray) -> float:
    """Of a phone sequence in an utterance: the CTC forward algorithm of Graves et al. 2006, equation 6."""
    labels = np.zeros(2 * len(phones) + 1, dtype=np.int64)
    labels[1::2] = [tokens.index(phone) for phone in phones]
    skips = np.full(len(labels), -np.inf)
    skips[3::2] = np.where(labels[3::2] != labels[1:-2:2], 0.0, -np.inf)
    alpha = np.full(len(labels) + 2, -np.inf)
    alpha[2] = 0.0
    for number, row in enumerate(log_probs.astype(np.float64)):
        ways = np.logaddexp(alpha[2:], alpha[1:-1])
        if number == 0:
            ways[1] = 0.0
        alpha[2:] = np.logaddexp(ways, alpha[:-2] + skips) + row[labels]
    return float(np.logaddexp(alpha[-1], alpha[-2]))


def split_by_words(phones: Phones, words: Sequence[str], lexicon: Pronouncing) -> list[Phones] | None:
    """The phones of each word, by the cheapest alignment to the dictionary's; None where a word gets none."""
    owners = [number for number, word in enumerate(words) for _ in lexicon.pronunciations(word)[0]]
    known = [phone for word in words for phone in lexicon.pronunciations(word)[0]]
    cost = np.zeros((len(phones) + 1, len(known) + 1))
    cost[:, 0], cost[0] = np.arange(len(phones) + 1), np.arange(len(known) + 1)
    for i, phone in enumerate(phones):
        for j, other in enumerate(known):
            unlike = 0.0 if phone == other else 0.7 if (phone in VOWELS) == (other in VOWELS) else 1.5
            cost[i + 1, j + 1] = min(cost[i, j] + unlike, cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    parts: list[list[str]] = [[] for _ in words]
    i, j = len(phones), len(known)
    while i:
        phone = phones[i - 1]
        unlike = 1e9
        if j:
            other = known[j - 1]
            unlike = 0.0 if phone == other else 0.7 if (phone in VOWELS) == (other in VOWELS) else 1.5
        if j and cost[i, j] == cost[i, j - 1] + 1:
            j -= 1
            continue
        parts[owners[max(0, j - 1)]].insert(0, phone)
        if j and cost[i, j] == cost[i - 1, j - 1] + unlike:
            j -= 1
        i -= 1
    return [tuple(part) for part in parts] if all(parts) else None
