"""Tables that standard deviations themselves name."""

from __future__ import annotations

import numpy as np
import pytest

from decoder_pkg.codecs.layers import SIGMA_EXPONENT
from decoder_pkg.entropy import BIN_OCTAVES, Q_ONE, SCALE_BINS, SCALE_SHIFT, read_scale_tables, read_sigma_tables
from decoder_pkg.errors import WeightsError
from decoder_pkg.weight_files import TensorReader
from encoder.codecs.likelihoods import LEAST_SIGMA, LOG2_SIGMA_MIN
from training.export.tables import sigma_tables

ARRAYS = sigma_tables()
SIGMAS, SCALES = read_sigma_tables(TensorReader(ARRAYS)), read_scale_tables(TensorReader(ARRAYS))
UNIT = 2.0**SIGMA_EXPONENT


@pytest.mark.parametrize("q", [64, Q_ONE, 255])
def test_standard_deviation_takes_the_table_of_its_logarithm(q: int) -> None:
    largest = LOG2_SIGMA_MIN + (SCALE_BINS - 1) * BIN_OCTAVES
    sigma = np.floor(np.exp2(np.random.default_rng(1).uniform(np.log2(LEAST_SIGMA), largest, 5000)) * UNIT)
    log2_sigma = (np.log2(sigma / UNIT) - LOG2_SIGMA_MIN) / BIN_OCTAVES
    exact = SCALES.index(np.round(log2_sigma * (1 << SCALE_SHIFT)), q).astype(int)
    found = SIGMAS.index(sigma, q).astype(int)
    assert np.abs(found - exact).max() <= 1
    assert (found != exact).mean() < 0.03  # those within a thirty-second of a bin of its edge


def test_standard_deviation_below_the_least_counts_as_the_least() -> None:
    least = np.ceil(LEAST_SIGMA * UNIT)
    assert np.unique(SIGMAS.index(np.array([least, 0.0, -5.0, -(2.0**25)]), Q_ONE)).size == 1


def test_thresholds_that_fall_are_refused() -> None:
    with pytest.raises(WeightsError, match="thresholds of standard deviations fall"):
        read_sigma_tables(TensorReader(ARRAYS | {"sigma.threshold": ARRAYS["sigma.threshold"][::-1].copy()}))
