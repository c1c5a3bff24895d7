"""What `speech-lstm train` saved, as a model that is ready to export."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speech_lstm.acoustic.frontend import SAMPLE_RATE
from speech_lstm.acoustic.model import FRAME_MS, AcousticModel
from speech_lstm.config import ModelConfig
from speech_lstm.export.weights import read_weights
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.lexicon.tokens import TOKENS, UNKNOWN
from speech_lstm.runtime.model.metadata import ModelMetadata


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What training saved, as plain data; ModelError if the file is missing or is no checkpoint of this package."""
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception:  # whatever pickle makes of foreign bytes
        raise ModelError(f"{path}: not a checkpoint of `speech-lstm train`, or cut off") from None
    needed = ("config", "tokens", "average")
    if not isinstance(saved, dict) or (missing := [key for key in needed if key not in saved]):
        lacks = f": lacks {', '.join(missing)}" if isinstance(saved, dict) else ""
        raise ModelError(f"{path}: not a checkpoint of `speech-lstm train`{lacks}")
    if tuple(saved["tokens"]) != TOKENS and saved["tokens"][-1:] != [UNKNOWN]:
        raise ModelError(f"{path}: its tokens are not this package's phones; train again with this version")
    return saved


def load_checkpoint(
    path: Path, blend: Path | None = None, share: float = 0.5, speech: Sequence[Tensor] = ()
) -> tuple[AcousticModel, ModelMetadata]:
    """The network with averaged weights, settled and for evaluation, and what can be told of it without measuring.

    `blend`: an exported fp32 model that training began with, of whose weights this share is mixed in: what it heard
    better is kept, and what was learned too (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). The
    weights are rounded to half precision, in which the fp32 file stores them. `speech`: what `AcousticModel.settle`
    lets streams begin after.

    ModelError if a file is missing or is not such a checkpoint or model.
    """
    checkpoint = read_checkpoint(path)
    try:
        config = ModelConfig(**checkpoint["config"]["model"])
        model = AcousticModel(len(checkpoint["tokens"]), **dataclasses.asdict(config))
        model.load_state_dict(checkpoint["average"])
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: not a checkpoint of `speech-lstm train`: {reason}") from None
    if blend is not None:
        for name, value in read_weights(blend, model).items():
            model.state_dict()[name].lerp_(value, share)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half())
    model.eval().settle(speech)
    return model, describe(model, tuple(checkpoint["tokens"]))


def describe(model: AcousticModel, tokens: tuple[str, ...] = TOKENS) -> ModelMetadata:
    """Metadata of a model for English, with nothing measured yet."""
    blocks = {
        "convolution": model.convolution is not None,
        "feed-forward": bool(model.feed_forward),
        f"{model.lookahead_frames} frames of look-ahead": bool(model.lookahead_frames),
        f"{round(1000 * model.frame_seconds)} ms": model.frame_seconds != FRAME_MS / 1000,
    }
    return ModelMetadata(
        architecture=", ".join([f"{model.cell.upper()} {model.layers} x {model.hidden}", *filter(blocks.get, blocks)]),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokens=tokens,
        language="en",
        sample_rate=SAMPLE_RATE,
        chunk_samples=model.frame_samples,
        frame_seconds=model.frame_seconds,
        precision="fp32",
        lookahead_frames=model.lookahead_frames,
    )
