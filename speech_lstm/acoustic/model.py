"""The acoustic model: waveform and state in, CTC log-probabilities and next state out."""

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.cells import CELLS
from speech_lstm.acoustic.frontend import PAST, LogMel

STACK = 4  # 10 ms features to one 40 ms output frame
FRAME_SAMPLES = 640
FRAME_SECONDS = 0.04


class AcousticModel(nn.Module):
    """Residual recurrent layers over stacked log-mels: each is x + Cell(LayerNorm(x)).

    The state is [batch, state_size]: the past audio of the front end, then the memory, which is the state of every
    cell in order; zeros begin a stream. Nothing outside this class knows that layout.
    """

    def __init__(
        self, tokens: int, cell: str = "lstm", mels: int = 64, hidden: int = 320, layers: int = 4, dropout: float = 0.0
    ) -> None:
        """`cell`: a name of CELLS; ValueError for another."""
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"no cell {cell!r}; there are {', '.join(sorted(CELLS))}")
        self.cell, self.mels, self.hidden, self.layers = cell, mels, hidden, layers
        self.frontend = LogMel(mels)
        self.project = nn.Linear(STACK * mels, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        cells = [CELLS[cell](hidden) for _ in range(layers)]
        self.cells = nn.ModuleList(cells)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, tokens)
        self._sizes = [module.state_size for module in cells]
        self.memory_size = sum(self._sizes)
        self.state_size = PAST + self.memory_size

    def initial_state(self, batch: int) -> Tensor:
        """Zeros [batch, state_size]."""
        return torch.zeros(batch, self.state_size)

    def features(self, audio: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """audio [batch, 640 n], past [batch, PAST] or silence -> stacked features [batch, n, 4 mels], past."""
        if past is None:
            past = audio.new_zeros(len(audio), PAST)
        features, past = self.frontend(audio, past)
        return features.reshape(features.shape[0], -1, STACK * self.mels), past

    def encode(self, features: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The network after its front end.

        Stacked features [batch, frames, 4 mels], memory [batch, memory_size] -> vectors [batch, frames, hidden], memory
        """
        x = self.project(features)
        states = []
        for norm, cell, state in zip(self.norms, self.cells, memory.split(self._sizes, dim=1), strict=True):
            out, state = cell(norm(x), state)
            x = x + self.dropout(out)
            states.append(state)
        return x, torch.cat(states, dim=1)

    def classify(self, vectors: Tensor) -> Tensor:
        """Vectors [batch, frames, hidden] -> log-probabilities [batch, frames, tokens], in the weights' precision."""
        return self.output(self.norm(vectors.to(self.output.weight.dtype))).log_softmax(dim=-1)

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract.

        audio: float32 [batch, samples], samples a multiple of 640; state: float32 [batch, state_size].
        Returns log_probs float32 [batch, samples / 640, tokens] and next_state [batch, state_size].
        """
        features, past = self.features(audio, state[:, :PAST])
        vectors, memory = self.encode(features, state[:, PAST:])
        return self.classify(vectors), torch.cat([past, memory], dim=1)
