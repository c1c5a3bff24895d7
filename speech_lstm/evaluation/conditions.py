"""Conditions that a clip is heard in: clean, in noise, in a room, or late in a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from speech_lstm.evaluation.clips import read_clips
from speech_lstm.evaluation.rooms import reverberant
from speech_lstm.evaluation.suite import Noise, Suite, matching
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples, read_audio
from speech_lstm.runtime.model.model import Model

State = NDArray[np.float32]

AROUND_SECONDS = 0.5
"""Noise before and after a clip, and quiet between it and what the stream heard before."""

FAINT = 10 ** (-60 / 20)
"""Root mean square of faint noise."""

QUIET = 10 ** (-30 / 20)
"""By how much quiet speech is below speech as recorded."""

PIECE = 10 * SAMPLE_RATE
"""Samples of a long stream that the model hears in one call."""


@dataclass(frozen=True)
class Condition:
    """One of: nothing set, which is clean; `noise` at `snr_db`; `room`; late, after `seconds` of `after`."""

    noise: str = ""
    snr_db: float | None = None
    room: str = ""
    after: str = ""
    seconds: float | None = None

    @property
    def name(self) -> str:
        """For tables."""
        if self.noise:
            return f"{self.noise}, {self.snr_db:g} dB"
        if self.seconds is not None:
            long = f"{self.seconds / 3600:g} h" if self.seconds >= 3600 else f"{self.seconds:g} s"
            return f"after {long} of {self.after}"
        return self.room or "clean"


CLEAN = Condition()


def conditions_of(suite: Suite, snr_db: Sequence[float] | None = None) -> list[Condition]:
    """All of a suite, clean first. snr_db: instead of the suite's."""
    ratios = suite.snr_db if snr_db is None else snr_db
    found = [CLEAN]
    found += [Condition(noise=noise, snr_db=float(ratio)) for noise in suite.noises for ratio in ratios]
    found += [Condition(room=room) for room in suite.rooms]
    if suite.late:
        found += [Condition(after=what, seconds=float(s)) for what in suite.late.after for s in suite.late.seconds]
    return found


class Surroundings:
    """What is around clips, for one model: its noises, rooms, and the states of its streams that are not fresh."""

    def __init__(self, suite: Suite, model: Model) -> None:
        """Hears what comes before late clips, the longest of each kind once."""
        self._suite, self._model = suite, model
        self._states = late_states(suite, model)
        self._files = {name: _noise_files(suite.located(noise.folder), noise) for name, noise in suite.noises.items()}

    def audio(self, clip: Samples, name: str, condition: Condition) -> Samples:
        """float32 [n] of a clip in a condition. name: of the clip; the noise that it gets depends on nothing else."""
        if condition.noise:
            assert condition.snr_db is not None
            return in_noise(clip, self.noise(condition.noise, name), condition.snr_db)
        if condition.room:
            return reverberant(clip, self._suite.rooms[condition.room])
        return clip

    def state(self, condition: Condition) -> State:
        """float32 [1, state size] that a clip begins with."""
        return self._states.get(condition, self._model.initial_state())

    def noise(self, noise: str, name: str) -> Samples:
        """A clip of noise, drawn by the name of the clip that it is for: the same in all its ratios."""
        random = np.random.default_rng([self._suite.seed, crc32(name.encode())])
        drawn = [_kept(files[int(random.integers(len(files)))]) for files in self._files[noise]]
        return summed([np.roll(part, int(random.integers(len(part)))) for part in drawn])


@lru_cache(maxsize=2000)
def _kept(path: Path) -> Samples:
    """The audio of a file that is heard again and again: noise, and what is said before late clips."""
    return read_audio(path)


def _noise_files(folder: Path, noise: Noise) -> list[list[Path]]:
    """The files of each list of patterns."""
    return [matching(folder, patterns) for patterns in noise.mix]


def summed(noises: Sequence[Samples]) -> Samples:
    """Noises made equally loud, as long as the longest: float32 [n]."""
    length = max(map(len, noises))
    loud = [np.resize(part / np.sqrt(np.mean(part**2) + 1e-10), length) for part in noises]
    return np.sum(loud, axis=0, dtype=np.float32)


def mixed(speech: Samples, noise: Samples, snr_db: float) -> Samples:
    """Speech with noise, repeated or cut to its length, at a signal-to-noise ratio: float32 [n]."""
    fitting = np.resize(noise, len(speech))
    power = float(np.mean(speech**2)) / max(float(np.mean(fitting**2)), 1e-10)
    return (speech + fitting * np.sqrt(power * 10 ** (-snr_db / 10))).astype(np.float32)


def in_noise(clip: Samples, noise: Samples, snr_db: float, around: float = AROUND_SECONDS) -> Samples:
    """A clip in noise that begins so many seconds before it and ends so many after; the ratio is that within it."""
    side = round(around * SAMPLE_RATE)
    padded = np.pad(clip, side)
    louder = 10 * np.log10(len(padded) / len(clip))  # the quiet around it has no power
    return mixed(padded, noise, snr_db - louder)


def late_states(suite: Suite, model: Model) -> dict[Condition, State]:
    """The state of a stream for every late condition: each kind of stream is heard once, as far as the longest one."""
    if suite.late is None:
        return {}
    states = {}
    marks = sorted(set(map(float, suite.late.seconds)))
    unit = model.metadata.chunk_samples
    for after in suite.late.after:
        source = _pieces(_sounds(suite, after), PIECE)
        quiet = next(_pieces(_sounds(suite, "faint noise" if "noise" in after else "silence"), PIECE))
        pause = quiet[None, : -(-round(AROUND_SECONDS * SAMPLE_RATE) // unit) * unit]
        state, heard, waiting = model.initial_state(), 0, np.zeros(0, np.float32)
        for seconds in marks:
            end = -(-round(seconds * SAMPLE_RATE) // unit) * unit
            while heard < end:
                waiting = waiting if len(waiting) else next(source)
                piece = waiting[: min(len(waiting), end - heard)]
                waiting = waiting[len(piece) :]
                _, state = model.run(piece[None], state)
                heard += len(piece)
            states[Condition(after=after, seconds=seconds)] = model.run(pause, state)[1]
    return states


def _sounds(suite: Suite, after: str) -> Iterator[Samples]:
    """Without end."""
    assert suite.late is not None
    random = np.random.default_rng(suite.seed)
    if after in ("silence", "faint noise"):
        level = np.float32(FAINT if after == "faint noise" else 0.0)
        while True:
            yield level * random.standard_normal(PIECE, np.float32)
    clips = [clip for path in suite.all_located(suite.late.speech) for clip in read_clips(path, suite)]
    order = random.permutation(len(clips))
    for index in cycle(order.tolist()):
        yield _kept(clips[index].path) * np.float32(QUIET if after == "quiet speech" else 1.0)


def _pieces(sounds: Iterable[Samples], length: int) -> Iterator[Samples]:
    """The same audio in pieces of one length."""
    kept, size = [], 0
    for sound in sounds:
        kept.append(sound)
        size += len(sound)
        if size >= length:
            joined = np.concatenate(kept)
            for start in range(0, size - length + 1, length):
                yield joined[start : start + length]
            kept, size = [joined[size // length * length :]], size % length
