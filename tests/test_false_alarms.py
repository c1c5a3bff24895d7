"""Scores of a phrase on the bundled negatives, the curve of their false alarms, and the thresholds that follow."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.runtime.decoding.free_speech import free_speech_of
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.wake.false_alarms import BUNDLED, AlarmCurve, Negatives, alarm_curve, bundled_negatives
from speech_lstm.runtime.wake.phone_chains import PhoneChains
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

from .ctc import FloatArray, dictionary_words, spoken_log_probs

LEXICON = Lexicon()


def speech(words: int, seed: int) -> FloatArray:
    """Log-probabilities of random words, unsurely heard."""
    said = np.random.default_rng(seed).permutation(dictionary_words(2 * words))[:words]
    phones = [phone for word in said.tolist() for phone in LEXICON.pronunciations(word)[0]]
    return spoken_log_probs(phones, noise=1.5, sharpness=5, seed=seed)


def negatives_of(log_probs: FloatArray) -> Negatives:
    return Negatives.from_log_probs(TOKENS, [log_probs], 0.04, 0.99, 0.4)


def chains_of(word: str) -> PhoneChains:
    return PhoneChains.of([word], LEXICON, TOKENS, free_speech_of(TOKENS))


def test_the_slope_of_the_tail_is_found() -> None:
    scores = (-5 + 0.3 * np.random.default_rng(0).standard_exponential(10_000)).astype(np.float32)
    curve = AlarmCurve.fitted(scores, hours=2)
    assert 0.2 < curve.mean < 0.4
    assert curve.false_alarms(curve.threshold(0.5)) == pytest.approx(0.5)
    assert 2 <= sum(scores > curve.threshold(5)) / 2 <= 9


@pytest.mark.parametrize("word", ["jarvis", "hey computer"])
def test_scores_are_those_of_the_search(word: str) -> None:
    log_probs = speech(1000, seed=1)
    score = negatives_of(log_probs).highest(chains_of(word))
    for shift, heard in ((-0.3, True), (0.3, False)):  # steps of the codes
        detector = WakeWordDetector([word], LEXICON, TOKENS, thresholds={word: score + shift})
        assert bool(detector.start().detect(log_probs)) is heard


def test_as_many_false_alarms_as_wanted() -> None:
    """Thresholds from one half of the words, false alarms counted on the other half."""
    train, test = speech(3000, seed=2), speech(3000, seed=3)
    hours = len(test) * 0.04 / 3600
    negatives = negatives_of(train)
    wanted = 60.0
    counts = []
    for word in ("jarvis", "alexa", "computer", "snowboy", "banana", "victor"):
        curve = negatives.curve(chains_of(word))
        detector = WakeWordDetector([word], LEXICON, TOKENS, thresholds={word: curve.threshold(wanted)})
        counts.append(len(detector.start().detect(test)) / hours)
    assert wanted / 3 < np.mean(counts) < 3 * wanted, counts


def test_the_bundled_negatives_are_of_use() -> None:
    negatives = bundled_negatives()
    assert negatives.tokens == TOKENS and 1.75 < negatives.hours < 2.25
    assert BUNDLED.stat().st_size < 2.2e6
    alarm_curve("warm up", LEXICON, TOKENS)
    begin = time.process_time()
    alarm_curve("okay computer", LEXICON, TOKENS)
    assert time.process_time() - begin < 0.3


def test_longer_phrases_are_heard_less_often_by_mistake() -> None:
    short, long = (alarm_curve(text, LEXICON, TOKENS).false_alarms(-1.0) for text in ("cat", "hey cat and computer"))
    assert short > 10 * long


def test_a_long_silence_parts_phrases(tmp_path: Path) -> None:
    hey, jarvis = (spoken_log_probs([*LEXICON.pronunciations(word)[0]], silence=0) for word in ("hey", "jarvis"))
    silence = np.full((5, len(TOKENS)), -20, dtype=np.float32)
    silence[:, 0] = 0
    best = [
        negatives_of(np.concatenate([hey, *[silence] * pause, jarvis])).highest(chains_of("hey jarvis"))
        for pause in (1, 4)
    ]
    assert best[0] > -1.5 and best[1] < -3
    negatives = negatives_of(np.concatenate([hey, silence, jarvis]))
    negatives.save(tmp_path / "negatives.npz")
    loaded = Negatives.load(tmp_path / "negatives.npz")
    assert loaded.hours == negatives.hours and np.array_equal(loaded.codes, negatives.codes)
    (tmp_path / "broken.npz").write_bytes(b"no")
    with pytest.raises(ModelError, match=r"broken\.npz"):
        Negatives.load(tmp_path / "broken.npz")
