"""What happens inside a network while it hears a recording: gates, memory and phone posteriors, drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from speech_lstm import models
from speech_lstm.acoustic.cells import CELLS, LstmCell
from speech_lstm.acoustic.cells.slstm import SlstmCell
from speech_lstm.acoustic.frontend import PAST
from speech_lstm.acoustic.model import FRAME_MS, AcousticModel
from speech_lstm.data.align import best_path, build_trellis
from speech_lstm.export.checkpoint import load_checkpoint
from speech_lstm.export.weights import read_network
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.metadata import TAIL_SECONDS
from speech_lstm.writing import write_atomically

Frames = NDArray[np.float32]
MOST_PHONES = 16
"""Rows of the posteriors that are drawn."""


@dataclass(frozen=True)
class Inside:
    """A recording as the network has it, frame by frame."""

    audio: Samples
    mels: Frames
    """[frames of 10 ms, mels], normalised."""
    gates: dict[str, Frames]
    """"input", "forget", "output" and "cell" of one layer, each [frames, units]."""
    posteriors: Frames
    """[frames, tokens]."""
    words: tuple[tuple[str, float, float], ...]
    """Word, start and end in seconds; empty without a text."""


def load_network(model: str) -> AcousticModel:
    """A checkpoint (.pt), an exported fp32 LSTM (.onnx), or a shipped model's name; ModelError for what is none."""
    if model.endswith(".pt"):
        return load_checkpoint(Path(model))[0]
    path = (models.find(model, "cuda") if not model.endswith(".onnx") else None) or Path(model)
    return read_network(path)


@torch.no_grad()
def look_inside(network: AcousticModel, audio: Samples, text: str = "", layer: int = 0) -> Inside:
    """Hear a recording, float32 [samples], 16 kHz. `layer`: whose gates, from 0.

    SpeechLstmError for a cell without gates, a layer that is not there, or a text that does not fit.
    """
    if not 0 <= layer < network.layers:
        raise SpeechLstmError(f"the network has {network.layers} layers, and there is no layer {layer + 1}")
    tail = round(TAIL_SECONDS * SAMPLE_RATE)
    padded = np.pad(audio, (0, tail + -(len(audio) + tail) % network.frame_samples))
    late = network.lookahead_frames  # after which the outputs for a frame come
    fed = np.pad(padded, (0, late * network.frame_samples))
    features, _ = network.features(torch.from_numpy(fed)[None])
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    cell = network.cells[layer]
    if not isinstance(cell, LstmCell | SlstmCell):
        shown = ", ".join(name for name, kind in CELLS.items() if kind in (LstmCell, SlstmCell))
        raise SpeechLstmError(f"the cell {network.cell!r} has no gates to draw; {shown} have")
    hook = cell.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    vectors, _ = network.encode(features, network.start[None, PAST:])
    hook.remove()
    log_probs = network.classify(vectors[-1])[0, late:].numpy()
    frames = len(log_probs)
    gates = {name: values[0, :frames].numpy() for name, values in cell.gates(*seen[0]).items()}
    mels = features[0, :frames].reshape(-1, network.mels).numpy()
    words = word_times(log_probs, text, network.frame_seconds) if text else ()
    return Inside(padded, mels, gates, np.exp(log_probs), words)


def word_times(
    log_probs: Frames, text: str, frame_seconds: float = FRAME_MS / 1000
) -> tuple[tuple[str, float, float], ...]:
    """When each word of a text was said, by the best path; SpeechLstmError if the recording is too short for it.

    log_probs: float32 [frames, phones].
    """
    words, lexicon = spoken_words(text), Lexicon()
    pronunciations = [lexicon.pronunciations(word) for word in words]
    if not words:
        return ()
    trellis = build_trellis(pronunciations, TOKENS)
    path, score = best_path(log_probs, trellis)
    if not np.isfinite(score):
        raise SpeechLstmError(f"the recording is too short for the words {text!r}")
    # States are numbered word by word: the blank at the beginning, then each word's phones and the blank behind it.
    lasts = [len(build_trellis(pronunciations[: count + 1], TOKENS).tokens) - 1 for count in range(len(words))]
    spoken = np.flatnonzero(trellis.tokens[path])
    of_word = np.searchsorted(lasts, path[spoken])
    times = []
    for number, word in enumerate(words):
        frames = spoken[of_word == number]
        times.append((word, float(frames[0] * frame_seconds), float((frames[-1] + 1) * frame_seconds)))
    return tuple(times)


def draw(inside: Inside, title: str, target: Path) -> None:
    """Write a PNG with seven panels over one time axis."""
    from matplotlib.figure import Figure

    seconds = len(inside.audio) / SAMPLE_RATE
    figure = Figure(figsize=(max(8.0, 3.0 * seconds), 11.0), layout="constrained")
    axes = figure.subplots(7, 1, sharex=True, height_ratios=[1, 2, 2, 2, 2, 2, 3])
    axes[0].plot(np.arange(len(inside.audio)) / SAMPLE_RATE, inside.audio, linewidth=0.4, color="black")
    axes[0].set_ylabel("waveform")
    axes[0].set_title(title)

    def image(axis: object, values: Frames, name: str, bounds: tuple[float, float], colours: str) -> None:
        axis.imshow(  # type: ignore[attr-defined]
            values.T, aspect="auto", origin="lower", extent=(0, seconds, 0, values.shape[1]), vmin=bounds[0],
            vmax=bounds[1], cmap=colours, interpolation="nearest",
        )  # fmt: skip
        axis.set_ylabel(name)  # type: ignore[attr-defined]

    image(axes[1], inside.mels, "log-mel", (-2.5, 2.5), "magma")
    order = np.argsort(inside.gates["forget"].mean(0))
    for axis, name in zip(axes[2:5], ("input", "forget", "output"), strict=True):
        image(axis, inside.gates[name][:, order], f"{name} gate", (0, 1), "viridis")
    reach = float(np.quantile(np.abs(inside.gates["cell"]), 0.98)) or 1.0
    image(axes[5], inside.gates["cell"][:, order], "cell state", (-reach, reach), "RdBu")
    shown = _heard(inside.posteriors)
    image(axes[6], inside.posteriors[:, shown], "phones", (0, 1), "Greys")
    axes[6].set_yticks(np.arange(len(shown)) + 0.5, [TOKENS[token] for token in shown], fontsize=8)
    for word, start, end in inside.words:
        axes[6].axvspan(start, end, alpha=0.15, color="tab:orange")
        axes[6].text((start + end) / 2, len(shown), word, ha="center", va="bottom", color="tab:red")
    axes[6].set_ylim(0, len(shown) + 1.5)  # room for the words
    axes[6].set_xlabel("seconds")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100, format="png")
    write_atomically(target, picture.getvalue())


def _heard(posteriors: Frames) -> Sequence[int]:
    """The phones with the highest posteriors, in the order in which they have them."""
    most = posteriors[:, 1:].max(0)
    chosen = 1 + np.argsort(-most)[:MOST_PHONES]
    chosen = chosen[most[chosen - 1] > 0.1] if (most > 0.1).any() else chosen[:1]
    return [int(token) for token in sorted(chosen, key=lambda token: -int(posteriors[:, token].argmax()))]
