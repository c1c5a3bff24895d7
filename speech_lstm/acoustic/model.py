"""Acoustic models: waveform and state in, CTC log-probabilities and next state out."""

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.frontend import TAIL, LogMel

STACK = 4  # 10 ms features to one 40 ms output frame
FRAME_SAMPLES = 640
FRAME_SECONDS = 0.04


class LstmCtc(nn.Module):
    """Residual unidirectional LSTM layers over stacked log-mels.

    Each layer is x + LSTM(LayerNorm(x)). The packed state is [batch, state_size]: the audio tail, then every layer's
    h, then every layer's c; zeros begin a stream.
    """

    def __init__(self, tokens: int, mels: int = 64, hidden: int = 320, layers: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        self.mels, self.hidden, self.layers = mels, hidden, layers
        self.frontend = LogMel(mels)
        self.project = nn.Linear(STACK * mels, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.lstms = nn.ModuleList(nn.LSTM(hidden, hidden, batch_first=True) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, tokens)
        self.state_size = TAIL + 2 * layers * hidden
        for lstm in self.lstms:
            for name, parameter in lstm.named_parameters():
                if name.startswith("bias_ih"):  # forget gates start open (Jozefowicz et al. 2015)
                    nn.init.zeros_(parameter)
                    nn.init.ones_(parameter[hidden : 2 * hidden])
                elif name.startswith("bias_hh"):
                    nn.init.zeros_(parameter)
                elif name.startswith("weight_hh"):
                    for gate in parameter.split(hidden):
                        nn.init.orthogonal_(gate)

    def initial_state(self, batch: int) -> Tensor:
        """Zeros [batch, state_size]."""
        return torch.zeros(batch, self.state_size)

    def features(self, audio: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        """audio [batch, 640 n], tail [batch, TAIL] -> stacked features [batch, n, 4 mels], next tail."""
        features, tail = self.frontend(audio, tail)
        return features.reshape(audio.shape[0], -1, STACK * self.mels), tail

    def encode(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The network after its front end.

        Stacked features [batch, frames, 4 mels], state [batch, 2 layers h] -> logits [batch, frames, tokens], state
        """
        x = self.project(features)
        h, c = state.split(self.layers * self.hidden, dim=1)
        next_h, next_c = [], []
        memories = zip(h.split(self.hidden, dim=1), c.split(self.hidden, dim=1), strict=True)
        for norm, lstm, (layer_h, layer_c) in zip(self.norms, self.lstms, memories, strict=True):
            out, (layer_h, layer_c) = lstm(norm(x), (layer_h[None].contiguous(), layer_c[None].contiguous()))
            x = x + self.dropout(out)
            next_h.append(layer_h[0])
            next_c.append(layer_c[0])
        return self.output(self.norm(x)), torch.cat(next_h + next_c, dim=1)

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The model contract.

        audio: float32 [batch, samples], samples a multiple of 640; state: float32 [batch, state_size].
        Returns log_probs float32 [batch, samples / 640, tokens] and next_state [batch, state_size].
        """
        features, tail = self.features(audio, state[:, :TAIL])
        logits, memory = self.encode(features, state[:, TAIL:])
        return logits.float().log_softmax(dim=-1), torch.cat([tail, memory], dim=1)
