"""The settings at which a model codes a picture, and the Lagrange multipliers that they stand for."""

from __future__ import annotations

import math
from typing import NamedTuple

from decoder_pkg.codecs import CodingSetting
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS, GainField, gain_lambda


class ModelSetting(NamedTuple):
    """A model, and the gain index and the quantisation step q, in 1/128, at which it codes a picture."""

    model: int
    gain: int
    q: int

    @property
    def position(self) -> float:
        """Its place on the scale of gains, which quantisation steps continue: q^2 goes as 1 / lambda."""
        return position(self.gain, self.q)


def position(gain: int, q: int) -> float:
    """The place of a gain index and a step q on the scale of gains, where an eighth of an octave of lambda is 1."""
    return gain + 2 * GAIN_STEPS * math.log2(Q_ONE / q)


def setting_at(model: int, place: float) -> ModelSetting:
    """The setting of a model that is nearest to a place on the scale of gains."""
    gain = min(max(round(place), 0), GAIN_COUNT - 1)
    beyond = place - gain if gain in (0, GAIN_COUNT - 1) else 0.0
    q = round(Q_ONE * 2 ** (-beyond / (2 * GAIN_STEPS))) if abs(beyond) >= 1 else Q_ONE
    return ModelSetting(model, gain, min(max(q, 1), 255))


def coding_setting(gain: int, q: int) -> CodingSetting:
    """A setting with one gain for all positions."""
    return CodingSetting(GainField(gain), q)


def trained_multiplier(gain: int, q: int = Q_ONE) -> float:
    """Squared error per byte at which this gain was trained, which minimised bits + lambda / 3 * squared error.

    A quantisation step q beside it goes as that of a gain: its square as 1 / lambda.
    """
    return 24 / gain_lambda(float(gain)) * (q / Q_ONE) ** 2
