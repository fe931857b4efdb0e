"""Units of latents and of the quantisation step as integers."""

from __future__ import annotations

MEAN_STEPS = 4096
"""Means and reconstructed latents are integers in units of 1/MEAN_STEPS."""

Q_ONE = 128
"""The quantisation step q is n / Q_ONE for an 8-bit n."""

Q_VALUES = 256
"""Steps q that the header's 8 bits can name."""


def latent_unit(q: int) -> int:
    """Steps of 1/MEAN_STEPS that one unit of a latent's symbol counts: y_q * q of Zhao et al. 2021, Eq. 3, exactly."""
    return q * MEAN_STEPS // Q_ONE
