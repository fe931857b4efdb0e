"""Settings of models: those that are worth considering, and those of the sweep."""

from __future__ import annotations

import math
from typing import NamedTuple

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_STEPS

from ..models import Zoo

COARSEST_Q, FINEST_Q = 255, 64
"""Quantisation steps where gains end, below the lowest and above the highest: below 64 bytes grow much faster than
quality."""

COARSER, FINER = (COARSEST_Q, 202, 160), (101, 80, FINEST_Q)
"""Those of the sweep, so that smooth pictures can take what a high budget gives them."""


class ModelSetting(NamedTuple):
    """A model, and the gain index and the quantisation step q, in 1/128, at which it codes a picture."""

    model: int
    gain: int
    q: int

    @property
    def position(self) -> float:
        """Its place on the scale of gains, which quantisation steps continue: q^2 goes as 1 / lambda."""
        return self.gain + 2 * GAIN_STEPS * math.log2(Q_ONE / self.q)


def settings_of(zoo: Zoo, model: int) -> list[ModelSetting]:
    """All settings worth considering, by rising rate: each gain, and as close beyond them where gains end."""
    below, gains, above = _ends(zoo, model)

    def steps(gain: int, last: int) -> list[ModelSetting]:
        count = round(abs(ModelSetting(model, gain, last).position - gain))
        found = [round(Q_ONE * (last / Q_ONE) ** (step / count)) for step in range(1, count + 1)]
        return [ModelSetting(model, gain, q) for q in found]

    coarser = [setting for gain in below for setting in steps(gain, COARSEST_Q)[::-1]]
    finer = [setting for gain in above for setting in steps(gain, FINEST_Q)]
    return [*coarser, *(ModelSetting(model, gain, Q_ONE) for gain in gains), *finer]


def sweep_settings(zoo: Zoo) -> list[ModelSetting]:
    """Of every model every second gain, a quarter octave of lambda apart, and a few steps where gains end."""
    found = []
    for model in zoo.models:
        below, gains, above = _ends(zoo, model)
        found += [ModelSetting(model, gain, q) for gain in below for q in COARSER]
        found += [ModelSetting(model, gain, Q_ONE) for gain in gains if gain % 2 == 0 or len(gains) == 1]
        found += [ModelSetting(model, gain, q) for gain in above for q in FINER]
    return found


def _ends(zoo: Zoo, model: int) -> tuple[range, range, range]:
    """A model's lowest gain, all, and its highest; the outer two are empty if some model serves the gain beyond."""
    served = {gain for each in zoo.models.values() for gain in each.gains}
    gains = zoo.models[model].gains
    below = range(0) if gains[0] - 1 in served else gains[:1]
    above = range(0) if gains[-1] + 1 in served else gains[-1:]
    return below, gains, above
