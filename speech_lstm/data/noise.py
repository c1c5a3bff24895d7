"""Made-up noises beside the recorded ones: hiss and rumble of many colours, crackle, clatter, hum, music-like tones."""

from collections.abc import Sequence

import numpy as np
from scipy.signal import fftconvolve

SAMPLE_RATE = 16000


def make_noises(count: int, seconds: float, seed: int) -> list[np.ndarray]:
    """int16 [samples] noises of all kinds in turn, peak at half scale."""
    random = np.random.default_rng(seed)
    kinds = (coloured, crackle, clatter, hum, tones)
    noises = [kinds[index % len(kinds)](round(seconds * SAMPLE_RATE), random) for index in range(count)]
    return [np.round(noise * (16000 / max(1e-9, np.abs(noise).max()))).astype(np.int16) for noise in noises]


def coloured(length: int, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise with a smooth random spectrum and slow swells: water, fans, traffic, frying."""
    bands = random.normal(0, 8, 12) + random.uniform(-4, 1) * np.arange(12)  # dB
    frequencies = np.linspace(0, 1, length // 2 + 1)
    shape = 10 ** (np.interp(frequencies**0.5, np.linspace(0, 1, 12), bands) / 20)
    spectrum = np.fft.rfft(random.standard_normal(length)) * shape
    return np.asarray(np.fft.irfft(spectrum, length) * _swell(length, random, random.uniform(0, 6)))


def crackle(length: int, random: np.random.Generator) -> np.ndarray:
    """Random clicks, each ringing for some milliseconds, over hiss: fire, frying, dishes, typing."""
    rate = 10 ** random.uniform(0.3, 2.8)  # a second
    clicks = (random.random(length) < rate / SAMPLE_RATE) * random.lognormal(0, 1, length)
    ring = round(random.uniform(0.001, 0.03) * SAMPLE_RATE)
    times = np.arange(4 * ring)
    frequency = random.uniform(300, 6000)
    response = np.exp(-times / ring) * np.cos(2 * np.pi * frequency / SAMPLE_RATE * times + random.uniform(0, 6))
    response = response * random.standard_normal(len(times)) if random.random() < 0.5 else response
    sound = fftconvolve(clicks, response)[:length]
    hiss = coloured(length, random)
    return np.asarray(sound / (sound.std() + 1e-9) + hiss / (hiss.std() + 1e-9) * random.uniform(0.05, 0.7))


def clatter(length: int, random: np.random.Generator) -> np.ndarray:
    """A few hard things that are struck now and then, each with its own ring, in a room, over hiss: dishes, cutlery.

    An object is a sum of decaying modes (van den Doel & Pai 1998, "The sounds of physical shapes").
    """
    times = np.arange(round(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros(length)
    for _ in range(int(random.integers(2, 7))):
        count = int(random.integers(3, 11))
        frequencies = np.exp(random.uniform(np.log(300), np.log(7500), count))
        decays = 10 ** random.uniform(-2.2, -0.7, count)  # seconds
        levels = random.lognormal(0, 1, count)
        waves = np.exp(-times / decays[:, None]) * np.sin(2 * np.pi * frequencies[:, None] * times)
        tail = random.standard_normal(len(times)) * np.exp(-times / random.uniform(0.02, 0.12))
        response = levels @ waves + tail * random.uniform(0.02, 0.3) * levels.sum()
        rate = 10 ** (random.uniform(-0.7, 0.9) + _slow(length, random))  # a second
        strokes = (random.random(length) < rate / SAMPLE_RATE) * random.lognormal(0, 1, length)
        sound += fftconvolve(strokes, response)[:length] / np.linalg.norm(response)
    hiss = coloured(length, random)
    return np.asarray(sound / (sound.std() + 1e-9) + hiss / (hiss.std() + 1e-9) * random.uniform(0.02, 0.5))


def hum(length: int, random: np.random.Generator) -> np.ndarray:
    """A motor or the mains: harmonics of one pitch that wavers a little, and hiss."""
    pitch = random.uniform(45, 400)
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.02 * _slow(length, random))) / SAMPLE_RATE
    overtones = np.arange(1, min(24, int(7000 / pitch)) + 1)
    levels = random.lognormal(0, 1, len(overtones)) / overtones ** random.uniform(0.3, 1.5)
    sound = sum(level * np.sin(k * phase + random.uniform(0, 6)) for k, level in zip(overtones, levels, strict=True))
    hiss = coloured(length, random)
    return np.asarray(sound / np.std(sound) + hiss / hiss.std() * random.uniform(0.05, 1.0))


def tones(length: int, random: np.random.Generator) -> np.ndarray:
    """Chords that change, with overtones and decay, over a beat: something like music."""
    beat = round(random.uniform(0.12, 0.5) * SAMPLE_RATE)
    sound = np.zeros(length)
    times = np.arange(4 * beat) / SAMPLE_RATE
    for start in range(0, length, beat):
        for _ in range(int(random.integers(0, 4))):
            pitch = 55 * 2 ** (random.integers(0, 48) / 12)
            decay = np.exp(-times * random.uniform(1, 12))
            note = sum(np.sin(2 * np.pi * k * pitch * times) / k ** random.uniform(0.8, 2) for k in range(1, 6))
            piece = (note * decay)[: length - start]
            sound[start : start + len(piece)] += piece * random.uniform(0.3, 1)
    drum = crackle(length, random)
    return np.asarray(sound / (sound.std() + 1e-9) + drum / drum.std() * random.uniform(0, 0.5))


def babble(clips: Sequence[np.ndarray], length: int, random: np.random.Generator) -> np.ndarray:
    """float32 [length]: several clips of speech (int16) at once, each repeated to the end."""
    sound = np.zeros(length, np.float32)
    for clip in clips:
        voice = clip.astype(np.float32)
        level = float(np.sqrt(np.mean(voice**2))) + 1.0
        start = int(random.integers(len(voice)))
        tiled = np.tile(np.roll(voice, start), -(-length // len(voice)))[:length]
        sound += tiled * (10 ** random.uniform(-0.4, 0.0) / level)
    return sound


def _slow(length: int, random: np.random.Generator) -> np.ndarray:
    """A smooth random curve, about -1 to 1."""
    points = random.uniform(-1, 1, max(2, length // 8000))
    return np.interp(np.arange(length), np.linspace(0, length, len(points)), points)


def _swell(length: int, random: np.random.Generator, decibels: float) -> np.ndarray:
    return np.asarray(10 ** (decibels * _slow(length, random) / 20))
