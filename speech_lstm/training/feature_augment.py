"""Augmentation of features, where it costs least: other throats and microphones, and masks. All streams at once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speech_lstm.acoustic.frontend import LogMel
from speech_lstm.config import AugmentConfig

MOST_KNOTS = 6
"""Places that a curve of gains goes through, two at least."""
DECIBEL = float(np.log(10)) / 10
"""Of power, in nats."""
BENDS = 4
"""Places between the lowest and the highest band where a throat is bent."""


class FeatureAugmenter:
    """Random changes to the features of streams, by clip and by place. `strength` (0 to 1) scales how likely and large.

    Features are [streams, frames, stack mels] as `AcousticModel.features` gives them; segments int64 [clips, 3]:
    stream, first frame, number of frames of each clip. What is drawn is drawn on the processor and applied by a few
    operations on whole tensors, as launches are what a step on a GPU is short of.
    """

    def __init__(self, frontend: LogMel, config: AugmentConfig, random: np.random.Generator) -> None:
        self.frontend, self.config, self.random = frontend, config, random

    def __call__(self, features: Tensor, segments: Tensor, strength: float) -> Tensor:
        """The features as other people would have said them into other microphones, with holes; the same shape."""
        streams, frames, width = features.shape
        by_band = features.view(streams, frames, -1, len(self.frontend.mean))
        clips = self._clip_of_frames(segments, streams, frames, features.device)
        by_band = self.warp(by_band, clips, len(segments), strength)
        by_band = self.equalise(by_band, clips, len(segments), strength)
        return self.mask(by_band, strength).view(streams, frames, width)

    def warp(self, by_band: Tensor, clips: Tensor, count: int, strength: float) -> Tensor:
        """Clips as shorter or longer throats would say them: `LogMel.warp`, one factor a clip.

        by_band: [streams, frames, stack, mels]; clips: int64 [streams, frames], the clip of each frame, `count` where
        there is none.
        """
        c = self.config
        if not c.warp_probability:
            return by_band
        drawn = self.random.random(count) < c.warp_probability * strength
        factors = [round(float(self.random.uniform(*c.warp)), 2) if is_warped else 1.0 for is_warped in drawn]
        places = torch.stack([self.frontend.places(factor) for factor in [*factors, 1.0]])
        if c.warp_bend:
            places = (places + self._bends(drawn, places.shape[1])).clamp(0, places.shape[1] - 1)
        return self.frontend.warp(by_band, places.to(by_band)[clips][:, :, None])

    def _bends(self, is_warped: NDArray[np.bool_], mels: int) -> Tensor:
        """[clips + 1, mels]: by how many bands a throat's formants lie elsewhere than its length tells."""
        bends = np.zeros((len(is_warped) + 1, mels), np.float32)
        for clip in np.flatnonzero(is_warped):
            knots = np.concatenate([[-1], np.sort(self.random.uniform(0, mels, BENDS)), [mels]])
            bends[clip] = np.interp(np.arange(mels), knots, self.random.normal(0, self.config.warp_bend, len(knots)))
        return torch.from_numpy(bends)

    def equalise(self, by_band: Tensor, clips: Tensor, count: int, strength: float) -> Tensor:
        """Clips as other microphones would hear them: `LogMel.equalise`, a smooth curve a clip (Nam et al. 2022,
        "FilterAugment: An acoustic environmental data augmentation method"). Arguments as of `warp`.
        """
        c, mels = self.config, by_band.shape[-1]
        if not c.curve_probability:
            return by_band
        gains = np.zeros((count + 1, mels), np.float32)
        for clip in np.flatnonzero(self.random.random(count) < c.curve_probability * strength):
            knots = np.sort(self.random.uniform(0, mels - 1, int(self.random.integers(2, MOST_KNOTS + 1))))
            decibels = np.interp(np.arange(mels), knots, self.random.normal(0, c.curve_db, len(knots)))
            gains[clip] = decibels * DECIBEL
        return self.frontend.equalise(by_band, torch.from_numpy(gains).to(by_band)[clips][:, :, None])

    def mask(self, by_band: Tensor, strength: float) -> Tensor:
        """SpecAugment (Park et al. 2019), masks as long as a clip of some seconds would have; as of `warp`."""
        c, (streams, frames, _, mels) = self.config, by_band.shape
        kept = np.ones((streams, frames, mels), np.float32)
        for row in kept:
            for start in range(0, frames, c.mask_frames):
                for _ in range(c.time_masks):
                    size = int(self.random.integers(int(c.time_mask_frames * strength) + 1))
                    begin = start + int(self.random.integers(c.mask_frames - size + 1))
                    row[begin : begin + size] = 0
                for _ in range(c.mel_masks):
                    size = int(self.random.integers(int(c.mel_mask_bands * strength) + 1))
                    band = int(self.random.integers(mels - size + 1))
                    row[start : start + c.mask_frames, band : band + size] = 0
        return by_band * torch.from_numpy(kept).to(by_band)[:, :, None]

    @staticmethod
    def _clip_of_frames(segments: Tensor, streams: int, frames: int, device: torch.device) -> Tensor:
        rows: list[list[int]] = segments.tolist()
        clips: NDArray[np.int64] = np.full((streams, frames), len(rows))
        for clip, (row, first, length) in enumerate(rows):
            clips[row, first : first + length] = clip
        return torch.from_numpy(clips).to(device)
