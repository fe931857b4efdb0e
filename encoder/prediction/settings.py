"""Settings of models: those that are worth considering, and those of the sweep."""

from __future__ import annotations

import math
from typing import NamedTuple

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS

from ..models import Zoo

COARSEST_Q, FINEST_Q = 255, 64
"""Quantisation steps beyond the lowest and the highest gain: below 64 bytes grow much faster than quality."""

SWEEP = (
    *((0, q) for q in (COARSEST_Q, 202, 160)),
    *((gain, Q_ONE) for gain in range(0, GAIN_COUNT, 2)),
    *((GAIN_COUNT - 1, q) for q in (101, 80, FINEST_Q)),
)
"""Settings (gain, q) by rising rate: every second gain, a quarter octave of lambda apart; coarser steps below
the lowest gain, and finer ones above the highest, so that smooth pictures can take what a high budget gives them."""


class ModelSetting(NamedTuple):
    """A model, and the gain index and the quantisation step q, in 1/128, at which it codes a picture."""

    model: int
    gain: int
    q: int

    @property
    def position(self) -> float:
        """Its place on the scale of gains, which quantisation steps continue: q^2 goes as 1 / lambda."""
        return self.gain + 2 * GAIN_STEPS * math.log2(Q_ONE / self.q)


def settings_of(model: int, gains: range) -> list[ModelSetting]:
    """All settings worth considering, by rising rate: each gain, and as close beyond the lowest and the highest."""

    def steps(gain: int, last: int) -> list[ModelSetting]:
        count = round(abs(ModelSetting(model, gain, last).position - gain))
        found = [round(Q_ONE * (last / Q_ONE) ** (step / count)) for step in range(1, count + 1)]
        return [ModelSetting(model, gain, q) for q in found]

    below = steps(0, COARSEST_Q)[::-1] if gains[0] == 0 else []
    above = steps(GAIN_COUNT - 1, FINEST_Q) if gains[-1] == GAIN_COUNT - 1 else []
    return [*below, *(ModelSetting(model, gain, Q_ONE) for gain in gains), *above]


def sweep_settings(zoo: Zoo) -> list[ModelSetting]:
    """Every model at every setting of the sweep that it was trained for."""
    return [ModelSetting(number, *at) for number, model in zoo.models.items() for at in SWEEP if at[0] in model.gains]
