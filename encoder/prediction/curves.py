"""Rate and distortion over settings that lie on lines: drawn through a few points, corrected by what was coded."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Distortion

Setting = TypeVar("Setting", bound=Hashable)

LEAST = 1e-9
"""Losses have logarithms: this stands for none."""

UNSURE = 0.1
"""Share by which the least size of a line may be smaller than it was drawn, as long as it is not coded."""

Logs = NDArray[np.float64]
"""Natural logarithms of bytes and of each loss, [1 + L] or [K, 1 + L]."""

Values = NDArray[np.float64]


class Curves(Generic[Setting]):
    """Bytes and losses of one picture at settings, each of which has a place on a line.

    A line is what one encoder does while one number moves: a model with its gains, or a codec with its qualities.
    """

    def __init__(
        self,
        settings: Sequence[Setting],
        lines: Sequence[int],
        positions: Sequence[float],
        drawn: Logs,
        columns: Sequence[str],
    ) -> None:
        """Takes the curves as they are drawn.

        Args:
          settings: [K], those of a line together, by rising position.
          lines: [K] the line of each.
          positions: [K] the place of each on its line.
          drawn: [K, 1 + L].
          columns: [L] names of the losses.
        """
        self.settings, self.columns = list(settings), tuple(columns)
        self.lines = np.asarray(lines, dtype=np.int64)
        self._positions = np.asarray(positions, dtype=np.float64)
        self._drawn = drawn
        self._index = {setting: index for index, setting in enumerate(self.settings)}
        self._coded: dict[int, Logs] = {}

    def learn(self, setting: Setting, size: float, losses: Mapping[str, float]) -> None:
        """Takes in what a setting really takes, in bytes, and loses; the first to be told is believed.

        A setting that is none of the curves' is passed over.
        """
        if setting in self._index:
            logs = to_logs(size, [losses[column] for column in self.columns])
            self._coded.setdefault(self._index[setting], logs)

    def predicted(self) -> tuple[Values, dict[str, Values]]:
        """Bytes [K] of all settings, and their losses [K] by column; exact where a setting was coded."""
        logs = self._drawn + self._corrections()
        for index, known in self._coded.items():
            logs[index] = known
        values = np.exp(logs)
        return values[:, 0], {column: values[:, 1 + number] for number, column in enumerate(self.columns)}

    def cheapest(self, multiplier: float, distortion: Distortion, pixels: int) -> list[Setting]:
        """The setting of each line that costs least at a Lagrange multiplier, distortion per byte; the best first."""
        sizes, losses = self.predicted()
        costs = distortion.of(losses, np.full(len(sizes), float(pixels))) + multiplier * sizes
        best: dict[int, Setting] = {}
        for index in np.argsort(costs, kind="stable").tolist():
            best.setdefault(int(self.lines[index]), self.settings[index])
        return list(best.values())

    def nearest(self, size: int, distortion: Distortion, pixels: int) -> Setting:
        """The setting that takes about so many bytes, or the most below, of the line that then loses least."""
        levels, logs = self._levels(size, distortion, pixels), np.log(self.predicted()[0])
        own = np.flatnonzero(self.lines == min(levels, key=lambda line: levels[line]))
        return self.settings[int(own[np.argmin(np.abs(logs[own] - np.log(size)))])]

    def least(self, size: int, distortion: Distortion, pixels: int) -> float:
        """The least distortion that any line is expected to have in so many bytes."""
        _, level = min(self._levels(size, distortion, pixels).values())
        return float(np.exp(level))

    def _levels(self, size: int, distortion: Distortion, pixels: int) -> dict[int, tuple[float, float]]:
        """Of each line, how far its least size is above one, and its distortion there or at the end below; in logs.

        A least size that is not coded may be smaller than what was coded beside it makes it: coding it tells.
        """
        sizes, losses = self.predicted()
        level = np.log(np.maximum(distortion.of(losses, np.full(len(sizes), float(pixels))), LEAST))
        wanted, logs = float(np.log(size)), np.log(sizes)
        found: dict[int, tuple[float, float]] = {}
        for line in dict.fromkeys(self.lines.tolist()):
            own = self.lines == line
            rising = np.maximum.accumulate(logs[own])
            first = int(np.flatnonzero(own)[0])
            least = rising[0] if first in self._coded else min(rising[0], self._drawn[first, 0]) - UNSURE
            found[line] = max(least - wanted, 0.0), float(np.interp(wanted, rising, level[own]))
        return found

    def _corrections(self) -> Logs:
        """How far coded settings were from their curves, in between by interpolation: [K, 1 + L]."""
        corrections = np.zeros_like(self._drawn)
        coded = sorted(self._coded, key=lambda index: self._positions[index])
        for line in set(self.lines.tolist()):
            points = [index for index in coded if self.lines[index] == line] or coded
            if points:
                apart = np.array([self._coded[index] - self._drawn[index] for index in points])
                own = self.lines == line
                corrections[own] = interpolated(self._positions[own], self._positions[points], apart)
        return corrections


def to_logs(size: float, losses: Sequence[float]) -> Logs:
    """Logarithms of bytes and losses."""
    return np.log(np.maximum([size, *losses], LEAST))


def interpolated(at: Values, known: Values, values: Logs) -> Logs:
    """Values [K, n] between known ones [N, n], constant beyond the ends."""
    return np.stack([np.interp(at, known, column) for column in values.T], axis=1)


def spline(at: Values, known: Values, values: Logs) -> Logs:
    """A natural cubic spline through known values [N, n], straight beyond the ends: [K, n].

    Not SciPy's: importing that takes a quarter of the time in which a small picture is coded.
    """
    if len(known) == 1:
        return np.repeat(values, len(at), axis=0)
    steps, bends = np.diff(known)[:, None], _second_derivatives(known, values)
    inside = at.clip(known[0], known[-1])
    left = (np.searchsorted(known, inside, "right") - 1).clip(0, len(known) - 2)
    step, right = steps[left], left + 1
    there = (inside - known[left])[:, None] / step
    here = 1 - there
    bent = (here**3 - here) * bends[left] + (there**3 - there) * bends[right]
    slope = (values[right] - values[left]) / step
    slope += ((3 * there**2 - 1) * bends[right] - (3 * here**2 - 1) * bends[left]) * step / 6
    whole = here * values[left] + there * values[right] + bent * step**2 / 6 + slope * (at - inside)[:, None]
    return np.asarray(whole)


def _second_derivatives(known: Values, values: Logs) -> Logs:
    """Of the natural spline at its points [N, n]: zero at both ends, and so that slopes meet in between."""
    steps = np.diff(known)
    slopes = np.diff(values, axis=0) / steps[:, None]
    system, right = np.eye(len(known)), np.zeros_like(values)
    for inner in range(1, len(known) - 1):
        before, after = steps[inner - 1], steps[inner]
        system[inner, inner - 1 : inner + 2] = before, 2 * (before + after), after
        right[inner] = 6 * (slopes[inner] - slopes[inner - 1])
    return np.asarray(np.linalg.solve(system, right), dtype=np.float64)
