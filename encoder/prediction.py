"""What the models' settings are expected to take and to lose, from a few estimates of each model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS

from .coding import Estimate
from .curves import Curves, Logs, Values, interpolated, spline, to_logs

COARSEST_Q, FINEST_Q = 255, 64
"""Quantisation steps beyond the lowest and the highest gain: below 64 bytes grow much faster than quality."""

ANCHORS, FEW_ANCHORS = 5, 2
"""Gains at which a model is estimated: by itself, or where its ratio to the model that it was fine-tuned from is."""


class ModelSetting(NamedTuple):
    """A model, and the gain index and the quantisation step q, in 1/128, at which it codes a picture."""

    model: int
    gain: int
    q: int

    @property
    def position(self) -> float:
        """Its place on the scale of gains, which quantisation steps continue: q^2 goes as 1 / lambda."""
        return self.gain + 2 * GAIN_STEPS * math.log2(Q_ONE / self.q)


Prediction = Curves[ModelSetting]
"""Bytes and losses of one picture at all settings of some models; a model is a line."""


def settings_of(model: int, gains: range) -> list[ModelSetting]:
    """All settings worth considering, by rising rate: each gain, and as close beyond the lowest and the highest."""

    def steps(gain: int, last: int) -> list[ModelSetting]:
        count = round(abs(ModelSetting(model, gain, last).position - gain))
        found = [round(Q_ONE * (last / Q_ONE) ** (step / count)) for step in range(1, count + 1)]
        return [ModelSetting(model, gain, q) for q in found]

    below = steps(0, COARSEST_Q)[::-1] if gains[0] == 0 else []
    above = steps(GAIN_COUNT - 1, FINEST_Q) if gains[-1] == GAIN_COUNT - 1 else []
    return [*below, *(ModelSetting(model, gain, Q_ONE) for gain in gains), *above]


def anchors(gains: range, alone: bool) -> list[int]:
    """Gains at which a model is estimated: all by itself, or beside the model that it was fine-tuned from."""
    count = min(len(gains), ANCHORS if alone else FEW_ANCHORS)
    return sorted({int(gain) for gain in np.linspace(gains[0], gains[-1], count).round()})


def predict(
    estimates: Mapping[int, Sequence[Estimate]],
    gains: Mapping[int, range],
    parents: Mapping[int, int],
    columns: Sequence[str],
) -> Prediction:
    """Draws the curves of a picture.

    Args:
      estimates: of each model at its anchors, by rising gain.
      gains: of each model.
      parents: the model that a model was fine-tuned from, where it is among them; it comes before.
      columns: of the losses.
    """
    drawn: dict[int, tuple[Values, Logs]] = {}
    settings: list[ModelSetting] = []
    for model, points in estimates.items():
        own = settings_of(model, gains[model])
        at = np.array([float(point.gain) for point in points])
        logs = np.array([to_logs(max(p.bits / 8, 1.0), [p.losses[column] for column in columns]) for p in points])
        places = np.array([setting.position for setting in own])
        if model in parents:
            base = drawn[parents[model]]
            ratios = interpolated(places, at, logs - interpolated(at, *base))
            drawn[model] = places, interpolated(places, *base) + ratios
        else:
            drawn[model] = places, spline(places, at, logs)
        settings += own
    positions, curves = (np.concatenate(parts) for parts in zip(*drawn.values(), strict=True))
    return Prediction(settings, [setting.model for setting in settings], positions.tolist(), curves, columns)
