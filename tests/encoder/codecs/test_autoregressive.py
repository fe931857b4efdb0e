"""Contexts that give the mean too: evaluated in parallel in float, as wavefronts in integers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from decoder_pkg.codecs import LATENTS
from decoder_pkg.codecs.autoregressive import AutoregressiveCodec
from decoder_pkg.entropy import MEAN_STEPS, Integers
from encoder.codecs import ROUNDED, coding_setting
from encoder.coding import AnalysedPicture
from tests.seeded import photograph_crops, seeded_model

AUTOREGRESSIVE = [
    "smoke-joint-autoregressive",
    "smoke-joint-autoregressive-mixture",
    "smoke-context-3d",
    "smoke-deep-joint-autoregressive",
]
EACH = pytest.mark.parametrize("name", AUTOREGRESSIVE)
PIXELS = (photograph_crops()[1] * 255).byte().permute(1, 2, 0).numpy()


def far_off(name: str, converged: bool) -> float:
    """Share of the latents that the parallel evaluation reconstructs elsewhere than the decoder does."""
    floats = copy.deepcopy(seeded_model(name).floats)
    if converged:
        floats.converge()
    picture, gain = AnalysedPicture(PIXELS, seeded_model(name)), torch.tensor([30])
    latents = picture.latents(coding_setting(30, 128).gain)
    estimated = floats.code(latents, gain, 1.0, ROUNDED).y_hat[0].permute(1, 2, 0).numpy()
    decoded = picture.quantise(coding_setting(30, 128), latents).integers[LATENTS] / MEAN_STEPS
    return float((np.abs(estimated - decoded) > 0.05).mean())


@EACH
def test_parallel_passes_come_near_to_what_is_decoded_one_by_one(name: str) -> None:
    assert far_off(name, converged=False) < 0.1
    assert far_off(name, converged=True) < 0.002


@EACH
def test_parameters_are_the_same_whichever_positions_are_computed_together(name: str) -> None:
    codec = seeded_model(name).decoder.codec
    assert isinstance(codec, AutoregressiveCodec)
    rng, channels, width = np.random.default_rng(1), codec.arch.latent_channels, codec.arch.feature_width
    patches: Integers = rng.integers(-(2**15), 2**15, (9, 12 * channels)).astype(np.float64)
    known, features = (rng.integers(-(2**14), 2**14, (9, count)).astype(np.int32) for count in (channels, width))
    order = rng.permutation(9)
    for group, network in enumerate(codec._networks):
        own = known[:, : group * codec.arch.group_channels]
        whole = network.predict(patches, own, features, 90)
        moved = network.predict(patches[order], own[order], features[order], 90)
        single = [network.predict(patches[i : i + 1], own[i : i + 1], features[i : i + 1], 90) for i in range(9)]
        assert np.array_equal(moved.mean, whole.mean[order])
        assert np.array_equal(np.concatenate([one.mean for one in single]), whole.mean)
        symbols = rng.integers(-3, 4, whole.mean.shape).astype(np.int32)
        bits = whole.symbols.bits(symbols)
        assert np.array_equal(moved.symbols.bits(symbols[order]), bits[order])
        assert np.array_equal(single[4].symbols.bits(symbols[4:5]), bits[4:5])


def test_second_group_sees_the_first_at_its_own_position() -> None:
    codec = seeded_model("smoke-context-3d").decoder.codec
    assert isinstance(codec, AutoregressiveCodec)
    channels, half = codec.arch.latent_channels, codec.arch.group_channels
    patches, features = np.zeros((1, 12 * channels)), np.zeros((1, codec.arch.feature_width), dtype=np.int32)
    known = np.zeros((2, half), dtype=np.int32)
    known[1] = 3 * MEAN_STEPS
    first, second = (codec._networks[1].predict(patches, row[None], features, 128).mean for row in known)
    assert (first != second).any()
