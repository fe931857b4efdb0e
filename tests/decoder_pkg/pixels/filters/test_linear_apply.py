from __future__ import annotations

import numpy as np
import torch

from decoder_pkg.pixels.filters.linear import COLOURS, FEATURES
from decoder_pkg.pixels.filters.linear_apply import apply_taps, features, padded_levels


def test_filter_is_what_its_features_say_at_every_sample() -> None:
    picture = torch.rand(3, 70, 9, generator=torch.Generator().manual_seed(1))
    taps = np.random.default_rng(1).normal(0, 0.1, (FEATURES, COLOURS)).astype(np.float32)
    filtered = apply_taps(picture, taps) * 255
    levels = padded_levels(picture).numpy()
    for row, column in ((0, 0), (33, 4), (64, 8), (69, 5)):
        centre = levels[:, row + 8, column + 8]
        plain, clipped = [], []
        for y, x in [(0, 1), (0, 2), *((y, x) for y in (1, 2) for x in range(-2, 3))]:
            pair = [levels[:, row + 8 + sign * y, column + 8 + sign * x] - centre for sign in (1, -1)]
            plain.append(pair[0] + pair[1])
            clipped.append(np.clip(pair[0], -10, 10) + np.clip(pair[1], -10, 10))
        for distance in (4, 8):
            window = levels[:, row + 8 - distance :, column + 8 - distance :][:, : 2 * distance + 1, : 2 * distance + 1]
            plain.append(window.mean((1, 2)) - centre)
            clipped.append(np.clip(plain[-1], -10, 10))
        red, green, blue = tones = centre - 128
        hinges = [np.maximum(tones - knot, 0) for knot in range(-96, 97, 24)]
        products = [red * red, red * green, red * blue, green * green, green * blue, blue * blue]
        thirds = [red * product for product in products]
        thirds += [green * product for product in products[3:]] + [blue * blue * blue]
        tail = np.concatenate([np.array(products) / 128, np.array(thirds) / 128**2])
        seen = np.concatenate([[1], tones, *plain, *clipped, *hinges, tail])
        assert np.allclose(filtered[:, row, column], centre + seen @ taps, atol=2e-2)


def test_filter_of_zeros_changes_nothing() -> None:
    picture = torch.rand(3, 5, 4)
    assert torch.allclose(apply_taps(picture, np.zeros((FEATURES, COLOURS), np.float32)), picture, atol=1e-6)
    assert features(padded_levels(picture)).shape == (FEATURES, 5, 4)
