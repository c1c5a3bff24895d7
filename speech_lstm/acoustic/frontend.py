"""The log-mel front end as a module: the same code trains, exports and runs, so features cannot drift apart."""

import math

import torch
import torchaudio
from torch import Tensor, nn

SAMPLE_RATE = 16000
WINDOW = 400  # 25 ms
HOP = 160  # 10 ms
PAST = WINDOW - HOP  # samples of the past that the next chunk's first window needs
FFT = 512
LOW_HZ, HIGH_HZ = 60.0, 7600.0
LOG_FLOOR = 1e-6
WARPED_HZ = 4800.0  # up to which `LogMel.warp` stretches evenly


class LogMel(nn.Module):
    """Causal log-mel energies, normalised by a fixed mean and deviation per band.

    A 512-point DFT of a 400-sample Hann window, of which only the bins that a mel band uses are computed; the mel
    filters (HTK scale, torchaudio's `melscale_fbanks`) are a matrix product. Counted from the middle of the window,
    which is symmetric about it, the cosines need the sums of two samples equally far from the middle and the sines
    their differences, so the DFT is two products of half the size. In training mode an FFT computes the same in less
    time.
    """

    cosines: Tensor
    sines: Tensor
    window: Tensor
    mel: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, mels: int = 64) -> None:
        super().__init__()
        filters = torchaudio.functional.melscale_fbanks(FFT // 2 + 1, LOW_HZ, HIGH_HZ, mels, SAMPLE_RATE)
        used = filters.sum(dim=1) > 0
        self.first = int(used.nonzero()[0])
        bins = torch.arange(FFT // 2 + 1, dtype=torch.float64)[used]
        window = torch.hann_window(WINDOW, periodic=True, dtype=torch.float64)
        distance = torch.arange(WINDOW // 2, dtype=torch.float64)  # from the middle; the first sample weighs nothing
        angle = 2 * math.pi / FFT * distance[:, None] * bins
        half = window[WINDOW // 2 :, None].clone()
        half[0] /= 2  # the middle is summed with itself
        self.register_buffer("cosines", (half * angle.cos()).float(), persistent=False)  # [WINDOW / 2, bins]
        self.register_buffer("sines", (half * angle.sin()).float(), persistent=False)
        self.register_buffer("window", window.float(), persistent=False)
        self.register_buffer("mel", filters[used].float(), persistent=False)  # [bins, mels]
        self.register_buffer("mean", torch.full((mels,), -5.0))
        self.register_buffer("deviation", torch.full((mels,), 4.0))
        self._places: dict[float, Tensor] = {}

    def energies(self, audio: Tensor) -> Tensor:
        """Log-mel energies, not normalised: float32 [batch, PAST + 160 n samples] -> [batch, n, mels]."""
        if self.training:
            spectrum = torch.fft.rfft(audio.unfold(1, WINDOW, HOP) * self.window, FFT)  # [batch, n, FFT / 2 + 1]
            power = spectrum[..., self.first : self.first + len(self.mel)].abs().square()
        else:
            before, after = self._halves(audio)
            real, imaginary = (before + after) @ self.cosines, (before - after) @ self.sines  # [batch, n, bins]
            power = real * real + imaginary * imaginary
        return torch.log(torch.matmul(power, self.mel) + LOG_FLOOR)

    def _halves(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Samples before and after the middle of each window, [batch, n, WINDOW / 2], from the middle outwards."""
        padded = nn.functional.pad(audio, (0, -PAST % HOP))
        hops = padded.reshape(padded.shape[0], -1, HOP)  # [batch, n + 2, HOP]
        first, second, third = hops[:, :-2], hops[:, 1:-1], hops[:, 2:]  # a window is two hops and a half
        middle = WINDOW // 2 - HOP
        before = torch.cat([first[..., 1:], second[..., : middle + 1]], dim=2).flip(2)
        after = torch.cat([second[..., middle:], third[..., : WINDOW - 2 * HOP]], dim=2)
        return before, after

    def forward(self, audio: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a chunk.

        audio: float32 [batch, samples], 16 kHz, -1..1, samples a multiple of 160; past: [batch, PAST], before it.
        Returns features [batch, samples / 160, mels] and the next past.
        """
        audio = torch.cat([past, audio], dim=1)
        features = (self.energies(audio) - self.mean) / self.deviation
        return features, audio[:, -PAST:]

    def warp(self, features: Tensor, places: Tensor) -> Tensor:
        """Normalised features [..., mels] of speech with other frequencies, for training.

        places: `places` of the factor by which they are higher, of a shape that broadcasts to that of the features.
        Energies between two bands are interpolated.
        """
        energies = features * self.deviation + self.mean
        below = places.floor().clamp(max=len(self.mean) - 2)
        index = below.long().expand(features.shape)
        lower, upper = energies.gather(-1, index), energies.gather(-1, index + 1)
        return (lower.lerp(upper, (places - below).expand(features.shape)) - self.mean) / self.deviation

    def equalise(self, features: Tensor, gains: Tensor) -> Tensor:
        """Normalised features [..., mels] of sound through a filter, for training; gains: in nats of power [mels]."""
        power = (features * self.deviation + self.mean).exp() - LOG_FLOOR
        return ((power.clamp(min=0) * gains.exp() + LOG_FLOOR).log() - self.mean) / self.deviation

    def places(self, factor: float) -> Tensor:
        """[mels]: the places among the bands, counted from 0, that the bands hear of speech `factor` times as high.

        Straight up to WARPED_HZ and bent above, so that the highest stays where it is (Jaitly & Hinton 2013, "Vocal
        Tract Length Perturbation (VTLP) improves speech recognition").
        """
        if factor not in self._places:
            mels = len(self.mean)
            edges = torch.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), mels + 2, dtype=torch.float64)
            centres = 700 * (10 ** (edges[1:-1] / 2595) - 1)
            knee, top = WARPED_HZ * min(factor, 1.0), SAMPLE_RATE / 2
            bent = top - (top - knee / factor) / (top - knee) * (top - centres)
            sources = torch.where(centres <= knee, centres / factor, bent)
            places = (2595 * torch.log10(1 + sources / 700) - edges[1]) / (edges[1] - edges[0])
            self._places[factor] = places.clamp(0, mels - 1).float()
        return self._places[factor]


def _mel(hertz: float) -> float:
    """The HTK scale."""
    return 2595 * math.log10(1 + hertz / 700)
