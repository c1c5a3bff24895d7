"""Batches for training: utterances to phones, packed one after another into long streams, augmented on the fly."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from speech_lstm.acoustic.model import FRAME_MS
from speech_lstm.config import ConfigError
from speech_lstm.data.augment import Augmenter
from speech_lstm.data.corpus import PackedAudio, Utterance, read_lines
from speech_lstm.data.shuffle import shuffle, word_starts
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import normalise
from speech_lstm.runtime.lexicon.tokens import TOKENS

IGNORED = -100  # label of frames without an alignment (cross_entropy's ignore_index)
SPREAD = 2.5  # frames that a label reaches to either side of where its phone was found
TRAIL_SECONDS = 0.32  # after a clip that still belong to it: a model answers late
PAUSE_SECONDS = 1.2  # at most, between two clips
Alignment = list[tuple[str, float, float]]  # phone, start and end in seconds


@dataclass(frozen=True)
class Example:
    """An utterance with the numbers of its tokens and, where known, when each was said.

    `span`: the part of the recording that it is, in seconds; None for all. `in_phones`: the same in phones, where the
    tokens are words. `words`: index of the first token of each word, where the alignment has all of them.
    """

    utterance: Utterance
    tokens: tuple[int, ...]
    alignment: tuple[tuple[int, float, float], ...] = ()
    span: tuple[float, float] | None = None
    in_phones: "Example | None" = None
    words: tuple[int, ...] = ()

    @property
    def seconds(self) -> float:
        """Of audio."""
        return self.span[1] - self.span[0] if self.span else self.utterance.duration

    def samples(self, audio: PackedAudio) -> np.ndarray:
        """int16 [samples], 16 kHz."""
        whole = audio[self.utterance.path]
        return whole[round(self.span[0] * 16000) : round(self.span[1] * 16000)] if self.span else whole


@dataclass(frozen=True)
class Batch:
    """Streams of clips, one after another, with pauses.

    audio: float32 [streams, samples], whole frames; segments: int64 [clips, 3]: stream, first frame, number of frames
    of each clip with what follows it; tokens [total]; token_counts [clips]; phones and phone_counts likewise, the same
    in a model of phones; labels and phone_labels [streams, frames].
    """

    audio: Tensor
    segments: Tensor
    tokens: Tensor
    token_counts: Tensor
    phones: Tensor
    phone_counts: Tensor
    labels: Tensor
    phone_labels: Tensor

    @property
    def seconds(self) -> float:
        """Seconds of audio, pauses counted."""
        return self.audio.numel() / 16000

    def twice(self) -> "Batch":
        """The streams, and behind them the same again."""
        again = self.segments.clone()
        again[:, 0] += len(self.audio)
        others = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "segments"}
        doubled = {name: torch.cat([values, values]) for name, values in others.items()}
        return Batch(segments=torch.cat([self.segments, again]), **doubled)

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device; pinned memory is copied while the processor goes on."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))

    def pin_memory(self) -> "Batch":
        """The batch in memory that a GPU reads by itself; a loader that is asked to pin calls it."""
        return Batch(*(getattr(self, field.name).pin_memory() for field in fields(self)))


def read_alignments(path: Path, most_misfit: float = float("inf")) -> dict[str, Alignment | None]:
    """Forced alignments by audio path, as `data.align` writes them: one JSON object a line.

    None for clips that fit their text worse than `most_misfit`, in nats per phone. SpeechLstmError for another file.
    """
    found: dict[str, Alignment | None] = {}
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = json.loads(line)
            times = [(str(phone), float(start), float(end)) for phone, start, end in row["phones"]]
            found[row["path"]] = times if row.get("misfit", 0.0) <= most_misfit else None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SpeechLstmError(f"{path}:{number}: not an alignment by `speech-lstm align` ({error!r})") from None
    return found


def make_examples(
    utterances: Sequence[Utterance],
    lexicon: Lexicon,
    alignments: dict[str, Alignment | None] | None = None,
    frame_seconds: float = FRAME_MS / 1000,
) -> list[Example]:
    """Phones of each utterance, as aligned or else by its words' first pronunciations.

    Utterances with a word that has no pronunciation, with more phones than frames, or that do not fit their text
    (None in `alignments`) are left out and counted on stderr.
    """
    number = {token: index for index, token in enumerate(TOKENS)}
    examples, skipped = [], 0
    for utterance in utterances:
        found = (alignments or {}).get(str(utterance.path), [])
        if found is None:
            skipped += 1
            continue
        aligned = tuple((number[phone], start, end) for phone, start, end in found if phone in number)
        try:
            phones = tuple(p for p, _, _ in aligned) or tuple(
                number[phone] for word in normalise(utterance.text).split() for phone in lexicon.pronunciations(word)[0]
            )
        except SpeechLstmError:
            skipped += 1
            continue
        repeats = sum(a == b for a, b in pairwise(phones))
        if (len(phones) + repeats) * frame_seconds > utterance.duration:
            skipped += 1
            continue
        words = word_starts(utterance.text, [TOKENS[phone] for phone in phones], lexicon) if aligned else ()
        examples.append(Example(utterance, phones, aligned, words=words))
    if skipped:
        reasons = "no pronunciation, shorter than their phones, or not what is said"
        print(f"{skipped} of {len(utterances)} utterances left out: {reasons}", file=sys.stderr)
    return examples


def frame_labels(
    example: Example, frames: int, speed: float, lead: float, frame_seconds: float = FRAME_MS / 1000
) -> np.ndarray:
    """int64 [frames]: each phone from half-way to the one before until half-way to the next, 0 in silence.

    A model finds a phone in one frame or two (`data.align`), so its label is spread, by SPREAD frames at most.
    `lead`: seconds before the clip. All are IGNORED if there is speech whose alignment is not known.
    """
    if example.tokens and not example.alignment:
        return np.full(frames, IGNORED, np.int64)
    labels = np.zeros(frames, np.int64)
    if not example.alignment:
        return labels
    spans = np.array([[start, end] for _, start, end in example.alignment])
    starts, ends = ((spans / speed + lead) / frame_seconds).T
    borders = (ends[:-1] + starts[1:]) / 2
    firsts = np.maximum(starts - SPREAD, np.append(-np.inf, borders))
    lasts = np.minimum(ends + SPREAD, np.append(borders, np.inf))
    for (phone, _, _), first, last in zip(example.alignment, firsts, lasts, strict=True):
        begin = min(max(0, int(first + 0.5)), frames - 1)
        labels[begin : max(int(last + 0.5), begin + 1)] = phone
    return labels


@dataclass
class _Stream:
    """A stream while it is filled: its audio so far ends at `end` samples."""

    audio: np.ndarray
    labels: np.ndarray
    phone_labels: np.ndarray
    clips: list[tuple[int, int, Example]]  # first sample, end
    end: int = 0


class TrainingBatches(IterableDataset[Batch]):
    """Endless augmented batches of `streams` streams of `stream_seconds` each, filled with clips of all lengths.

    A clip that fits nowhere waits for the next batch, so that little of a stream stays empty. Ranks and loader workers
    draw different random batches; `strength` scales the augmentation and may change meanwhile.
    """

    def __init__(
        self, examples: Sequence[Example], repeats: Sequence[float], audio: PackedAudio, augmenter: Augmenter,
        streams: int, stream_seconds: float, seed: Sequence[int], frame_ms: int = FRAME_MS,
        lookahead_frames: int = 0,
    ) -> None:  # fmt: skip
        self.frame_samples, self.frame_seconds = 16 * frame_ms, frame_ms / 1000
        self.trail = round(TRAIL_SECONDS / self.frame_seconds) + lookahead_frames  # frames
        self.examples, self.repeats, self.audio, self.augmenter = examples, np.asarray(repeats), audio, augmenter
        self.streams, self.frames, self.seed = streams, int(stream_seconds / self.frame_seconds), list(seed)
        self.strength = torch.zeros(1).share_memory_()  # loader workers see it change
        self.longest = (self.frames - self.trail) * self.frame_samples  # of a clip, in samples
        slowest = min(1.0, *augmenter.config.speed)
        if not any(
            repeat > 0 and e.seconds * 16000 / slowest <= self.longest
            for e, repeat in zip(examples, repeats, strict=True)
        ):
            raise ConfigError(
                f"optimizer.stream_seconds: no clip of the training data fits into streams of {stream_seconds:g} s"
            )

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        random = np.random.default_rng([*self.seed, worker.id if worker else 0])
        clips = self._clips(random)
        waiting: list[tuple[Example, np.ndarray, float]] = []
        while True:
            streams = [self._empty(random) for _ in range(self.streams)]
            waiting = [clip for clip in waiting if not self._place(clip, streams, random)]
            while len(waiting) < 2 * self.streams:
                clip = next(clips)
                if not self._place(clip, streams, random):
                    waiting.append(clip)
            yield self._batch(streams, random)

    def _clips(self, random: np.random.Generator) -> Iterator[tuple[Example, np.ndarray, float]]:
        """Augmented clips with their speed, every example in each round as often as it is to be repeated."""
        while True:
            counts = np.floor(self.repeats + random.random(len(self.repeats))).astype(int)
            order = random.permutation(np.repeat(np.arange(len(self.examples)), counts))
            for index in order.tolist():
                example = self.examples[index]
                samples = example.samples(self.audio).astype(np.float32) / 32767.0
                likely = self.augmenter.config.shuffle_probability * float(self.strength)
                if len(example.words) > 1 and random.random() < likely:
                    samples, alignment = shuffle(samples, example.alignment, example.words, random)
                    tokens = tuple(phone for phone, _, _ in alignment)
                    example = replace(example, tokens=tokens, alignment=tuple(alignment), words=())
                clip, speed = self.augmenter.clip(samples, random, float(self.strength))
                if len(clip) <= self.longest:
                    yield example, clip, speed

    def _empty(self, random: np.random.Generator) -> _Stream:
        audio = np.zeros(self.frames * self.frame_samples, np.float32)
        return _Stream(audio, np.zeros(self.frames, np.int64), np.zeros(self.frames, np.int64), [])

    def _place(
        self, clip: tuple[Example, np.ndarray, float], streams: list[_Stream], random: np.random.Generator
    ) -> bool:
        """Put a clip after a pause into the fullest stream that has room for it and its trail."""
        example, samples, speed = clip
        room = self.longest - len(samples)
        fitting = [stream for stream in streams if stream.end <= room]
        if not fitting:
            return False
        stream = max(fitting, key=lambda stream: stream.end)
        pause = int(random.uniform(0, PAUSE_SECONDS) ** 2 / PAUSE_SECONDS * 16000)  # short ones are more frequent
        if stream.clips and not example.tokens:
            pause = 0
        start = min(stream.end + max(pause, 1600 if stream.clips else 0), room)
        start = max(start, stream.end)
        stream.audio[start : start + len(samples)] = samples
        first, frames = start // self.frame_samples, -(-len(samples) // self.frame_samples) + self.trail
        frames = min(frames, self.frames - first)
        lead = start / 16000 - first * self.frame_seconds
        for row, each in ((stream.labels, example), (stream.phone_labels, example.in_phones or example)):
            row[first : first + frames] = frame_labels(each, frames, speed, lead, self.frame_seconds)
        stream.end = start + len(samples)
        stream.clips.append((start, stream.end, example))
        return True

    def _batch(self, streams: list[_Stream], random: np.random.Generator) -> Batch:
        segments, examples, trail = [], [], self.trail * self.frame_samples
        for row, stream in enumerate(streams):
            stream.audio = self.augmenter.stream(stream.audio, random, float(self.strength))
            first = 0
            for index, (_, end, example) in enumerate(stream.clips):
                if index + 1 < len(stream.clips):
                    following = stream.clips[index + 1][0]
                    last = int((end + max((following - end) / 2, min(following - end, trail))) / self.frame_samples)
                else:
                    last = self.frames
                segments.append((row, first, last - first))
                examples.append(example)
                first = last
        spoken = [example.in_phones or example for example in examples]
        return Batch(
            torch.from_numpy(np.stack([stream.audio for stream in streams])),
            torch.tensor(segments),
            torch.tensor([token for example in examples for token in example.tokens]),
            torch.tensor([len(example.tokens) for example in examples]),
            torch.tensor([phone for example in spoken for phone in example.tokens]),
            torch.tensor([len(example.tokens) for example in spoken]),
            torch.from_numpy(np.stack([stream.labels for stream in streams])),
            torch.from_numpy(np.stack([stream.phone_labels for stream in streams])),
        )
