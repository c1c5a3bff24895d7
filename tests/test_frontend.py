"""The front end against librosa, an independent implementation, and the model contract around it."""

import math
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from speech_lstm.acoustic.frontend import FFT, HIGH_HZ, HOP, LOG_FLOOR, LOW_HZ, PAST, SAMPLE_RATE, WINDOW, LogMel
from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.lexicon.tokens import TOKENS

FRAME_SAMPLES = 640
CLIP = next((Path(__file__).parent / "data" / "sentences").glob("*.opus"))


@pytest.mark.parametrize("training", [True, False])
def test_energies_are_those_of_librosa(training: bool) -> None:
    audio = read_audio(CLIP)[: PAST + 200 * HOP]
    margin = (FFT - WINDOW) // 2  # librosa puts the window in the middle of the transform
    power = librosa.feature.melspectrogram(
        y=np.pad(audio, margin), sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, win_length=WINDOW, center=False, power=2.0,
        n_mels=64, fmin=LOW_HZ, fmax=HIGH_HZ, htk=True, norm=None,
    )  # fmt: skip
    frontend = LogMel(64).train(training)
    ours = frontend.energies(torch.from_numpy(audio)[None])[0].numpy()
    np.testing.assert_allclose(ours, np.log(power.T[: len(ours)] + LOG_FLOOR), atol=2e-3)


@pytest.mark.parametrize("frames", [1, 2, 7, 40])
def test_chunks_give_what_the_whole_gives(frames: int) -> None:
    torch.manual_seed(0)
    model = AcousticModel(len(TOKENS), hidden=32, layers=2).eval()
    audio = torch.from_numpy(read_audio(CLIP)[: 72 * FRAME_SAMPLES])[None]
    with torch.no_grad():
        whole, last = model(audio, model.initial_state(1))
        state, parts = model.initial_state(1), []
        for chunk in audio.split(frames * FRAME_SAMPLES, dim=1):
            log_probs, state = model(chunk, state)
            parts.append(log_probs)
    assert whole.shape == (1, 72, len(TOKENS)) and last.shape == (1, model.state_size) == (1, PAST + 2 * 2 * 32)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-4, rtol=0)
    torch.testing.assert_close(state, last, atol=1e-4, rtol=0)
    torch.testing.assert_close(whole.exp().sum(-1), torch.ones(1, 72), atol=1e-5, rtol=0)


def test_nothing_looks_ahead() -> None:
    torch.manual_seed(0)
    model = AcousticModel(len(TOKENS), hidden=32, layers=2).eval()
    audio = torch.from_numpy(read_audio(CLIP)[: 20 * FRAME_SAMPLES])[None]
    changed = audio.clone()
    changed[:, 10 * FRAME_SAMPLES :] = 0.5
    with torch.no_grad():
        before, after = (model(a, model.initial_state(1))[0] for a in (audio, changed))
    torch.testing.assert_close(before[:, :10], after[:, :10], atol=0, rtol=0)
    assert not torch.equal(before[:, 10:], after[:, 10:])


@pytest.mark.parametrize("factor", [0.88, 1.0, 1.14])
@pytest.mark.parametrize("hertz", [300, 1200, 3600])
def test_warped_tones_are_where_tones_of_that_frequency_are(hertz: int, factor: float) -> None:
    frontend, times = LogMel(64), torch.arange(PAST + 20 * HOP) / SAMPLE_RATE
    (low, _), (high, _) = (
        frontend(0.3 * torch.sin(2 * torch.pi * f * times)[None, PAST:], torch.zeros(1, PAST))
        for f in (hertz, hertz * factor)
    )
    warped = frontend.warp(low, frontend.places(factor))
    assert abs(int(warped[0, 10].argmax()) - int(high[0, 10].argmax())) <= 1
    assert (factor == 1.0) == torch.allclose(warped, low, atol=1e-4)


def test_equalised_sound_is_as_if_filtered() -> None:
    frontend, times = LogMel(64), torch.arange(20 * HOP) / SAMPLE_RATE
    tones = [torch.sin(2 * torch.pi * f * times)[None] for f in (500, 3000)]
    plain, _ = frontend(0.1 * tones[0] + 0.1 * tones[1], torch.zeros(1, PAST))
    filtered, _ = frontend(0.1 * tones[0] + 0.01 * tones[1], torch.zeros(1, PAST))
    place = int(frontend(tones[1], torch.zeros(1, PAST))[0][0, 10].argmax())
    gains = torch.zeros(64)
    gains[place - 12 :] = -math.log(100)  # of power
    equalised = frontend.equalise(plain, gains)
    torch.testing.assert_close(equalised[0, 5:, place], filtered[0, 5:, place], atol=0.02, rtol=0)
    torch.testing.assert_close(equalised[..., : place - 12], plain[..., : place - 12])
    silence, _ = frontend(torch.zeros(1, 20 * HOP), torch.zeros(1, PAST))
    torch.testing.assert_close(frontend.equalise(silence, gains + 3.0), silence)  # nothing is louder than nothing


def test_warping_leaves_flat_spectra_flat() -> None:
    frontend = LogMel(64)
    flat = torch.full((3, 64), 0.7)
    torch.testing.assert_close(frontend.warp(flat, frontend.places(1.1)), flat)
