"""Masses of mixtures and of two-sided distributions in integers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from decoder_pkg.entropy import (
    BIN_OCTAVES,
    MEAN_STEPS,
    Asymmetric,
    Mixture,
    mixture_weights,
    read_normal_tables,
    relative_means,
)
from decoder_pkg.entropy.decisions import RARE, REACH_BITS, TOTAL, share
from decoder_pkg.entropy.mixture import FARTHEST, LOGIT_ONE
from decoder_pkg.entropy.normal_tables import TAIL_BITS, WEIGHT_BITS
from decoder_pkg.entropy.range_coder import new_payload
from decoder_pkg.errors import WeightsError
from decoder_pkg.weight_files import TensorReader
from encoder.codecs import COMPONENTS, LOG2_SIGMA_MIN, NORMAL, AsymmetricLikelihood, MixtureLikelihood
from encoder.codecs.normal_likelihoods import mixture_weights as float_weights
from training.export.tables import normal_tables

ARRAYS = normal_tables(NORMAL)
TABLES = read_normal_tables(TensorReader(ARRAYS))
SIDES = read_normal_tables(TensorReader(normal_tables(COMPONENTS)))
BINS = np.array([0, 5, 40, 90, 130, 200, 255], dtype=np.uint8)
WIDE = np.arange(-600, 601, dtype=np.int32)


def random_mixture(rng: np.random.Generator, shape: tuple[int, int]) -> Mixture:
    logits = rng.integers(-1500, 1500, (3, *shape))
    mean = rng.normal(0, 9000, (3, *shape)).astype(np.int64)
    return Mixture(TABLES, mixture_weights(logits), mean, rng.integers(0, 256, (3, *shape)).astype(np.uint8))


def log2_sigma(bins: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(LOG2_SIGMA_MIN + bins.astype(np.float64) * BIN_OCTAVES)


def assert_as_in_float(masses: np.ndarray, likelihood: torch.Tensor) -> None:
    """Relative entropy of the integers is below a thousandth of a bit."""
    expected, found = likelihood.numpy(), np.maximum(masses, 1) / TOTAL
    assert (expected * np.log2(np.maximum(expected, 1e-12) / found)).sum() < 1e-3
    assert masses.min() >= 0


@pytest.mark.parametrize("offset", [0, 700, -2048, 90_000])
def test_mixture_has_the_masses_of_the_float_model(offset: int) -> None:
    rng = np.random.default_rng(1)
    for bins in BINS:
        part = np.array([bins, 60, 180], dtype=np.uint8)
        mean, logits = rng.normal(offset, 3000, 3).astype(np.int64), rng.integers(-900, 900, 3)
        model = Mixture(TABLES, mixture_weights(logits)[:, None, None], mean[:, None, None], part[:, None, None])
        masses = np.diff(model.below(WIDE, np.zeros(len(WIDE), dtype=np.intp)))
        weight = float_weights(torch.from_numpy(logits / LOGIT_ONE)[None])[0]
        wide = [
            x.expand(-1, len(WIDE) - 1)[None, ..., None]
            for x in (weight[:, None], torch.from_numpy(mean / MEAN_STEPS)[:, None], log2_sigma(part)[:, None])
        ]
        values = torch.from_numpy(WIDE[:-1]).double()[None, :, None]
        assert_as_in_float(masses, MixtureLikelihood(*wide).likelihood(values, 225 / 4096)[0, :, 0])


@pytest.mark.parametrize("left", BINS)
def test_two_sided_distribution_has_the_masses_of_the_float_model(left: int) -> None:
    for right in BINS:
        model = Asymmetric(SIDES, np.array([left, right], dtype=np.uint8)[:, None, None])
        masses = np.diff(model.below(WIDE, np.zeros(len(WIDE), dtype=np.intp)))
        sides = [log2_sigma(np.array(side)).expand(1, len(WIDE) - 1, 1) for side in (left, right)]
        values = torch.from_numpy(WIDE[:-1]).double()[None, :, None]
        assert_as_in_float(masses, AsymmetricLikelihood(*sides).likelihood(values, 225 / 4096)[0, :, 0])


def test_masses_below_never_fall_and_end_with_all_of_it() -> None:
    rng = np.random.default_rng(2)
    far = np.array([-(1 << REACH_BITS), 1 << REACH_BITS], dtype=np.int32)
    for model in (random_mixture(rng, (1, 9)), Asymmetric(SIDES, rng.integers(0, 256, (2, 1, 9)).astype(np.uint8))):
        for place in range(9):
            masses = model.below(WIDE, np.full(len(WIDE), place))
            assert (np.diff(masses) >= 0).all()
            assert model.below(far, np.full(2, place)).tolist() == [0, TOTAL]


def test_masses_depend_on_nothing_but_their_own_symbol() -> None:
    """All symbols of a step at once, or one after another, in any order."""
    rng = np.random.default_rng(3)
    model = random_mixture(rng, (7, 5))
    values, order = rng.integers(-9, 9, 35).astype(np.int32), rng.permutation(35)
    whole = model.below(values, np.arange(35))
    assert np.array_equal(model.below(values[order], order), whole[order])
    single = [model.below(values[place : place + 1], np.array([place]))[0] for place in range(35)]
    assert np.array_equal(single, whole)


def test_weights_are_positive_sum_to_a_power_of_two_and_are_those_of_the_float_model() -> None:
    logits = np.random.default_rng(4).integers(-20_000, 20_000, (3, 500))
    logits[:, :200] //= 16
    weights = mixture_weights(logits)
    assert (weights.sum(0) == 1 << WEIGHT_BITS).all()
    assert weights.min() >= 0
    expected = float_weights(torch.from_numpy(logits / LOGIT_ONE)[None])[0].numpy()
    assert np.abs(weights / (1 << WEIGHT_BITS) - expected).max() < 3 / (1 << WEIGHT_BITS)


def test_means_are_relative_to_the_quantisation_step_and_bounded() -> None:
    means = np.array([0, 4096, -4096, -1, 2**50])
    assert relative_means(means, 128).tolist() == [0, 4096, -4096, -1, FARTHEST]
    assert relative_means(means, 255).tolist() == [0, 2056, -2057, -1, FARTHEST]


def test_shares_stay_within_what_the_range_coder_can_tell() -> None:
    most = TOTAL + 2 * RARE
    part, whole = np.array([0, 5, 7, most, most // 4, 1]), np.array([9, 5, 14, most, most, most])
    assert share(part, whole).tolist() == [1, 2**24 - 1, 2**23, 2**24 - 1, 2**22, 1]


@pytest.mark.parametrize("value", [3, -30, 1000, -60_000])
def test_symbol_that_no_density_expects_costs_about_what_an_escape_does(value: int) -> None:
    narrow = Asymmetric(SIDES, np.full((2, 1, 1), 12, dtype=np.uint8))
    expected = min(20 + 2 * np.log2(abs(value)), 38)
    assert narrow.bits(np.array([[value]], dtype=np.int32)) == pytest.approx(expected, abs=2.5)


def test_symbol_beyond_the_reach_is_refused_by_the_encoder() -> None:
    model = random_mixture(np.random.default_rng(5), (1, 2))
    with pytest.raises(ValueError, match="beyond the reach"):
        model.encode(new_payload(), np.array([[0, 1 << REACH_BITS]], dtype=np.int32))


HALF = 1 << TAIL_BITS - 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("normal.tail", lambda tail: np.where(np.arange(len(tail)) == 0, HALF - 1, tail)),
        ("normal.tail", lambda tail: np.where(np.arange(len(tail)) == len(tail) - 1, 1, tail)),
        ("normal.tail", lambda tail: np.where(np.arange(len(tail)) == 9, HALF, tail)),
        ("normal.tail", lambda tail: np.where(np.arange(len(tail)) == 200, -1, tail)),
        ("normal.tail", lambda tail: tail[:-1]),
        ("normal.inverse", lambda inverse: inverse * 0),
        ("normal.sigma", lambda sigma: sigma - sigma.max()),
        ("normal.sigma", lambda sigma: sigma.astype(np.int64)),
        ("log_q", lambda log_q: log_q[1:]),
    ],
)
def test_tables_that_make_no_distribution_are_refused(name: str, change: object) -> None:
    changed = change(ARRAYS[name])  # type: ignore[operator]
    changed = changed if changed.dtype == np.int64 and name == "normal.sigma" else changed.astype(ARRAYS[name].dtype)
    with pytest.raises(WeightsError):
        read_normal_tables(TensorReader(ARRAYS | {name: changed}))
