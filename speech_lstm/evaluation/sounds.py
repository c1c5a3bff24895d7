"""Sounds that are no speech, synthesised: silence and music."""

from __future__ import annotations

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, Samples


def silence(rng: np.random.Generator) -> Samples:
    """Three seconds: digital zeros every fourth time, else white noise at -80 to -50 dB of full scale."""
    level = 0.0 if rng.integers(4) == 0 else 10 ** (rng.uniform(-80, -50) / 20)
    return (level * rng.standard_normal(3 * SAMPLE_RATE)).astype(np.float32)


def music(rng: np.random.Generator) -> Samples:
    """Four seconds of chords or arpeggios: notes of a minor pentatonic scale with six harmonics each, which decay."""
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    audio = np.zeros(len(time))
    beat, chords = rng.uniform(0.15, 0.6), bool(rng.integers(2))
    for begin in np.arange(0, 4, beat):
        for step in rng.choice([0, 3, 5, 7, 10, 12, 15], 3 if chords else 1, replace=False):
            after = np.clip(time - begin, 0, None)
            envelope = (time >= begin) * np.minimum(after / 0.01, 1) * np.exp(-after / rng.uniform(0.2, 0.8))
            pitch = 110 * 2 ** ((step + 12 * int(rng.integers(3))) / 12)
            for harmonic in range(1, 7):
                audio += envelope * np.sin(2 * np.pi * pitch * harmonic * after) / harmonic**1.2
    return (0.3 * audio / np.abs(audio).max()).astype(np.float32)
