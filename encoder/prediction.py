"""What settings are expected to take and to lose: curves through a few estimates, corrected by what was coded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_COUNT, GAIN_STEPS
from eval.metrics import Distortion

from .coding import Estimate

COARSEST_Q, FINEST_Q = 255, 64
"""Quantisation steps beyond the lowest and the highest gain: below 64 bytes grow much faster than quality."""

ANCHORS, FEW_ANCHORS = 5, 2
"""Gains at which a model is estimated: by itself, or where its ratio to the model that it was fine-tuned from is."""

LEAST = 1e-9
"""Losses have logarithms: this stands for none."""

Logs = NDArray[np.float64]
"""Logarithms of bytes and of each loss, [1 + L] or [K, 1 + L]."""


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


def anchors(gains: range, alone: bool) -> list[int]:
    """Gains at which a model is estimated: all by itself, or beside the model that it was fine-tuned from."""
    count = min(len(gains), ANCHORS if alone else FEW_ANCHORS)
    return sorted({int(gain) for gain in np.linspace(gains[0], gains[-1], count).round()})


class Prediction:
    """Bytes and losses of one picture at all settings of all models."""

    def __init__(
        self,
        estimates: Mapping[int, Sequence[Estimate]],
        gains: Mapping[int, range],
        parents: Mapping[int, int],
        columns: Sequence[str],
    ) -> None:
        """Draws the curves.

        Args:
          estimates: of each model at its anchors, by rising gain.
          gains: of each model.
          parents: the model that a model was fine-tuned from, where it is among them; it comes before.
          columns: of the losses.
        """
        self.columns = tuple(columns)
        self.settings = [setting for model, served in gains.items() for setting in settings_of(model, served)]
        self._positions = np.array([setting.position for setting in self.settings])
        self._models = np.array([setting.model for setting in self.settings])
        self._drawn = self._draw(estimates, parents)
        self._index = {setting: index for index, setting in enumerate(self.settings)}
        self._coded: dict[ModelSetting, Logs] = {}

    def learn(self, setting: ModelSetting, size: float, losses: Mapping[str, float]) -> None:
        """Takes in what a setting really takes, in bytes, and loses; the first to be told is believed."""
        self._coded.setdefault(setting, self._logs(size, losses))

    def known(self) -> NDArray[np.bool_]:
        """Which settings were coded: [K]."""
        return np.array([setting in self._coded for setting in self.settings])

    def predicted(self) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Bytes [K] of all settings, and their losses [K] by column; exact where a setting was coded."""
        logs = self._drawn + self._corrections()
        for setting, known in self._coded.items():
            if setting in self._index:
                logs[self._index[setting]] = known
        values = np.exp(logs)
        return values[:, 0], {column: values[:, 1 + number] for number, column in enumerate(self.columns)}

    def cheapest(self, multiplier: float, distortion: Distortion, pixels: int) -> list[ModelSetting]:
        """The setting of each model that costs least at a Lagrange multiplier, distortion per byte; the best first."""
        sizes, losses = self.predicted()
        costs = distortion.of(losses, np.full(len(sizes), float(pixels))) + multiplier * sizes
        best: dict[int, ModelSetting] = {}
        for index in np.argsort(costs, kind="stable"):
            best.setdefault(self.settings[index].model, self.settings[index])
        return list(best.values())

    def nearest(self, size: int, distortion: Distortion, pixels: int) -> ModelSetting:
        """The setting that takes about so many bytes, of the model that loses least in just so many."""
        sizes, losses = self.predicted()
        level = np.log(np.maximum(distortion.of(losses, np.full(len(sizes), float(pixels))), LEAST))
        wanted, logs = math.log(size), np.log(sizes)
        loss: dict[int, tuple[float, float]] = {}
        for model in dict.fromkeys(self._models.tolist()):
            own = self._models == model
            rising = np.maximum.accumulate(logs[own])
            outside = max(rising[0] - wanted, wanted - rising[-1], 0.0)
            loss[model] = outside, float(np.interp(wanted, rising, level[own]))
        own = np.flatnonzero(self._models == min(loss, key=lambda model: loss[model]))
        return self.settings[int(own[np.argmin(np.abs(logs[own] - wanted))])]

    def _logs(self, size: float, losses: Mapping[str, float]) -> Logs:
        return np.log(np.maximum([size, *(losses[column] for column in self.columns)], LEAST))

    def _draw(self, estimates: Mapping[int, Sequence[Estimate]], parents: Mapping[int, int]) -> Logs:
        """The curves at all settings, [K, 1 + L]."""
        drawn = np.empty((len(self.settings), 1 + len(self.columns)))
        for model, points in estimates.items():
            at = np.array([float(point.gain) for point in points])
            logs = np.array([self._logs(max(point.bits / 8, 1.0), point.losses) for point in points])
            own = self._models == model
            if model in parents:
                origin = self._models == parents[model]
                base = self._positions[origin], drawn[origin]
                ratios = logs - _interpolated(at, *base)
                places = self._positions[own]
                drawn[own] = _interpolated(places, *base) + _interpolated(places, at, ratios)
            else:
                drawn[own] = _spline(self._positions[own], at, logs)
        return drawn

    def _corrections(self) -> Logs:
        """How far coded settings were from their curves, in between by interpolation: [K, 1 + L]."""
        corrections = np.zeros_like(self._drawn)
        coded = sorted((s.position, s.model, self._coded[s] - self._curve_at(s)) for s in self._coded)
        for model in set(self._models.tolist()):
            points = [point for point in coded if point[1] == model] or coded
            if points:
                at, apart = np.array([point[0] for point in points]), np.array([point[2] for point in points])
                own = self._models == model
                corrections[own] = _interpolated(self._positions[own], at, apart)
        return corrections

    def _curve_at(self, setting: ModelSetting) -> Logs:
        """A model's curve at any setting, also one between those considered."""
        own = self._models == setting.model
        curve: Logs = _interpolated(np.array([setting.position]), self._positions[own], self._drawn[own])[0]
        return curve


def _interpolated(at: NDArray[np.float64], known: NDArray[np.float64], values: Logs) -> Logs:
    """Values [K, n] between known ones [N, n], constant beyond the ends."""
    return np.stack([np.interp(at, known, column) for column in values.T], axis=1)


def _spline(at: NDArray[np.float64], known: NDArray[np.float64], values: Logs) -> Logs:
    """A smooth curve through known values [N, n], straight beyond the ends: [K, n]."""
    if len(known) == 1:
        return np.repeat(values, len(at), axis=0)
    spline = CubicSpline(known, values, bc_type="natural")
    inside = at.clip(known[0], known[-1])
    return np.asarray(spline(inside) + spline(inside, 1) * (at - inside)[:, None])
