"""PSNR from squared errors, exactly as the competition's server computes it."""

from __future__ import annotations

import math

import numpy as np

from .interface import Metric, Pixels, check_shapes

SAMPLES, PEAK = 3, 255
"""Samples of a pixel, and their largest value."""

LARGEST = 2**53
"""Up to it every whole number is a float64 of its own."""


def squared_error(original: Pixels, decoded: Pixels) -> int:
    """Sum over all samples of the squared difference, exact.

    Raises:
      ValueError: the shapes differ.
    """
    check_shapes(original, decoded)
    difference = original.astype(np.int32) - decoded
    return int(np.square(difference).sum(dtype=np.int64))


def psnr_db(loss: float) -> float:
    """PSNR in dB of a squared error a pixel, summed over its samples; infinite where nothing was lost."""
    return 10 * math.log10(SAMPLES * PEAK**2 / loss) if loss else math.inf


def error_of(psnr: float) -> float:
    """Squared error a pixel at a PSNR in dB."""
    return SAMPLES * PEAK**2 * 10 ** (-psnr / 10)


PSNR = Metric(
    key="psnr",
    name="PSNR",
    unit="dB",
    form=".3f",
    sign=1,
    field="psnr_db",
    column="squared_error",
    largest=LARGEST,
    peak=SAMPLES * PEAK**2,
    measure=squared_error,
    value=psnr_db,
    loss=error_of,
    axis="PSNR (dB)",
    is_sum=True,
    is_cheap=True,
)
"""From one mean squared error over a whole set (CLIC FAQ 2021)."""
