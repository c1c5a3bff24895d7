"""Augmentation of waveforms: speed, rooms, noise, band limits, gain, silence around the speech."""

from collections.abc import Sequence

import numpy as np
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from speech_lstm.config import AugmentConfig

SAMPLE_RATE = 16000


def simulate_rooms(count: int, seed: int) -> list[np.ndarray]:
    """Impulse responses of random shoebox rooms by the image method: direct path at sample 0, unit energy."""
    import pyroomacoustics

    random = np.random.default_rng(seed)
    responses: list[np.ndarray] = []
    while len(responses) < count:
        size = random.uniform([2.5, 2.5, 2.2], [8.0, 7.0, 3.5])
        seconds = random.uniform(0.12, 0.6)
        try:
            absorption, order = pyroomacoustics.inverse_sabine(seconds, size)
        except ValueError:  # no wall absorbs enough for so short a reverberation in so large a room
            continue
        room = pyroomacoustics.ShoeBox(
            size, fs=SAMPLE_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, 8)
        )
        microphone = random.uniform([0.3, 0.3, 0.6], size - 0.3)
        speaker = microphone + random.normal(size=3) * [0.9, 0.9, 0.3]
        room.add_source(np.clip(speaker, 0.2, size - 0.2))
        room.add_microphone(microphone)
        room.compute_rir()
        response = np.asarray(room.rir[0][0], np.float32)
        response = response[int(np.argmax(np.abs(response))) :][: int(0.4 * SAMPLE_RATE)]
        responses.append(response / max(float(np.sqrt(np.sum(response**2))), 1e-6))
    return responses


class Augmenter:
    """Random changes to clips. `strength` (0 to 1) scales the probabilities of the costly distortions."""

    def __init__(self, config: AugmentConfig, noises: Sequence[np.ndarray], rooms: Sequence[np.ndarray]) -> None:
        self.config, self.noises, self.rooms = config, noises, rooms

    def __call__(
        self, samples: np.ndarray, random: np.random.Generator, strength: float = 1.0
    ) -> tuple[np.ndarray, float, float]:
        """float32 [samples] in, (float32 [samples], speed factor, seconds put before the speech) out."""
        c = self.config
        speed, lead = 1.0, 0
        if random.random() < c.speed_probability * strength:
            speed = float(random.uniform(*c.speed))
            samples = soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE, quality="LQ")
        if random.random() < c.silence_probability:
            lead, trail = (int(v) for v in random.uniform(0, c.silence_seconds, 2) * SAMPLE_RATE)
            samples = np.concatenate([np.zeros(lead, np.float32), samples, np.zeros(trail, np.float32)])
        length = len(samples)
        if self.rooms and random.random() < c.room_probability * strength:
            room = self.rooms[int(random.integers(len(self.rooms)))]
            samples = fftconvolve(samples, room)[:length].astype(np.float32)
        if random.random() < c.lowpass_probability * strength:
            cutoff = float(random.uniform(2500.0, 7000.0))
            samples = sosfilt(butter(4, cutoff, fs=SAMPLE_RATE, output="sos"), samples).astype(np.float32)
        level = float(np.sqrt(np.mean(samples**2))) + 1e-5
        if self.noises and random.random() < c.noise_probability * strength:
            noise = self._noise(length, random)
            if random.random() < 0.25:
                noise = noise + self._noise(length, random)
            snr = float(random.uniform(*c.snr_db))
            samples = samples + noise * (level * 10 ** (-snr / 20) / (float(np.sqrt(np.mean(noise**2))) + 1e-6))
        else:  # a faint floor, so that digital silence is not the only silence
            samples = samples + random.standard_normal(length, np.float32) * (level * 10 ** random.uniform(-4.0, -2.0))
        gain = 10 ** (float(random.uniform(*c.gain_db)) / 20)
        peak = float(np.max(np.abs(samples))) + 1e-6
        samples = np.clip(samples * (gain * min(1.0 / peak, 10.0)), -1.0, 1.0)
        return samples.astype(np.float32), speed, lead / SAMPLE_RATE

    def _noise(self, length: int, random: np.random.Generator) -> np.ndarray:
        kind = random.random()
        if kind < 0.2:  # white to brown
            white = random.standard_normal(length, np.float32)
            pole = float(random.uniform(0.0, 0.98))
            return sosfilt([[1.0, 0.0, 0.0, 1.0, -pole, 0.0]], white).astype(np.float32)
        noise = self.noises[int(random.integers(len(self.noises)))]
        start = int(random.integers(max(1, len(noise) - length)))
        piece = noise[start : start + length]
        if len(piece) < length:
            piece = np.tile(piece, -(-length // max(1, len(piece))))[:length]
        return piece.astype(np.float32) / 32767.0
