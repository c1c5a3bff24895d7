"""Augmentation of waveforms: speed, rooms, microphones and level of a clip; noise, gain and clipping of a stream."""

from collections.abc import Callable, Sequence

import numpy as np
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from speech_lstm.config import AugmentConfig
from speech_lstm.data.noise import babble

SAMPLE_RATE = 16000
LONGEST_PATH = 24  # reflections of a simulated room: with 8 no tail is longer than 0.13 s


def simulate_rooms(count: int, seed: int) -> list[np.ndarray]:
    """Impulse responses of random shoebox rooms by the image method: the direct path first, unit energy."""
    import pyroomacoustics

    random = np.random.default_rng(seed)
    responses: list[np.ndarray] = []
    while len(responses) < count:
        size = random.uniform([2.5, 2.5, 2.2], [8.0, 7.0, 3.5])
        seconds = random.uniform(0.12, 0.7)
        try:
            absorption, order = pyroomacoustics.inverse_sabine(seconds, size)
        except ValueError:  # no wall absorbs enough for so short a reverberation in so large a room
            continue
        room = pyroomacoustics.ShoeBox(
            size, fs=SAMPLE_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, LONGEST_PATH)
        )
        microphone = random.uniform([0.3, 0.3, 0.6], size - 0.3)
        speaker = np.clip(microphone + random.normal(size=3) * [0.9, 0.9, 0.3], 0.2, size - 0.2)
        room.add_source(speaker)
        room.add_microphone(microphone)
        room.compute_rir()
        response = np.asarray(room.rir[0][0], np.float32)
        direct = int(np.linalg.norm(speaker - microphone) / room.c * SAMPLE_RATE)  # where its pulse begins, 5 ms long
        response = response[direct:][: int(0.5 * SAMPLE_RATE)]
        responses.append(response / max(float(np.sqrt(np.sum(response**2))), 1e-6))
    return responses


class Augmenter:
    """Random changes to clips, and to the streams that are made of them. `strength` (0 to 1) scales the probabilities
    of the costly distortions.
    """

    def __init__(
        self, config: AugmentConfig, noises: Sequence[np.ndarray], rooms: Sequence[np.ndarray],
        voices: Callable[[np.random.Generator], np.ndarray] | None = None,
    ) -> None:  # fmt: skip
        """noises: int16; rooms: impulse responses; voices: draws a clip of speech, int16, for babble."""
        self.config, self.noises, self.rooms, self.voices = config, noises, rooms, voices
        self._ends = np.cumsum([len(noise) for noise in noises])

    def clip(self, samples: np.ndarray, random: np.random.Generator, strength: float) -> tuple[np.ndarray, float]:
        """One speaker at one place: float32 [samples] in; float32 at about unit level, and the speed factor, out."""
        c, speed = self.config, 1.0
        if random.random() < c.speed_probability * strength:
            speed = float(random.uniform(*c.speed))
            # LQ costs as much and ends at 6 kHz
            samples = soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")
        length = len(samples)
        if self.rooms and random.random() < c.room_probability * strength:
            room = self.rooms[int(random.integers(len(self.rooms)))]
            samples = fftconvolve(samples, room)[:length].astype(np.float32)
        if random.random() < c.band_probability * strength:
            samples = sosfilt(_microphone(random), samples).astype(np.float32)
        level = 10 ** (float(random.normal(0, c.level_db)) / 20)
        return samples * np.float32(level / speech_level(samples)), speed

    def stream(self, samples: np.ndarray, random: np.random.Generator, strength: float) -> np.ndarray:
        """What the microphone makes of it: float32 [samples] of clips at about unit level in, -1..1 out."""
        c, length = self.config, len(samples)
        if random.random() < c.noise_probability * strength:
            for _ in range(2 if random.random() < 0.3 else 1):
                samples = self._add_noise(samples, random)
        if random.random() > 0.1:  # a faint floor, so that digital silence is not the only silence
            floor = random.standard_normal(length, np.float32)
            samples = samples + floor * np.float32(10 ** random.uniform(-4.0, -1.7))
        low = c.quiet_db if random.random() < c.quiet_probability else c.gain_db
        peak = float(np.max(np.abs(samples))) + 1e-6
        samples = np.clip(samples * (10 ** (float(random.uniform(*low)) / 20) / peak), -1.0, 1.0)
        return (np.round(samples * 32767) / 32767).astype(np.float32)

    def _add_noise(self, samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Over the whole stream, or from somewhere to somewhere."""
        length = len(samples)
        noise, snr = self._noise(length, random), float(random.uniform(*self.config.snr_db))
        if self.voices is not None and random.random() < self.config.babble_part:
            talkers = int(random.integers(1, 8))
            noise = babble([self.voices(random) for _ in range(talkers)], length, random)
            snr = max(snr, 12.0 - 2.0 * talkers)  # of two equal voices none is the one to hear
        noise = noise * np.float32(10 ** (-snr / 20) / (float(np.sqrt(np.mean(noise**2))) + 1e-6))
        if random.random() < 0.3:
            first, last = sorted(int(edge) for edge in random.uniform(0, length, 2))
            noise[:first] = 0
            noise[last:] = 0
        return samples + noise

    def _noise(self, length: int, random: np.random.Generator) -> np.ndarray:
        if not self.noises or random.random() < 0.1:  # white to brown
            white = random.standard_normal(length, np.float32)
            pole = float(random.uniform(0.0, 0.98))
            return sosfilt([[1.0, 0.0, 0.0, 1.0, -pole, 0.0]], white).astype(np.float32)
        place = int(random.integers(self._ends[-1]))  # in all the noise there is, so that long recordings count as such
        index = int(np.searchsorted(self._ends, place, side="right"))
        noise = self.noises[index]
        start = place - (int(self._ends[index]) - len(noise))
        piece = noise[start : start + length]
        while len(piece) < length:
            piece = np.concatenate([piece, noise[: length - len(piece)]])
        return piece.astype(np.float32) / 32767.0


def speech_level(samples: np.ndarray) -> float:
    """Root mean square of the 20 ms blocks within 30 dB of the loudest one; 1e-5 at least."""
    blocks = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = np.einsum("ij,ij->i", blocks, blocks) / 320
    if not len(power) or power.max() <= 0:
        return 1e-5
    return max(1e-5, float(np.sqrt(power[power > power.max() / 1000].mean())))


def _microphone(random: np.random.Generator) -> np.ndarray:
    """A filter: a telephone's or headset's band limits, or a tilt, as second-order sections."""
    kind = random.random()
    if kind < 0.4:
        return np.asarray(butter(4, float(random.uniform(2500.0, 7000.0)), fs=SAMPLE_RATE, output="sos"))
    if kind < 0.7:
        low = float(10 ** random.uniform(1.9, 2.6))
        return np.asarray(butter(int(random.integers(1, 3)), low, "highpass", fs=SAMPLE_RATE, output="sos"))
    pole = float(random.uniform(-0.5, 0.6))
    return np.array([[1.0, 0.0, 0.0, 1.0, -pole, 0.0]])
