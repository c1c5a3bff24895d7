"""Error of a model in training: the best sequence of its tokens under their bigram, against the transcript."""

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein

from speech_lstm.acoustic.frontend import SAMPLE_RATE
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.data.corpus import PackedAudio
from speech_lstm.data.dataset import Example
from speech_lstm.data.phone_bigram import best_phones
from speech_lstm.runtime.model.metadata import TAIL_SECONDS
from speech_lstm.training.denominator import Bigram

TAIL = round(TAIL_SECONDS * SAMPLE_RATE)


@torch.no_grad()
def phone_error_rate(
    model: AcousticModel, examples: list[Example], audio: PackedAudio, bigram: Bigram, blank_offset: float = 0.0
) -> float:
    """Token error over clips, whole-clip forward; `blank_offset` is taken off the blank log-probability."""
    errors = total = 0
    device = model.output.weight.device
    size, late = model.frame_samples, model.lookahead_frames
    order = sorted(examples, key=lambda e: e.seconds)
    for start in range(0, len(order), 16):
        part = order[start : start + 16]
        clips = [np.pad(e.samples(audio).astype(np.float32) / 32767.0, (0, TAIL)) for e in part]
        frames = [-(-len(clip) // size) for clip in clips]
        batch = torch.zeros(len(part), (max(frames) + late) * size)
        for row, clip in zip(batch, clips, strict=True):
            row[: len(clip)] = torch.from_numpy(clip)
        log_probs, _ = model(batch.to(device), model.initial_state(len(part)).to(device))
        log_probs = log_probs[:, late:]
        log_probs[..., 0] -= blank_offset
        for heard, example in zip(best_phones(log_probs.cpu().numpy(), frames, bigram.counted), part, strict=True):
            errors += Levenshtein.distance(heard, example.tokens)
            total += len(example.tokens)
    return errors / max(1, total)
