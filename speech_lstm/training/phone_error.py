"""Phone error of a model in training: the best phone sequence under the phone bigram, against the transcript."""

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from speech_lstm.acoustic.model import FRAME_SAMPLES, AcousticModel
from speech_lstm.data.corpus import PackedAudio
from speech_lstm.data.dataset import Example
from speech_lstm.training.denominator import TINY, Bigram

TAIL = 4800
"""Samples of silence after a clip: a model hears a little late."""


@torch.no_grad()
def phone_error_rate(
    model: AcousticModel, examples: list[Example], audio: PackedAudio, bigram: Bigram, blank_offset: float = 0.0
) -> float:
    """Phone error over clips, whole-clip forward; `blank_offset` is taken off the blank log-probability."""
    errors = total = 0
    device = model.output.weight.device
    order = sorted(examples, key=lambda e: e.utterance.duration)
    for start in range(0, len(order), 16):
        part = order[start : start + 16]
        clips = [np.pad(audio[e.utterance.path].astype(np.float32) / 32767.0, (0, TAIL)) for e in part]
        frames = [-(-len(clip) // FRAME_SAMPLES) for clip in clips]
        batch = torch.zeros(len(part), max(frames) * FRAME_SAMPLES)
        for row, clip in zip(batch, clips, strict=True):
            row[: len(clip)] = torch.from_numpy(clip)
        log_probs, _ = model(batch.to(device), model.initial_state(len(part)).to(device))
        log_probs[..., 0] -= blank_offset
        for heard, example in zip(best_phones(log_probs, frames, bigram), part, strict=True):
            errors += Levenshtein.distance(heard, example.phones)
            total += len(example.phones)
    return errors / max(1, total)


def best_phones(log_probs: Tensor, frames: list[int], bigram: Bigram) -> list[list[int]]:
    """The likeliest path (Viterbi) through the CTC topology looped through the bigram, as phones.

    log_probs: [batch, time, tokens]; frames: of each.
    """
    scores = log_probs.cpu()
    batch, time, tokens = scores.shape
    n = tokens - 1
    move = (bigram.move.cpu() + TINY).log()  # a phone after itself needs a blank: `direct` leaves that out
    direct = move.masked_fill(torch.eye(n, dtype=torch.bool), -torch.inf)
    end = (bigram.end.cpu() + TINY).log()
    phone = (bigram.start.cpu() + TINY).log() + scores[:, 0, 1:]
    rest = torch.full((batch, n), -torch.inf)  # blank after that phone
    first = scores[:, 0, 0]  # blank before any phone
    came: list[tuple[Tensor, Tensor]] = []
    finals = [torch.cat([phone + end, rest + end], 1)]
    for t in range(1, time):
        options = torch.cat([phone[:, :, None] + direct, rest[:, :, None] + move], 1)  # [batch, 2 n, n]
        best, source = options.max(1)
        begin = first[:, None] + (bigram.start.cpu() + TINY).log()
        best, source = torch.maximum(best, begin), torch.where(begin > best, 2 * n, source)
        source = torch.where(phone >= best, torch.arange(n), source)
        stay = rest >= phone
        phone, rest = torch.maximum(phone, best) + scores[:, t, 1:], torch.where(stay, rest, phone) + scores[:, t, :1]
        first = first + scores[:, t, 0]
        came.append((source, torch.where(stay, n, 0) + torch.arange(n)))
        finals.append(torch.cat([phone + end, rest + end], 1))
    return [
        _trace(row, [f[row] for f in finals[: frames[row]]][-1], came[: frames[row] - 1], n) for row in range(batch)
    ]


def _trace(row: int, final: Tensor, came: list[tuple[Tensor, Tensor]], n: int) -> list[int]:
    state = int(final.argmax())
    states = [state]
    for phone, rest in reversed(came):
        if state == 2 * n:
            break
        state = int(phone[row, state]) if state < n else int(rest[row, state - n])
        states.append(state)
    states.reverse()
    changed = [state for state, before in zip(states, [-1, *states], strict=False) if state != before]
    return [state + 1 for state in changed if state < n]
