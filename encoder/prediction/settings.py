"""The settings of the sweep, which draws whole curves."""

from __future__ import annotations

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT

from ..codecs import COARSEST_Q, FINEST_Q, ModelSetting
from ..models import EncoderModel, Zoo

SWEEP = (
    *((0, q) for q in (COARSEST_Q, 202, 160)),
    *((gain, Q_ONE) for gain in range(0, GAIN_COUNT, 2)),
    *((GAIN_COUNT - 1, q) for q in (101, 80, FINEST_Q)),
)
"""Settings (gain, q) by rising rate: every second gain, a quarter octave of lambda apart; coarser steps below
the lowest gain, and finer ones above the highest, so that smooth pictures can take what a high budget gives them."""


def sweep_settings(zoo: Zoo) -> list[ModelSetting]:
    """Every learned model at every setting of the sweep that it was trained for, every other one at each second."""
    return [setting for model in zoo.models.values() for setting in _swept(model)]


def _swept(model: EncoderModel) -> list[ModelSetting]:
    if model.conventional:
        return model.settings[::2]
    return [ModelSetting(model.id, *at) for at in SWEEP if at[0] in model.gains]
