from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from decoder_pkg.codecs import ARCHITECTURES
from encoder.codecs import float_codec
from training.export.compensated_rounding import input_moments, round_compensated


def correlated(seed: int, count: int) -> NDArray[np.float64]:
    """[count, 500] inputs of which neighbours are alike."""
    walk: NDArray[np.float64] = np.random.default_rng(seed).standard_normal((count, 500)).cumsum(axis=0)
    return np.asarray(walk - walk.mean(axis=0))


def limits(rows: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.full_like(rows, -most), np.full_like(rows, most)


def test_rounding_never_leaves_its_limits() -> None:
    inputs = correlated(1, 100)
    rows = np.random.default_rng(7).uniform(-3, 3, (20, 100))
    assert np.abs(round_compensated(rows, *limits(rows, 2), torch.from_numpy(inputs @ inputs.T))).max() == 2


@pytest.mark.parametrize("count", [3, 64, 150])
def test_rounding_keeps_products_with_correlated_inputs_better_than_the_nearest_integers(count: int) -> None:
    inputs = correlated(count, count)
    rows = np.random.default_rng(7).uniform(-3, 3, (20, count))
    rounded = round_compensated(rows, *limits(rows, 9), torch.from_numpy(inputs @ inputs.T))
    assert np.array_equal(rounded, np.round(rounded))
    errors = [np.square((integers - rows) @ inputs).mean() for integers in (rounded, np.round(rows))]
    assert errors[0] < 0.7 * errors[1]


def test_rounding_for_inputs_that_are_not_alike_is_to_the_nearest_integers() -> None:
    rows = np.random.default_rng(7).uniform(-3, 3, (20, 70))
    assert np.array_equal(round_compensated(rows, *limits(rows, 9), 5 * torch.eye(70)), np.round(rows))


def test_moments_are_those_of_what_the_weights_multiply() -> None:
    (arch,) = (row for row in ARCHITECTURES if row.name == "smoke-quadtree")
    torch.manual_seed(1)
    model = float_codec(arch)
    pictures, gains = torch.rand(2, 3, 64, 64), torch.tensor([8, 30])
    moments = input_moments(model, [(pictures, gains), (pictures, gains)])
    with torch.no_grad():
        columns = F.unfold(F.pixel_unshuffle(pictures - 0.5, 4), 3, padding=1).transpose(0, 1).flatten(1)
    assert torch.allclose(moments["analysis.enter.weight"], 2 * columns @ columns.T, rtol=1e-3, atol=1e-3)
    weights = {name: weight[0].numel() for name, weight in model.named_parameters() if weight.ndim == 4}
    assert {name: len(moment) for name, moment in moments.items()} == {
        name: inputs for name, inputs in weights.items() if name != "context.embed.weight"
    }
