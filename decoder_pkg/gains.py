"""Gains: the rates at which every model codes, as indices over a range of lambda."""

from __future__ import annotations

GAIN_LAMBDAS = (0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256)
"""Lagrangian weight (lambda * 255^2 * MSE + bpp) at which each gain vector is trained."""

GAIN_STEPS = 8
"""Gain indices per octave of lambda: vectors in between are interpolated (Gao et al. 2021, section 3.2)."""

GAIN_COUNT = (len(GAIN_LAMBDAS) - 1) * GAIN_STEPS + 1
"""A gain index on the wire is in [0, GAIN_COUNT)."""
