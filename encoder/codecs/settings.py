"""The setting that a stream tells, and the Lagrange multiplier that a gain stands for."""

from __future__ import annotations

from decoder_pkg.codecs import CodingSetting
from decoder_pkg.gains import GainField, gain_lambda


def coding_setting(gain: int, q: int) -> CodingSetting:
    """A setting with one gain for all positions."""
    return CodingSetting(GainField(gain), q)


def trained_multiplier(gain: int) -> float:
    """Squared error per byte at which this gain was trained, which minimised bits + lambda / 3 * squared error."""
    return 24 / gain_lambda(float(gain))
