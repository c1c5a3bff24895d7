"""The acoustic model: waveform and state in, CTC log-probabilities and next state out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.blocks import FeedForward, SpectralConvolution
from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.frontend import HOP, PAST, SAMPLE_RATE, LogMel

FRAME_MS = 40
"""Of an output frame, unless a configuration says otherwise; a multiple of the 10 ms between features."""

SETTLING = 0.12
"""Seconds of silence that a settled model has heard last when a stream begins."""

SETTLING_PEAK = 10 ** (-50 / 20)
"""Of the speech before it: after louder speech a faint word passes for a noise."""


class AcousticModel(nn.Module):
    """Residual recurrent layers over stacked log-mels: each is x + Cell(LayerNorm(x)).

    The state is [batch, state_size]: the past audio of the front end, then the memory, which is the state of the
    convolution, if there is one, and of every cell in order; zeros begin a stream. Nothing outside this class knows
    that layout.
    """

    start: Tensor
    """[state_size]: added to a state that comes in and taken off one that goes out; zeros unless it is settled."""

    def __init__(
        self, tokens: int, cell: str = "lstm", mels: int = 64, hidden: int = 320, layers: int = 4, dropout: float = 0.0,
        convolution: int = 0, feed_forward: int = 0, lookahead_frames: int = 0, frame_ms: int = FRAME_MS,
    ) -> None:  # fmt: skip
        """As `ModelConfig`, which says what each is. ValueError for a cell that is none of CELLS, or cannot be so big.

        lookahead_frames: the output for a frame comes so many frames later; training and runtime count with it.
        """
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"no cell {cell!r}; there are {', '.join(sorted(CELLS))}")
        self.cell, self.mels, self.hidden, self.layers = cell, mels, hidden, layers
        self.lookahead_frames = lookahead_frames
        self.stack = frame_ms * SAMPLE_RATE // 1000 // HOP  # features to an output frame
        self.frame_samples = self.stack * HOP
        self.frame_seconds = frame_ms / 1000
        self.frontend = LogMel(mels)
        self.project = nn.Linear(self.stack * mels, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        cells = [CELLS[cell](hidden) for _ in range(layers)]
        self.cells = nn.ModuleList(cells)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, tokens)
        self.convolution = SpectralConvolution(self.stack, mels, convolution, hidden) if convolution else None
        self.feed_forward = nn.ModuleList(FeedForward(hidden, feed_forward) for _ in cells if feed_forward)
        sizes = [module.state_size for module in cells]
        self._sizes = [self.convolution.state_size, *sizes] if self.convolution else sizes
        self.memory_size = sum(self._sizes)
        self.state_size = PAST + self.memory_size
        self.register_buffer("start", torch.zeros(self.state_size), persistent=False)

    def initial_state(self, batch: int) -> Tensor:
        """Zeros [batch, state_size]."""
        return torch.zeros(batch, self.state_size)

    @torch.no_grad()
    def settle(self, speech: Sequence[Tensor] = ()) -> None:
        """Let streams begin as after SETTLING seconds of silence, for recordings that begin with the first sound.

        With speech, recordings of float32 [samples] each, one of them is heard before, as faint as SETTLING_PEAK: what
        a stream remembers is the mean of the memories. A network that has heard speech is readier for more. The state
        of the contract is counted from `start`, so that zeros still begin a stream. In evaluation mode.
        """
        self.start.zero_()
        silence = self.start.new_zeros(round(SETTLING / self.frame_seconds) * self.frame_samples)
        memories = []
        for audio in speech or [silence[:0]]:
            whole = audio[: len(audio) // self.frame_samples * self.frame_samples]
            loudest = whole.abs().max() if len(whole) else 0
            faint = whole * (SETTLING_PEAK / loudest) if loudest else whole
            features, _ = self.features(torch.cat([faint, silence])[None])
            memories.append(self.encode(features, self.initial_state(1)[:, PAST:])[1])
        self.start[PAST:] = torch.cat(memories).mean(dim=0)

    def features(self, audio: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """audio [batch, frame_samples n], past [batch, PAST] or silence -> features [batch, n, stack mels], past."""
        if past is None:
            past = audio.new_zeros(len(audio), PAST)
        features, past = self.frontend(audio, past)
        return features.reshape(features.shape[0], -1, self.stack * self.mels), past

    def encode(self, features: Tensor, memory: Tensor) -> tuple[list[Tensor], Tensor]:
        """The network after its front end.

        Features [batch, frames, stack mels], memory [batch, memory_size] -> the vectors behind each layer,
        [batch, frames, hidden], and the memory.
        """
        x = self.project(features)
        memories = iter(memory.split(self._sizes, dim=1))
        states, vectors = [], []
        if self.convolution is not None:
            found, state = self.convolution(features, next(memories))
            x = x + found
            states.append(state)
        for layer, (norm, cell) in enumerate(zip(self.norms, self.cells, strict=True)):
            out, state = cell(norm(x), next(memories))
            x = x + self.dropout(out)
            if self.feed_forward:
                x = self.feed_forward[layer](x)
            states.append(state)
            vectors.append(x)
        return vectors, torch.cat(states, dim=1)

    def classify(self, vectors: Tensor) -> Tensor:
        """Vectors [batch, frames, hidden] -> log-probabilities [batch, frames, tokens], in the weights' precision."""
        return self.output(self.norm(vectors.to(self.output.weight.dtype))).log_softmax(dim=-1)

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract.

        audio: float32 [batch, samples], samples a multiple of frame_samples; state: float32 [batch, state_size].
        Returns log_probs float32 [batch, samples / frame_samples, tokens] and next_state [batch, state_size].
        """
        state = state + self.start
        features, past = self.features(audio, state[:, :PAST])
        vectors, memory = self.encode(features, state[:, PAST:])
        return self.classify(vectors[-1]), torch.cat([past, memory], dim=1) - self.start
