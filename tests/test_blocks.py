"""Blocks around the cells: with each of them parts equal the whole, in PyTorch and as an exported file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from speech_lstm.acoustic.model import AcousticModel
from speech_lstm.config import AugmentConfig, ModelConfig, ObjectiveConfig
from speech_lstm.data.dataset import Batch
from speech_lstm.export.checkpoint import describe
from speech_lstm.export.parity import torch_difference
from speech_lstm.export.quantize import quantize
from speech_lstm.export.to_onnx import export_onnx
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.model.model import Model
from speech_lstm.training.feature_augment import FeatureAugmenter
from speech_lstm.training.objective import Objective

FRAMES = 40
BLOCKS: dict[str, Callable[[], AcousticModel]] = {
    "none": lambda: AcousticModel(len(TOKENS), hidden=32, layers=2),
    "convolution": lambda: AcousticModel(len(TOKENS), hidden=32, layers=2, convolution=8),
    "feed_forward": lambda: AcousticModel(len(TOKENS), hidden=32, layers=2, feed_forward=2),
    "lookahead_frames": lambda: AcousticModel(len(TOKENS), hidden=32, layers=2, lookahead_frames=3),
    "frame_ms": lambda: AcousticModel(len(TOKENS), hidden=32, layers=2, frame_ms=30),
    "all": lambda: AcousticModel(
        len(TOKENS), "xlstm", 40, 32, 2, convolution=4, feed_forward=1, lookahead_frames=2, frame_ms=30
    ),
}


@dataclass(frozen=True)
class Files:
    """A small network with a block, and its files."""

    network: AcousticModel
    fp32: Path
    int8: Path


@pytest.fixture(scope="module", params=BLOCKS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    torch.manual_seed(0)
    network = BLOCKS[request.param]().eval()
    folder = tmp_path_factory.mktemp(request.param)
    export_onnx(network, describe(network), folder / "fp32.onnx")
    quantize(folder / "fp32.onnx", folder / "int8.onnx")
    return Files(network, folder / "fp32.onnx", folder / "int8.onnx")


def noise(network: AcousticModel, streams: int = 2) -> np.ndarray:
    samples = FRAMES * network.frame_samples
    return 0.1 * np.random.default_rng(0).standard_normal((streams, samples)).astype(np.float32)


def in_chunks(model: Model, audio: np.ndarray) -> np.ndarray:
    """A frame at a time."""
    state, parts = model.initial_state(len(audio)), []
    for chunk in np.split(audio, FRAMES, axis=1):
        log_probs, state = model.run(chunk, state)
        parts.append(log_probs)
    return np.concatenate(parts, 1)


def test_frames_one_by_one_are_the_sequence(files: Files) -> None:
    audio = torch.from_numpy(noise(files.network))
    state, parts = files.network.initial_state(2), []
    with torch.no_grad():
        whole, end = files.network(audio, state)
        for chunk in audio.split(files.network.frame_samples, 1):
            log_probs, state = files.network(chunk, state)
            parts.append(log_probs)
    assert whole.shape == (2, FRAMES, len(TOKENS)) and end.shape == (2, files.network.state_size)
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)
    assert torch.allclose(state, end, atol=1e-5)


def test_exported_files_keep_the_contract_and_stream_like_the_network(files: Files) -> None:
    fp32, int8 = (Model.load(path, device="cpu") for path in (files.fp32, files.int8))  # which checks the contract
    audio = noise(files.network)
    with torch.no_grad():
        expected, _ = files.network(torch.from_numpy(audio), files.network.initial_state(2))
    assert fp32.state_size == int8.state_size == files.network.state_size
    assert np.abs(in_chunks(fp32, audio) - expected.numpy()).max() < 1e-4
    assert torch_difference(files.network, fp32, audio[0]) < 1e-4
    assert np.abs(in_chunks(int8, audio) - in_chunks(fp32, audio)).mean() < 0.1
    assert fp32.metadata.chunk_samples == files.network.frame_samples
    assert fp32.metadata.lookahead_frames == int8.metadata.lookahead_frames == files.network.lookahead_frames
    assert ("Conv" in int8.metadata.precision) == (files.network.convolution is not None)


def test_a_block_is_heard_of_in_the_architecture() -> None:
    told = {name: describe(make()).architecture for name, make in BLOCKS.items()}
    assert told["none"] == "LSTM 2 x 32"
    assert told["all"] == "XLSTM 2 x 32, convolution, feed-forward, 2 frames of look-ahead, 30 ms"
    assert len(set(told.values())) == len(told)


def batch(network: AcousticModel) -> Batch:
    """Two streams of noise with a clip of three phones each; all of the second half is the label 7."""
    phones, counts = torch.tensor([3, 4, 5, 6, 7, 8]), torch.tensor([3, 3])
    labels = torch.zeros(2, FRAMES, dtype=torch.int64)
    labels[:, FRAMES // 2 :] = 7
    segments = torch.tensor([[0, 0, FRAMES], [1, 0, FRAMES]])
    return Batch(torch.from_numpy(noise(network)), segments, phones, counts, phones, counts, labels, labels)


def objective(network: AcousticModel, config: ObjectiveConfig) -> Objective:
    return Objective(network, None, config, AugmentConfig(mel_masks=0), bfloat16=False, seed=0)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_part_of_a_block_learns(block: str) -> None:
    torch.manual_seed(0)
    config = ObjectiveConfig(mmi_weight=0.0, intermediate_weight=0.3, intermediate_layer=1)
    network = BLOCKS[block]()
    loss = objective(network, config)
    loss(batch(network), 0.0, 1.0).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in loss.parameters())


def augmented(network: AcousticModel, config: AugmentConfig, strength: float = 1.0) -> tuple[Tensor, Tensor]:
    """Features of two streams by band, and what becomes of them where a clip is in frames 2 to 4 of the second one."""
    before, _ = network.features(torch.from_numpy(noise(network)))
    augmenter = FeatureAugmenter(network.frontend, config, np.random.default_rng(0))
    after = augmenter(before, torch.tensor([[1, 2, 3]]), strength)
    shape = (*before.shape[:2], network.stack, network.mels)
    return before.view(shape), after.view(shape)


def test_a_clip_is_warped_and_what_is_beside_it_is_not() -> None:
    network = BLOCKS["none"]()
    before, after = augmented(network, AugmentConfig(warp=(1.1, 1.1), warp_probability=1.0, mel_masks=0))
    warped = network.frontend.warp(before[1, 2:5], network.frontend.places(1.1))
    torch.testing.assert_close(after[1, 2:5], warped)
    assert not torch.allclose(warped, before[1, 2:5])
    after[1, 2:5] = before[1, 2:5]
    torch.testing.assert_close(after, before)


def test_a_throat_is_bent_smoothly_and_what_is_beside_it_is_not() -> None:
    network = BLOCKS["none"]()
    config = AugmentConfig(warp=(1.0, 1.0), warp_probability=1.0, warp_bend=1.0, mel_masks=0)
    before, after = augmented(network, config)
    where = torch.arange(network.mels, dtype=torch.float32)
    network.frontend.mean.copy_(where)  # what is heard in a band tells which band it was
    network.frontend.deviation.fill_(1.0)
    bands = FeatureAugmenter(network.frontend, config, np.random.default_rng(0)).warp(
        torch.zeros_like(before), torch.tensor([[1] * before.shape[1], [0] * before.shape[1]]), 1, 1.0
    )
    shift = (bands + where)[1, 0, 0] - where
    assert 0.3 < shift.abs().max() < 4 and shift.diff().abs().median() < 0.3
    assert not bands[0].any()
    assert not torch.allclose(after[1, 2:5], before[1, 2:5])
    after[1, 2:5] = before[1, 2:5]
    torch.testing.assert_close(after, before)
    before, after = augmented(network, config, strength=0.0)
    torch.testing.assert_close(after, before)


def test_a_clip_is_equalised_by_a_smooth_curve_and_what_is_beside_it_is_not() -> None:
    network = BLOCKS["none"]()
    config = AugmentConfig(curve_probability=1.0, curve_db=6.0, mel_masks=0)
    before, after = augmented(network, config)
    moved = (after - before)[1, 2:5].reshape(-1, network.mels) * network.frontend.deviation * 10 / np.log(10)  # dB
    assert moved.abs().max() > 2 and moved.std(0).max() < 0.5  # the same in all vectors, but for what is near the floor
    assert moved.mean(0).diff().abs().max() < moved.abs().max()
    after[1, 2:5] = before[1, 2:5]
    torch.testing.assert_close(after, before)
    before, after = augmented(network, config, strength=0.0)
    torch.testing.assert_close(after, before)


def test_masks_hide_whole_frames_and_bands() -> None:
    network = BLOCKS["none"]()
    config = AugmentConfig(time_masks=1, time_mask_frames=3, mel_masks=1, mel_mask_bands=8, mask_frames=FRAMES)
    before, after = augmented(network, config)
    hidden = after == 0
    for row in range(2):
        assert 0 < hidden[row].float().mean() < 0.5
        frames, bands = hidden[row].all(2).all(1), hidden[row].all(0).all(0)
        assert hidden[row].equal((frames[:, None] | bands).unsqueeze(1).expand_as(hidden[row]))
    torch.testing.assert_close(after[~hidden], before[~hidden])


def test_two_hearings_of_a_stream_agree_more_after_training_on_it() -> None:
    torch.manual_seed(0)
    network = BLOCKS["none"]()
    augment = AugmentConfig(warp_probability=1.0, curve_probability=1.0, mel_masks=2, mel_mask_bands=16)
    plain, both = (
        Objective(network, None, ObjectiveConfig(mmi_weight=0.0, consistency_weight=weight), augment, False, seed=0)
        for weight in (0.0, 1000.0)
    )
    assert plain.views == 1 and both.views == 2
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = both(batch(network), 0.0, 1.0)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2
    assert len(both.pool) == 2 * 8  # memories of one hearing of each stream


def test_hearing_twice_what_is_not_augmented_is_hearing_once() -> None:
    network = BLOCKS["none"]().eval()
    config, augment = ObjectiveConfig(mmi_weight=0.0), AugmentConfig(mel_masks=0)
    once = Objective(network, None, config, augment, False, seed=0)
    twice = Objective(network, None, replace(config, consistency_weight=1.0), augment, False, seed=0)
    torch.testing.assert_close(twice(batch(network), 0.0, 1.0), once(batch(network), 0.0, 1.0))


def test_intermediate_loss_is_mixed_in_and_reaches_no_layer_above() -> None:
    torch.manual_seed(0)
    network = BLOCKS["none"]()
    plain = objective(network, ObjectiveConfig(mmi_weight=0.0))(batch(network), 0.0, 1.0)
    with_phones = objective(network, ObjectiveConfig(mmi_weight=0.0, intermediate_weight=0.25))
    mixed = with_phones(batch(network), 0.0, 1.0)
    vectors, _ = network.encode(network.features(batch(network).audio)[0], torch.zeros(2, network.memory_size))
    assert with_phones.intermediate is not None
    heard = with_phones.intermediate(vectors[0]).log_softmax(-1).transpose(0, 1)
    frames, said = torch.tensor([FRAMES, FRAMES]), batch(network)
    inner = torch.nn.functional.ctc_loss(heard, said.phones, frames, said.phone_counts, reduction="sum") / (2 * FRAMES)
    assert mixed.item() == pytest.approx(0.75 * plain.item() + 0.25 * inner.item(), rel=1e-5)
    network.zero_grad()
    inner.backward()
    below, above = (list(cell.parameters()) for cell in network.cells)
    assert all(p.grad is not None and p.grad.any() for p in below) and all(p.grad is None for p in above)
    assert set(network.state_dict()) == set(BLOCKS["none"]().state_dict())  # nothing of it is in the model


def test_look_ahead_trains_the_later_output_for_the_label() -> None:
    network = BLOCKS["lookahead_frames"]()
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.zero_()
    loss = objective(network, ObjectiveConfig(mmi_weight=0.0))
    seen: list[torch.Tensor] = []

    def see(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    network.output.register_forward_hook(see)
    loss(batch(network), 1.0, 1.0).backward()
    (output,) = seen
    assert output.shape[1] == FRAMES - 3 and output.grad is not None
    wanted = (output.grad < 0).nonzero()[:, 2].reshape(2, -1)[0]  # of each output: frame t is that of t + 3
    assert wanted.tolist() == [0] * (FRAMES // 2) + [7] * (FRAMES // 2 - 3)


def test_metadata_says_the_look_ahead_and_older_files_have_none() -> None:
    metadata = describe(BLOCKS["lookahead_frames"]())
    assert ModelMetadata.from_props(metadata.to_props()) == metadata
    assert metadata.tail_samples == round(0.4 * 16000) + 3 * 640
    assert "lookahead_frames" not in describe(BLOCKS["none"]()).to_props()


def test_a_model_of_every_block_is_made_of_a_configuration() -> None:
    config = ModelConfig(hidden=32, layers=1, convolution=4, feed_forward=2, lookahead_frames=1, frame_ms=30)
    network = AcousticModel(len(TOKENS), **vars(config))
    assert network.frame_samples == 480 and network.convolution is not None and len(network.feed_forward) == 1
