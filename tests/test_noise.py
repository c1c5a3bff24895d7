"""Silence is heard in long blocks, and what rises over it at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speech_lstm.runtime import Recognizer
from speech_lstm.runtime.audio import Samples, read_audio
from speech_lstm.runtime.audio.noise import MEMORY, Noise
from speech_lstm.runtime.results import Event, SpeechStarted

CLIPS = sorted((Path(__file__).parent / "data" / "words").glob("*.opus"))
BLOCK, FRAME = 1280, 640


def hiss(seconds: float, power: float = 1e-6, seed: int = 0) -> Samples:
    """Its power is that of the differences of samples, which is twice that of the samples."""
    made = np.random.default_rng(seed).normal(0, np.sqrt(power / 2), round(16_000 * seconds))
    return made.astype(np.float32)


def sounds(noise: Noise, audio: Samples) -> list[bool]:
    return [noise.is_under(block) for block in audio.reshape(-1, BLOCK)]


@pytest.mark.parametrize("power", [0, 1e-9, 1e-6, 1e-3])
def test_what_stays_the_same_is_no_sound(power: float) -> None:
    assert not any(sounds(Noise(), hiss(8, power)))


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_sound_is_heard_in_the_block_where_it_begins(hertz: int) -> None:
    noise, tone = Noise(), np.sin(2 * np.pi * hertz * np.arange(BLOCK) / 16_000).astype(np.float32)
    assert not any(sounds(noise, hiss(2.4)))
    assert sounds(noise, hiss(0.08, seed=1) + 0.02 * tone) == [True]


def test_a_constant_offset_and_hum_hide_nothing() -> None:
    noise, at = Noise(), np.arange(16_000 * 4) / 16_000
    around = hiss(4) + np.float32(0.2) + (0.1 * np.sin(2 * np.pi * 50 * at)).astype(np.float32)
    assert not any(sounds(noise, around[: 25 * BLOCK]))
    around[25 * BLOCK : 26 * BLOCK] += hiss(0.08, 1e-5, seed=2)
    assert sounds(noise, around[25 * BLOCK : 26 * BLOCK]) == [True]


def test_new_noise_is_a_sound_until_it_has_gone_on_for_a_while() -> None:
    noise = Noise()
    sounds(noise, hiss(4))
    found = sounds(noise, hiss(8, 1e-4, seed=1))
    assert found[0] and not any(found[2 * MEMORY :])


def hear(recognizer: Recognizer, audio: Samples) -> tuple[list[int], list[float]]:
    """Samples of each block, and the delay of each start of speech: from its frame to when it is told."""
    stream, sizes, late = recognizer.stream(), [], []
    for begin in range(0, len(audio), FRAME):
        stream.put(audio[begin : begin + FRAME])
        while (block := stream.next_block()) is not None:
            sizes.append(len(block))
            log_probs, state = stream.model.run(block[None], stream.model_state[None])
            found: list[Event] = stream.advance(log_probs[0], state[0])
            late += [(begin + FRAME) / 16_000 - event.time for event in found if isinstance(event, SpeechStarted)]
    return sizes, late


def test_silence_is_heard_in_long_blocks_and_speech_no_later_for_it() -> None:
    recognizer = Recognizer(grammar=[clip.stem.split("_")[0] for clip in CLIPS], device="cpu")
    audio = np.concatenate([part for clip in CLIPS[:8] for part in (hiss(3.1, 1e-7), read_audio(clip))])
    sizes, late = hear(recognizer, audio + hiss(len(audio) / 16_000, 1e-7, seed=3)[: len(audio)])
    assert max(sizes) == 8 * BLOCK and np.mean(sizes) > 4 * BLOCK
    assert len(late) >= 8 and max(late) <= 4 * BLOCK / 16_000
