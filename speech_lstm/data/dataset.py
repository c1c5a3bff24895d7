"""Batches for training: utterances to phones, length buckets, augmentation on the fly, frame labels from alignments."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from speech_lstm.acoustic.model import FRAME_SAMPLES, FRAME_SECONDS
from speech_lstm.data.augment import Augmenter
from speech_lstm.data.corpus import PackedAudio, Utterance
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import normalise
from speech_lstm.runtime.lexicon.tokens import TOKENS

IGNORED = -100  # label of frames without an alignment (cross_entropy's ignore_index)
Alignment = list[tuple[str, float, float]]  # phone, start and end in seconds


@dataclass(frozen=True)
class Example:
    """An utterance with its phones as token numbers and, where known, when each was said."""

    utterance: Utterance
    phones: tuple[int, ...]
    alignment: tuple[tuple[int, float, float], ...] = ()


@dataclass(frozen=True)
class Batch:
    """audio float32 [batch, samples]; samples [batch]; phones [total]; phone_counts [batch]; labels [batch, frames]."""

    audio: Tensor
    samples: Tensor
    phones: Tensor
    phone_counts: Tensor
    labels: Tensor

    @property
    def seconds(self) -> float:
        """Seconds of speech, padding not counted."""
        return float(self.samples.sum()) / 16000

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def read_alignments(path: Path) -> dict[str, Alignment]:
    """Forced alignments by audio path: one JSON object a line, {"path": ..., "phones": [[phone, start, end], ...]}."""
    return {row["path"]: row["phones"] for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def make_examples(
    utterances: Sequence[Utterance], lexicon: Lexicon, alignments: dict[str, Alignment] | None = None
) -> list[Example]:
    """Phones of each utterance, as aligned or else by its words' first pronunciations.

    Utterances with a word that has no pronunciation, or with more phones than frames, are left out and counted on
    stderr.
    """
    number = {token: index for index, token in enumerate(TOKENS)}
    examples, skipped = [], 0
    for utterance in utterances:
        aligned = tuple(
            (number[phone], start, end)
            for phone, start, end in (alignments or {}).get(str(utterance.path), ())
            if phone in number
        )
        try:
            phones = tuple(p for p, _, _ in aligned) or tuple(
                number[phone] for word in normalise(utterance.text).split() for phone in lexicon.pronunciations(word)[0]
            )
        except SpeechLstmError:
            skipped += 1
            continue
        repeats = sum(a == b for a, b in pairwise(phones))
        if (len(phones) + repeats) * FRAME_SECONDS > utterance.duration:
            skipped += 1
            continue
        examples.append(Example(utterance, phones, aligned))
    if skipped:
        reasons = "no pronunciation, or shorter than their phones"
        print(f"{skipped} of {len(utterances)} utterances left out: {reasons}", file=sys.stderr)
    return examples


def frame_labels(example: Example, frames: int, speed: float, lead: float, delay: int) -> np.ndarray:
    """int64 [frames]: the phone heard `delay` frames ago, 0 in silence; every phone at least once.

    All are IGNORED if there is speech whose alignment is not known.
    """
    if example.phones and not example.alignment:
        return np.full(frames, IGNORED, np.int64)
    labels = np.zeros(frames, np.int64)
    for phone, start, end in example.alignment:
        first, last = ((t / speed + lead) / FRAME_SECONDS + delay for t in (start, end))
        labels[min(int(first + 0.5), frames - 1) : max(int(last + 0.5), int(first + 0.5) + 1)] = phone
    return labels


def collate(clips: Sequence[np.ndarray], phones: Sequence[Sequence[int]], labels: Sequence[np.ndarray]) -> Batch:
    """Pad clips to the longest, in whole frames."""
    frames = max(len(row) for row in labels)
    audio = np.zeros((len(clips), frames * FRAME_SAMPLES), np.float32)
    padded = np.full((len(clips), frames), IGNORED, np.int64)
    for row, (clip, label) in enumerate(zip(clips, labels, strict=True)):
        audio[row, : len(clip)] = clip
        padded[row, : len(label)] = label
    return Batch(
        torch.from_numpy(audio),
        torch.tensor([len(clip) for clip in clips]),
        torch.tensor([token for row in phones for token in row]),
        torch.tensor([len(row) for row in phones]),
        torch.from_numpy(padded),
    )


class TrainingBatches(IterableDataset[Batch]):
    """An endless stream of augmented batches of about `batch_seconds` of audio, clips of like length together.

    Ranks and loader workers draw different random batches; `strength` scales the augmentation and may change meanwhile.
    """

    def __init__(
        self, examples: Sequence[Example], repeats: Sequence[float], audio: PackedAudio, augmenter: Augmenter,
        batch_seconds: float, seed: int, delay: int,
    ) -> None:  # fmt: skip
        self.examples, self.repeats, self.audio, self.augmenter = examples, np.asarray(repeats), audio, augmenter
        self.batch_seconds, self.seed, self.delay = batch_seconds, seed, delay
        self.strength = torch.zeros(1).share_memory_()  # loader workers see it change

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        random = np.random.default_rng([self.seed, worker.id if worker else 0])
        durations = np.array([e.utterance.duration for e in self.examples])
        while True:
            counts = np.floor(self.repeats + random.random(len(self.repeats))).astype(int)
            order = np.repeat(np.arange(len(self.examples)), counts)
            order = order[np.argsort(durations[order] * random.uniform(0.9, 1.1, len(order)))]
            batches: list[list[int]] = []
            batch: list[int] = []
            longest = 0.0
            for index in order.tolist():
                longest = max(longest, durations[index])
                if batch and longest * (len(batch) + 1) > self.batch_seconds:
                    batches.append(batch)
                    batch, longest = [], durations[index]
                batch.append(index)
            batches.append(batch)
            random.shuffle(batches)
            for batch in batches:
                yield self._batch([self.examples[i] for i in batch], random)

    def _batch(self, examples: Sequence[Example], random: np.random.Generator) -> Batch:
        clips, labels = [], []
        for example in examples:
            samples = self.audio[example.utterance.path].astype(np.float32) / 32768.0
            clip, speed, lead = self.augmenter(samples, random, float(self.strength))
            clips.append(clip)
            labels.append(frame_labels(example, -(-len(clip) // FRAME_SAMPLES), speed, lead, self.delay))
        return collate(clips, [example.phones for example in examples], labels)
