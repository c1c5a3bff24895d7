"""Recordings cut between words and joined in another order, so that no sentence can be learnt by heart.

After Lam et al. 2021, "On-the-fly aligned data augmentation for sequence-to-sequence ASR", but within a recording: the
voice, the room and the microphone stay what they were.
"""

from collections.abc import Sequence

import numpy as np

from speech_lstm.runtime.audio.pcm import SAMPLE_RATE
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words

MOST_CUTS = 3
DROPPED = 0.3
"""Part of the recordings in three pieces or more of which one is left out."""
LEAST = 4000
"""Samples that are left of them then."""
REACH = 0.06
"""Seconds to either side of the middle between two words in which the quietest place is looked for."""
LATE = 0.09
"""Seconds by which the network that tells the times is late: cut in the middle of what it tells, the first sound of a
word would stay with the word before."""
WINDOW = 160
"""Samples over which a place is quiet."""
FADE = 80
"""Samples at the ends of each piece that fade, so that nothing clicks."""

Timed = tuple[int, float, float]  # phone, start and end in seconds


def word_starts(text: str, phones: Sequence[str], lexicon: Lexicon) -> tuple[int, ...]:
    """Index of the first phone of each word of a text; none where no pronunciations of the words make up the phones."""
    reached: dict[int, tuple[int, ...]] = {0: ()}  # where words may end -> where those up to there begin
    for word in spoken_words(text):
        ends: dict[int, tuple[int, ...]] = {}
        for said in lexicon.pronunciations(word):
            for start, before in reached.items():
                if tuple(phones[start : start + len(said)]) == tuple(said):
                    ends.setdefault(start + len(said), (*before, start))
        reached = ends
    return reached.get(len(phones), ())


def shuffle(
    samples: np.ndarray, alignment: Sequence[Timed], words: Sequence[int], random: np.random.Generator
) -> tuple[np.ndarray, list[Timed]]:
    """Another order of a recording's words, and when its phones are then said.

    samples: float32 [n], 16 kHz; alignment: its phones; words: index of the first phone of each word, two at least. It
    is cut at one to `MOST_CUTS` places, and the order may come out as it was.
    """
    count = min(len(words) - 1, int(random.integers(1, MOST_CUTS + 1)))
    cuts = sorted(random.choice(words[1:], count, replace=False).tolist())
    edges = [0]
    for cut in cuts:
        edges.append(max(edges[-1], _between(samples, alignment[cut - 1], alignment[cut])))
    edges.append(len(samples))
    borders = [0, *cuts, len(alignment)]
    order = random.permutation(len(edges) - 1)
    lengths = np.diff(edges)[order]
    if len(order) > 2 and random.random() < DROPPED and lengths[1:].sum() > LEAST:
        order = order[1:]
    pieces: list[np.ndarray] = []
    moved: list[Timed] = []
    seconds = 0.0
    for piece in order.tolist():
        first, last = edges[piece] / SAMPLE_RATE, edges[piece + 1] / SAMPLE_RATE
        for phone, *times in alignment[borders[piece] : borders[piece + 1]]:
            start, end = (min(max(time, first), last) - first + seconds for time in times)
            moved.append((phone, start, end))
        pieces.append(_faded(samples[edges[piece] : edges[piece + 1]]))
        seconds += last - first
    return np.concatenate(pieces), moved


def _between(samples: np.ndarray, left: Timed, right: Timed) -> int:
    """The quietest sample between two phones, near the middle."""
    middle = (left[2] + right[1]) / 2 - LATE
    first = round(max(left[1] - LATE, middle - REACH, 0.0) * SAMPLE_RATE)
    near = samples[first : max(first, round(min(right[2] - LATE, middle + REACH) * SAMPLE_RATE))]
    if len(near) <= WINDOW:
        return min(max(0, round(middle * SAMPLE_RATE)), len(samples))
    power = np.convolve(near * near, np.ones(WINDOW, np.float32), "valid")
    return first + int(np.argmin(power)) + WINDOW // 2


def _faded(piece: np.ndarray) -> np.ndarray:
    length = min(FADE, len(piece) // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    faded = piece.copy()
    faded[:length] *= ramp
    faded[len(piece) - length :] *= ramp[::-1]
    return faded
