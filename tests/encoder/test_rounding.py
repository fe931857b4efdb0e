from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from decoder_pkg.entropy_model import Q_ONE
from encoder.encode import AnalysedPicture
from encoder.latent_encoder import LARGEST, STIFFNESS, nearest, rate_aware, savings
from encoder.weights import Zoo, load_zoo
from eval.metrics import squared_error

SAVED = savings(load_zoo().models[1].decoder.entropy.latent_tables)


@given(st.lists(st.floats(-40, 40, width=32), min_size=1, max_size=20), st.integers(0, len(SAVED) - 1))
def test_rounding_picks_the_cheaper_of_the_nearest_and_the_next_towards_zero(values: list[float], table: int) -> None:
    residuals, tables = np.array(values, dtype=np.float32), np.full(len(values), table, dtype=np.uint8)
    close, chosen = nearest(residuals, tables), rate_aware(SAVED, Q_ONE)(residuals, tables)
    for value, near, symbol in zip(residuals.tolist(), close.tolist(), chosen.tolist(), strict=True):
        smaller = near - int(np.sign(near))
        saved = float(SAVED[table, min(abs(near), LARGEST)])
        lost = STIFFNESS * ((value - smaller) ** 2 - (value - near) ** 2)
        if abs(saved - lost) > 1e-3:
            assert symbol == (smaller if saved > lost else near)


def test_zeros_and_very_large_symbols_are_left_alone() -> None:
    assert (SAVED[:, [0, LARGEST]] == 0).all()
    assert (SAVED[:, 1] > 0).all()


def test_coarser_steps_weigh_distances_more() -> None:
    residuals = np.full(50, 0.6, dtype=np.float32)
    tables = np.linspace(1, len(SAVED) - 1, 50).astype(np.uint8)
    fine, coarse = (int(np.abs(rate_aware(SAVED, q)(residuals, tables)).sum()) for q in (64, 255))
    assert fine < coarse


@pytest.mark.parametrize("gain", [8, 24, 40])
def test_rate_aware_rounding_costs_less_than_the_nearest_integers(photo: NDArray[np.uint8], gain: int) -> None:
    zoo: Zoo = load_zoo()
    picture = AnalysedPicture(photo[:256, :256], zoo.models[1])
    slope_bits = 0.0004 * 2 ** (gain / 8) / 3
    costs = []
    for latents in (picture.latents(gain), None):
        candidate, decoded = picture.encode(gain, latents=latents)
        costs.append(8 * len(candidate.payload) + slope_bits * squared_error(picture.pixels, decoded))
    assert costs[1] < 0.995 * costs[0]
