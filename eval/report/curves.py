"""Rate-distortion curves beside published ones, and Bjontegaard deltas."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import bjontegaard
import numpy as np

from ..metrics import METRICS, PSNR, Metric
from ..published import CLIC_2021_VALIDATION, FOLDER, read_pictures

MEAN = "mean of pictures"
"""Each point is a mean over pictures at one setting of the codec, as papers report it."""

SET = "whole set"
"""Each point is a set at one Lagrange multiplier: all bytes over all pixels, PSNR from one mean squared error."""

LEAST_POINTS = 4
KODAK_PICTURES = {f"kodim{number:02}": 768 * 512 for number in range(1, 25)}


@dataclass(frozen=True)
class Curve:
    """One codec on one set, by rising rate.

    Attributes:
      name: of the codec.
      kind: MEAN or SET; curves of different kinds are not comparable.
      bpp: bits per pixel of each point.
      values: of each point in each metric that is known, by its key.
      published: whether it was published, not measured here.
    """

    name: str
    kind: str
    bpp: tuple[float, ...]
    values: Mapping[str, tuple[float, ...]]
    published: bool = False

    def within(self, low: float, high: float) -> Curve:
        """The points whose rate lies in [low, high]."""
        kept = [index for index, rate in enumerate(self.bpp) if low <= rate <= high]
        values = {key: tuple(of[index] for index in kept) for key, of in self.values.items()}
        return replace(self, bpp=tuple(self.bpp[index] for index in kept), values=values)

    def decibels(self, metric: Metric) -> tuple[float, ...]:
        """A metric of each point in dB, infinite where nothing was lost; empty where it is unknown."""
        losses = np.array([metric.loss(value) for value in self.values.get(metric.key, ())], np.float64)
        return tuple(metric.decibels(losses).tolist())


@dataclass(frozen=True)
class PublishedCurves:
    """Published curves of one kind; each line of the file names its source."""

    pictures: Mapping[str, int]
    file: Path
    kind: str

    def load(self) -> list[Curve]:
        """The curves by codec, in the file's order."""
        points: dict[str, list[dict[str, str]]] = {}
        with self.file.open() as file:
            for row in csv.DictReader(file):
                points.setdefault(row["codec"], []).append(row)
        return [self._curve(name, rows) for name, rows in points.items()]

    def _curve(self, name: str, rows: list[dict[str, str]]) -> Curve:
        rows.sort(key=lambda row: (float(row["bpp"]), float(row[PSNR.field])))
        known = [metric for metric in METRICS.values() if all(row.get(metric.field) for row in rows)]
        values = {metric.key: tuple(float(row[metric.field]) for row in rows) for metric in known}
        return Curve(name, self.kind, tuple(float(row["bpp"]) for row in rows), values, published=True)


PUBLISHED_CURVES = (
    PublishedCurves(KODAK_PICTURES, FOLDER / "kodak.csv", MEAN),
    PublishedCurves(KODAK_PICTURES, FOLDER / "kodak_set.csv", SET),
    PublishedCurves(read_pictures(CLIC_2021_VALIDATION), FOLDER / "clic2021_validation_curves.csv", MEAN),
    PublishedCurves(read_pictures(CLIC_2021_VALIDATION), FOLDER / "clic2021_validation_set_curves.csv", SET),
)


def published_curves(pixels: Mapping[str, int]) -> list[Curve]:
    """Published curves of a set: none where it is another set, told by names and pixels of all pictures."""
    return [curve for row in PUBLISHED_CURVES if row.pictures == dict(pixels) for curve in row.load()]


@dataclass(frozen=True)
class Delta:
    """Bjontegaard deltas of a test curve against an anchor.

    Attributes:
      rate_percent: mean difference in rate at equal quality, in percent of the anchor's.
      quality_db: mean difference in quality at equal rate.
      quality_range: dB over which both curves exist; the first delta is taken there.
      rate_range: bits per pixel over which both exist; the second is taken there.
    """

    rate_percent: float
    quality_db: float
    quality_range: tuple[float, float]
    rate_range: tuple[float, float]


def bjontegaard_delta(anchor: Curve, test: Curve, metric: Metric = PSNR) -> Delta:
    """Mean differences between two curves over the range they share (Bjontegaard 2001, Akima interpolation).

    Raises:
      ValueError: the curves are of different kinds, one has fewer than four points, or they do not overlap.
    """
    if anchor.kind != test.kind:
        raise ValueError(f"{anchor.name} is a {anchor.kind}, {test.name} a {test.kind}: they cannot be compared")
    first, second = (_points(curve, metric) for curve in (anchor, test))
    rates = _overlap(first[0], second[0], f"{anchor.name} and {test.name} share no range of rate")
    levels = _overlap(first[1], second[1], f"{anchor.name} and {test.name} share no range of {metric.name}")
    options = {"method": "akima", "require_matching_points": False, "min_overlap": 0}
    percent = bjontegaard.bd_rate(*first, *second, **options)
    quality = bjontegaard.bd_psnr(*first, *second, **options)
    return Delta(float(percent), float(quality), levels, rates)


def _points(curve: Curve, metric: Metric) -> tuple[list[float], list[float]]:
    """Rates and qualities of the points that have a finite quality and are better than all before."""
    rates: list[float] = []
    levels: list[float] = []
    for rate, level in zip(curve.bpp, curve.decibels(metric), strict=False):
        if math.isfinite(level) and (not rates or (rate > rates[-1] and level > levels[-1])):
            rates.append(rate)
            levels.append(level)
    if len(rates) < LEAST_POINTS:
        raise ValueError(f"{curve.name} has {len(rates)} points of {metric.name}; a delta needs {LEAST_POINTS}")
    return rates, levels


def _overlap(first: list[float], second: list[float], message: str) -> tuple[float, float]:
    low, high = max(min(first), min(second)), min(max(first), max(second))
    if low >= high:
        raise ValueError(message)
    return low, high
