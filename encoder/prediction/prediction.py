"""What the models' settings are expected to take and to lose, from a few estimates of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from decoder_pkg.entropy import Q_ONE
from eval.metrics import PSNR, SQUARED_ERROR

from ..codecs import ModelSetting
from ..coding import Estimate
from ..models import Zoo
from .curves import Curves, Logs, Values, interpolated, spline, to_logs
from .settings import settings_of

CHEAP_BPP = 0.15
"""Rate of a first coding up to which a conventional codec is estimated anyway: it is quick, and models end early."""

ANCHORS, FEW_ANCHORS = 5, 2
"""Settings at which a model is estimated: by itself, or where its ratio to the model that it was fine-tuned from is."""

Prediction = Curves[ModelSetting]
"""Bytes and losses of one picture at all settings of some models; a model is a line."""


def anchors(settings: Sequence[ModelSetting], alone: bool) -> list[ModelSetting]:
    """Settings at which a model is estimated: all by itself, or beside the model that it was fine-tuned from.

    Gains among them speak for the steps beyond; a single gain does not.
    """
    gains = [setting for setting in settings if setting.q == Q_ONE]
    among = gains if len(gains) > 1 else settings
    count = min(len(among), ANCHORS if alone else FEW_ANCHORS)
    return [among[place] for place in sorted({int(x) for x in np.linspace(0, len(among) - 1, count).round()})]


def predict(zoo: Zoo, estimates: Mapping[int, Sequence[Estimate]], columns: Sequence[str]) -> Prediction:
    """Draws the curves of a picture.

    Args:
      zoo: the models.
      estimates: of some of them at their anchors, by rising position; a model without any has no curve.
      columns: of the losses.
    """
    parents = zoo.parents
    drawn: dict[int, tuple[Values, Logs]] = {}
    settings: list[ModelSetting] = []
    for model in (number for number in zoo.models if estimates.get(number)):
        parent = parents[model] if parents.get(model) in drawn else None
        own = settings_of(zoo, model)
        places = np.array([setting.position for setting in own])
        at, logs = _points(estimates[model], columns)
        logs += _samplings(at, estimates[model if parent is None else parent], columns)
        if parent is None:
            drawn[model] = places, spline(places, at, logs)
        else:
            base = drawn[parent]
            ratios = interpolated(places, at, logs - interpolated(at, *base))
            drawn[model] = places, interpolated(places, *base) + ratios
        settings += own
    positions, curves = (np.concatenate(parts) for parts in zip(*drawn.values(), strict=True))
    return Prediction(settings, [setting.model for setting in settings], positions.tolist(), curves, columns)


def _points(estimates: Sequence[Estimate], columns: Sequence[str]) -> tuple[Values, Logs]:
    """Positions [N] of estimates, and their logarithms [N, 1 + L]."""
    logs = [to_logs(max(one.bits / 8, 1.0), [one.losses[column] for column in columns]) for one in estimates]
    return np.array([one.position for one in estimates]), np.array(logs)


def _samplings(at: Values, estimates: Sequence[Estimate], columns: Sequence[str]) -> Logs:
    """Logarithms [N, 1 + L] of what to multiply by at some positions, as estimates of the origin have it."""
    logs = [to_logs(1.0, [one.samplings.get(column, 1.0) for column in columns]) for one in estimates]
    return interpolated(at, np.array([one.position for one in estimates]), np.array(logs))


def competes(zoo: Zoo, learned: Mapping[int, Sequence[Estimate]], other: Estimate, pixels: int) -> bool:
    """Whether a conventional codec may serve a picture better than learned models, and deserves more estimates.

    A quick coding of most photographs is worse than the models at equal bytes, of pages and screens much better.

    Args:
      zoo: the models.
      learned: estimates of those that are learned.
      other: an estimate of the codec, at a middle rate.
      pixels: of the picture.
    """
    if not learned or other.bits < CHEAP_BPP * pixels:
        return True
    size = max(1, round(other.bits / 8))
    least = predict(zoo, learned, [PSNR.column]).least(size, SQUARED_ERROR, pixels)
    return other.whole(PSNR.column) < least
