"""AV1's quantisers on the scale of gains: each stands for a Lagrange multiplier, as the models' gains do."""

from __future__ import annotations

import math

import numpy as np

from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS

COARSEST, FINEST = 63, 1
"""Quantisers of libavif that are worth considering; 0 is without loss but for the colours."""

STEPS = {0: 4, 1: 11, 4: 23, 8: 39, 16: 71, 24: 104, 32: 176, 40: 300, 48: 492, 56: 864, 63: 1828}
"""Steps of AC coefficients in 1/8 at some quantisers (AV1 specification, section 7.12.2); between them they grow
exponentially, about."""

STEP_OF_HIGHEST_GAIN = 146
"""The step at which AV1 prices a byte as the models do at their highest gain, about."""


def place_of(quantiser: int) -> float:
    """Place of a quantiser on the scale of gains: the square of its step goes as 1 / lambda."""
    logs = [math.log2(step) for step in STEPS.values()]
    step = float(np.interp(quantiser, list(STEPS), logs))
    return GAIN_COUNT - 1 + 2 * GAIN_STEPS * (math.log2(STEP_OF_HIGHEST_GAIN) - step)


def quantiser_at(place: float) -> int:
    """The quantiser that lies nearest to a place on the scale of gains."""
    return min(range(FINEST, COARSEST + 1), key=lambda quantiser: abs(place_of(quantiser) - place))


def quality_of(quantiser: int) -> int:
    """The quality of Pillow that libavif maps to a quantiser (avifQualityToQuantizer)."""
    return 100 - round(quantiser * 100 / 63)
