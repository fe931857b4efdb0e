"""The settings at which models may code a picture, and those of the sweep, which draws whole curves."""

from __future__ import annotations

from decoder_pkg.entropy import Q_ONE

from ..codecs import ModelSetting
from ..models import EncoderModel, Zoo

COARSEST_Q, FINEST_Q = 255, 64
"""Quantisation steps where gains end, below the lowest and above the highest: below 64 bytes grow much faster than
quality."""

COARSER, FINER = (COARSEST_Q, 202, 160), (101, 80, FINEST_Q)
"""Those of the sweep, so that smooth pictures can take what a high budget gives them."""


def settings_of(zoo: Zoo, model: int) -> list[ModelSetting]:
    """All settings worth considering, by rising rate; of a learned model each gain, and as close where gains end."""
    if own := zoo.models[model].conventional:
        return own.settings(model)
    below, gains, above = _ends(zoo, zoo.models[model])

    def steps(gain: int, last: int) -> list[ModelSetting]:
        count = round(abs(ModelSetting(model, gain, last).position - gain))
        found = [round(Q_ONE * (last / Q_ONE) ** (step / count)) for step in range(1, count + 1)]
        return [ModelSetting(model, gain, q) for q in found]

    coarser = [setting for gain in below for setting in steps(gain, COARSEST_Q)[::-1]]
    finer = [setting for gain in above for setting in steps(gain, FINEST_Q)]
    return [*coarser, *(ModelSetting(model, gain, Q_ONE) for gain in gains), *finer]


def sweep_settings(zoo: Zoo) -> list[ModelSetting]:
    """Of every learned model every second gain, a quarter octave of lambda apart, and a few steps where gains end; of
    every other one each second setting.
    """
    return [setting for model in zoo.models for setting in _swept(zoo, model)]


def _swept(zoo: Zoo, model: int) -> list[ModelSetting]:
    if zoo.models[model].conventional:
        return settings_of(zoo, model)[::2]
    below, gains, above = _ends(zoo, zoo.models[model])
    coarser = [ModelSetting(model, gain, q) for gain in below for q in COARSER]
    middle = [ModelSetting(model, gain, Q_ONE) for gain in gains if gain % 2 == 0 or len(gains) == 1]
    return [*coarser, *middle, *(ModelSetting(model, gain, q) for gain in above for q in FINER)]


def _ends(zoo: Zoo, model: EncoderModel) -> tuple[range, range, range]:
    """A learned model's lowest gain, all, the highest; the outer two are empty if another serves the gain beyond."""
    served = {gain for each in zoo.models.values() if not each.conventional for gain in each.gains}
    gains = model.gains
    below = range(0) if gains[0] - 1 in served else gains[:1]
    above = range(0) if gains[-1] + 1 in served else gains[-1:]
    return below, gains, above
