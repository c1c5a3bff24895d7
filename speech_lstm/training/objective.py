"""The training loss of streams: MMI or CTC over each clip, and cross-entropy on forced alignments if wanted."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import AugmentConfig, ObjectiveConfig
from speech_lstm.data.dataset import IGNORED, Batch
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.training.denominator import Denominator
from speech_lstm.training.feature_augment import FeatureAugmenter

CUDNN = ("rnn", "gru", "lstm", "lstm_coupled", "lstm_projected", "lstm_attention")
"""Cells whose kernel is cuDNN's on CUDA. Autocast gives it float16 whatever type it is asked for, in which gradients
that are means over so many frames vanish: they stay in fp32, whose products the trainer lets round to TF32."""

POOL = 512
"""Memories that are kept to begin other streams with."""

RESTING = 64
"""Memories that hear nothing but quiet, one of them a batch."""
RESTED = 0.1
"""Part of those that begin anew, after another stream; the others hear more of it, a batch in ten times `RESTING`."""
RARELY = 6
"""Batches to one in which a resting memory hears more on CUDA: a stream by itself takes as long there as all others."""


class Objective(nn.Module):
    """The loss around a model, as one module so that DistributedDataParallel sees one forward.

    A stream begins with what the model remembered at the end of another one in `carry` of the cases, and after minutes
    of quiet in `rest` of them, so that what it has heard long ago does not change how it hears.
    """

    def __init__(
        self, model: AcousticModel, denominator: Denominator | None, config: ObjectiveConfig, augment: AugmentConfig,
        bfloat16: bool, seed: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.model, self.denominator = model, denominator
        self.config, self.reduced = config, bfloat16
        self.random = np.random.default_rng(seed)
        self.augmenter = FeatureAugmenter(model.frontend, augment, self.random)
        self.views = 2 if config.consistency_weight > 0 else 1
        self.pool: list[Tensor] = []
        self.resting: list[Tensor] = []
        self.intermediate = (
            nn.Sequential(nn.LayerNorm(model.hidden), nn.Linear(model.hidden, len(TOKENS)))
            if config.intermediate_weight > 0
            else None
        )

    def forward(self, batch: Batch, alignment_weight: float, strength: float) -> Tensor:
        """Mean loss per frame: MMI (CTC less what other phone sequences have), mixed with cross-entropy.

        The output for a frame comes the model's look-ahead later. Where it is wanted, CTC over the phones behind an
        inner layer is mixed in (Lee & Watanabe 2021, "Intermediate Loss Regularization for CTC-based Speech
        Recognition"), through an output layer of its own, of which nothing is exported.

        With a `consistency_weight` the streams are heard twice, with other throats, microphones, masks and dropout,
        and what is heard in each frame is to be the same (Yao et al. 2024, "CR-CTC: Consistency regularization on CTC
        for improved speech recognition").
        """
        with torch.no_grad():
            self._rest(batch.audio)
            features, _ = self.model.features(batch.audio)
            views = [self.augmenter(features, batch.segments, strength) for _ in range(self.views)]
        memory = self._begin(len(batch.audio), batch.audio.device).repeat(self.views, 1)
        with self.precision(batch.audio.device):
            vectors, memory = self.model.encode(torch.cat(views), memory)
        self._keep(memory[: len(batch.audio)].detach().float())
        if self.views > 1:
            batch = batch.twice()
        late = self.model.lookahead_frames
        log_probs = self.model.classify(vectors[-1][:, late:])
        loss = self._mixed(lambda: self._sequences(log_probs, batch), log_probs, batch.labels, alignment_weight)
        if self.intermediate is not None:
            inner = self.intermediate(vectors[self.config.intermediate_layer - 1][:, late:].float()).log_softmax(-1)
            phones = self._mixed(lambda: _mean_ctc(inner, batch), inner, batch.phone_labels, alignment_weight)
            weight = self.config.intermediate_weight
            loss = (1 - weight) * loss + weight * phones
        if self.views > 1:
            loss = loss + self.config.consistency_weight * _disagreement(log_probs)
        return loss

    @staticmethod
    def _mixed(sequences: Callable[[], Tensor], log_probs: Tensor, labels: Tensor, weight: float) -> Tensor:
        """A loss of sequences, and with that weight that of the frames by their labels."""
        loss = log_probs.new_zeros(())
        if weight < 1:
            loss = loss + (1 - weight) * sequences()
        if weight > 0:
            wanted = labels[:, : log_probs.shape[1]].flatten()
            loss = loss + weight * nn.functional.nll_loss(log_probs.flatten(0, 1), wanted, ignore_index=IGNORED)
        return loss

    def extra_parameters(self) -> list[nn.Parameter]:
        """Those that training needs and the model has not."""
        return [] if self.intermediate is None else list(self.intermediate.parameters())

    def extra(self) -> dict[str, Tensor]:
        """They, for a checkpoint."""
        return {} if self.intermediate is None else self.intermediate.state_dict()

    def load_extra(self, state: dict[str, Tensor]) -> None:
        """They, from a checkpoint; those of another objective are left as they are."""
        if self.intermediate is not None and state:
            self.intermediate.load_state_dict(state)

    def precision(self, device: torch.device) -> AbstractContextManager[object]:
        """What the network computes in on a device, where reduced precision is wanted."""
        if not self.reduced or (device.type == "cuda" and self.model.cell in CUDNN):
            return nullcontext()
        return torch.autocast(device.type, torch.bfloat16)

    def _sequences(self, log_probs: Tensor, batch: Batch) -> Tensor:
        """Mean over the frames of all clips."""
        losses, clips, frames = _ctc(log_probs, batch.segments, batch.tokens, batch.token_counts)
        loss = losses.sum()
        if self.denominator is not None:
            is_spoken = (batch.token_counts > 0) & (losses.detach() > 0)  # 0: sped up until its phones did not fit
            loss = loss + self.config.mmi_weight * (self.denominator(clips, frames) * is_spoken).sum()
        return loss / frames.sum()

    def _begin(self, streams: int, device: torch.device) -> Tensor:
        nothing = torch.zeros(self.model.memory_size, device=device)
        memories = []
        for drawn in self.random.random(streams):
            if self.pool and drawn < self.config.carry:
                memories.append(self._any(self.pool))
            elif self.resting and drawn > 1 - self.config.rest:
                memories.append(self._any(self.resting))
            else:
                memories.append(nothing)
        return torch.stack(memories)

    def _any(self, memories: list[Tensor]) -> Tensor:
        return memories[int(self.random.integers(len(memories)))]

    def _rest(self, audio: Tensor) -> None:
        """One of the resting memories hears as much quiet as a stream is long: zeros, or faint noise."""
        if not self.config.rest or not self.pool:
            return
        if audio.is_cuda and self.random.integers(RARELY):
            return
        level = 0.0 if self.random.random() < 0.3 else 10 ** self.random.uniform(-4.5, -2.5)
        features, _ = self.model.features(level * torch.randn_like(audio[:1]))
        slot = int(self.random.integers(RESTING))
        is_new = slot >= len(self.resting) or self.random.random() < RESTED
        before = self._any(self.pool) if is_new else self.resting[slot]
        with self.precision(audio.device):
            _, after = self.model.encode(features, before[None])
        self.resting[slot : slot + 1] = [after[0].float()]

    def _keep(self, memory: Tensor) -> None:
        for row in memory:
            if len(self.pool) < POOL:
                self.pool.append(row.clone())
            else:
                self.pool[int(self.random.integers(POOL))] = row.clone()


def _ctc(log_probs: Tensor, segments: Tensor, tokens: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log_probs [streams, frames, tokens] -> CTC's loss of each clip (0 where it does not fit), its log-probabilities
    [clips, most frames, tokens], and how many frames it has.
    """
    row, first, frames = segments.unbind(1)
    frames = torch.minimum(frames, log_probs.shape[1] - first)
    most = log_probs.shape[1] if frames.is_cuda else int(frames.max())  # a GPU would be waited for
    steps = torch.arange(most, device=frames.device)
    index = (first[:, None] + steps).clamp(max=log_probs.shape[1] - 1)
    clips = log_probs[row[:, None], index]
    losses = nn.functional.ctc_loss(clips.transpose(0, 1), tokens, frames, counts, reduction="none", zero_infinity=True)
    return losses, clips, frames


def _disagreement(log_probs: Tensor) -> Tensor:
    """Mean over the frames of how far (Kullback & Leibler 1951) each half of the streams is from the other as it is.

    log_probs: [2 streams, frames, tokens], the same streams twice.
    """
    one, other = log_probs.chunk(2)
    pairs = ((one, other), (other, one))
    far = [nn.functional.kl_div(a, b.detach(), reduction="none", log_target=True).sum(-1).mean() for a, b in pairs]
    return (far[0] + far[1]) / 2


def _mean_ctc(log_probs: Tensor, batch: Batch) -> Tensor:
    """Of the phones of all clips, over their frames."""
    losses, _, frames = _ctc(log_probs, batch.segments, batch.phones, batch.phone_counts)
    return losses.sum() / frames.sum()
