"""An LSTM model computed as ONNX has it: frames before streams, and each part of the state on its own.

PyTorch's order costs nodes that only move values, a tenth of the time of a block of 80 ms.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from speech_lstm.acoustic.frontend import PAST
from speech_lstm.acoustic.model import AcousticModel


class LstmNetwork(AcousticModel):
    """Computes what an `AcousticModel` of LSTM cells does, with or without a convolution before them."""

    def forward(self, audio: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """See `AcousticModel`."""
        state = state + self.start
        features, past = self.features(audio, state[:, :PAST])
        x, begin, after = self.project(features), PAST, [past]
        if self.convolution is not None:
            begin += self.convolution.state_size
            found, last = self.convolution(features, state[:, PAST:begin])
            x, after = x + found, [past, last]
        x = x.transpose(0, 1)  # [frames, batch, hidden]
        before = state[None, :, begin:].split(self.hidden, dim=2)
        cells: list[Tensor] = []
        for layer, (norm, cell) in enumerate(zip(self.norms, self.cells, strict=True)):
            lstm = cell.lstm
            assert isinstance(lstm, nn.LSTM) and not lstm.batch_first
            y, parts = lstm(norm(x), before[2 * layer : 2 * layer + 2])
            x = x + y
            cells += parts
        memory = torch.cat([*after, torch.cat(cells, dim=2)[0]], dim=1)
        return self.classify(x).transpose(0, 1), memory - self.start


def as_exported(model: AcousticModel) -> AcousticModel:
    """The same network in evaluation mode: a copy in ONNX's order where nothing stands between its LSTM cells."""
    if model.cell != "lstm" or model.feed_forward:
        return model.eval()
    network = copy.deepcopy(model)
    network.__class__ = LstmNetwork
    for module in network.modules():
        if isinstance(module, nn.LSTM):
            module.batch_first = False
    return network.eval()
