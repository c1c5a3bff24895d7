"""Whether an exported model still computes what the trained one does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.model import Model

TOLERANCE = 1e-4
"""Largest difference of fp32 log-probabilities, in nats, that counts as the same; of state values relative to them."""

CHUNKS = (1, 2, 7)
"""Units of `chunk_samples` in which chunked output is compared with whole-file output."""

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """Differences on some recordings."""

    torch: float
    """Largest difference between PyTorch and fp32 ONNX: of log-probabilities, and of the state relative to its size."""
    chunked: float
    """Largest difference of log-probabilities between chunked and whole-file fp32 ONNX."""
    phones: int
    """Phones that fp32 hears, greedily decoded."""
    quantized_errors: int
    """Insertions, deletions and substitutions that turn them into what int8 hears."""


def check_parity(trained: AcousticModel, fp32: Model, int8: Model, recordings: Sequence[Audio]) -> Parity:
    """Compare on recordings, each float32 [samples]; ModelError if fp32 differs by more than TOLERANCE."""
    recordings = [_whole_chunks(recording, fp32) for recording in recordings]
    heard = [(greedy(fp32, audio), greedy(int8, audio)) for audio in recordings]
    parity = Parity(
        torch=max(torch_difference(trained, fp32, audio) for audio in recordings),
        chunked=max(chunked_difference(fp32, audio, chunk) for audio in recordings for chunk in CHUNKS),
        phones=sum(len(reference) for reference, _ in heard),
        quantized_errors=sum(Levenshtein.distance(*pair) for pair in heard),
    )
    if not max(parity.torch, parity.chunked) <= TOLERANCE:  # also when it is NaN
        raise ModelError(f"{fp32.path}: differs from PyTorch by {parity.torch:.1e}, in chunks by {parity.chunked:.1e}")
    return parity


def torch_difference(trained: AcousticModel, model: Model, audio: Audio) -> float:
    """Largest difference on float32 [samples]: of log-probabilities, and of state values, above 1 relative to them.

    An LSTM cell may count up to a hundred and more, where a float32 has steps of 1e-5. PyTorch computes in float64, so
    that no rounding but ONNX Runtime's counts.
    """
    state = model.initial_state()
    exact = copy.deepcopy(trained).eval().double()
    with torch.inference_mode():
        outputs = exact(torch.from_numpy(audio[None]).double(), torch.from_numpy(state).double())
    expected, memory = (output.numpy() for output in outputs)
    log_probs, next_state = model.run(audio[None], state)
    relative = np.abs(next_state - memory) / np.maximum(1, np.abs(memory))
    return max(float(np.abs(log_probs - expected).max()), float(relative.max()))


def chunked_difference(model: Model, audio: Audio, chunk: int) -> float:
    """Largest difference of log-probabilities on float32 [samples], fed `chunk` units at a time or at once."""
    step = chunk * model.metadata.chunk_samples
    state = model.initial_state()
    whole, _ = model.run(audio[None], state)
    pieces = []
    for start in range(0, len(audio), step):
        log_probs, state = model.run(audio[None, start : start + step], state)
        pieces.append(log_probs)
    return float(np.abs(np.concatenate(pieces, axis=1) - whole).max())


def greedy(model: Model, audio: Audio) -> tuple[str, ...]:
    """The best token of each frame of float32 [samples], repeats merged and blanks dropped."""
    log_probs, _ = model.run(audio[None], model.initial_state())
    best = log_probs[0].argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    return tuple(model.metadata.tokens[token] for token in best[starts] if token)


def _whole_chunks(recording: Audio, model: Model) -> Audio:
    """Padded with silence to a multiple of the model's chunk."""
    return np.pad(recording, (0, -len(recording) % model.metadata.chunk_samples))
