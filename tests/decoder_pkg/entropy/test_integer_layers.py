from __future__ import annotations

import numpy as np
import pytest
import torch

from decoder_pkg.codecs.deep_hyper_decoder import HUNDREDTH
from decoder_pkg.entropy.integer_layers import ACTIVATION_LIMIT, build_conv, leaky, pixel_shuffle
from decoder_pkg.errors import WeightsError


def random_layer(rng: np.random.Generator, taps: int, inputs: int, outputs: int) -> tuple[np.ndarray, ...]:
    weight = rng.integers(-32767, 32768, (taps, inputs, outputs)).astype(np.int16)
    bias = rng.integers(-(2**40), 2**40, outputs)
    shift = rng.integers(10, 30, outputs).astype(np.int8)
    return weight, bias, shift


@pytest.mark.parametrize("taps", [1, 9, 12])
def test_layer_equals_python_integers_at_the_edge_of_the_range(taps: int) -> None:
    rng = np.random.default_rng(taps)
    weight, bias, shift = random_layer(rng, taps, 40, 5)
    weight[:, :, 0] = 32767
    layer = build_conv(weight, bias, shift, ACTIVATION_LIMIT)
    x = rng.integers(-32767, 32768, (6, 7, 40)).astype(np.float64)
    x[3] = 32767
    out = layer.grid(x)
    for row, column, channel in ((0, 0, 1), (3, 3, 0), (5, 6, 2), (2, 6, 4)):
        total = int(bias[channel])
        for tap, (down, across) in enumerate(layer.taps):
            if 0 <= row + down < 6 and 0 <= column + across < 7:
                values = x[row + down, column + across].astype(int).tolist()
                total += sum(a * b for a, b in zip(values, weight[tap, :, channel].tolist(), strict=True))
        expected = max(-ACTIVATION_LIMIT, min(ACTIVATION_LIMIT, total >> int(shift[channel])))
        assert out[row, column, channel] == expected


def test_layer_does_not_depend_on_the_order_of_summation() -> None:
    rng = np.random.default_rng(5)
    weight, bias, shift = random_layer(rng, 9, 160, 8)
    patches = rng.integers(-32767, 32768, (50, 9 * 160)).astype(np.float64)
    order = rng.permutation(9 * 160)
    flat = weight.reshape(-1, 8)
    straight = build_conv(weight, bias, shift, 2**23).columns(patches)
    shuffled = build_conv(flat[order].reshape(9, 160, 8), bias, shift, 2**23).columns(patches[:, order])
    assert np.array_equal(straight, shuffled)


def test_layer_that_could_round_is_refused() -> None:
    weight = np.full((9, 2**20, 1), 32767, dtype=np.int16)
    with pytest.raises(WeightsError):
        build_conv(weight, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int8), ACTIVATION_LIMIT)
    with pytest.raises(WeightsError):
        build_conv(weight[:1, :1], np.array([2**53]), np.zeros(1, dtype=np.int8), ACTIVATION_LIMIT)


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4), (9, 4)])
def test_layer_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(WeightsError):
        build_conv(np.zeros(shape, np.int16), np.zeros(4, np.int64), np.zeros(4, np.int8), ACTIVATION_LIMIT)


def test_slope_of_a_hundredth_is_exact_for_every_activation() -> None:
    x = np.concatenate([np.arange(-ACTIVATION_LIMIT, -ACTIVATION_LIMIT + 1000), np.arange(-1000, 1000)])
    exact = [max(int(value), int(value) * 10486 >> 20) for value in x]
    assert leaky(x.astype(np.float64), HUNDREDTH).tolist() == exact


def test_leaky_rounds_down() -> None:
    assert leaky(np.array([-9.0, -8.0, -1.0, 0.0, 1.0, 9.0])).tolist() == [-2, -1, -1, 0, 1, 9]


def test_pixel_shuffle_has_the_channel_order_of_training() -> None:
    x = torch.arange(3 * 5 * 8, dtype=torch.float64).reshape(1, 8, 3, 5)
    expected = torch.nn.functional.pixel_shuffle(x, 2)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(pixel_shuffle(x[0].permute(1, 2, 0).numpy()), expected)
