"""What is minimised: one metric's loss, or a weighted sum of several."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .interface import Figure, Metric, Number
from .ms_ssim import MS_SSIM
from .psnr import PSNR
from .table import METRICS

MIX = "mix"
MAX_WEIGHT = 1e6


@dataclass(frozen=True)
class Distortion:
    """The sum over pictures of weighted losses; it is a value, so that other processes and caches can have it.

    Attributes:
      weights: weight of each metric, by key.
    """

    weights: tuple[tuple[str, float], ...] = ((PSNR.key, 1.0),)

    def __post_init__(self) -> None:
        """Refuses what cannot be minimised.

        Raises:
          ValueError: a metric is unknown, or a weight is not positive or out of all proportion.
        """
        for key, weight in self.weights:
            if key not in METRICS:
                raise ValueError(f"{key!r} is no metric: there are {', '.join(METRICS)}")
            if not 0 < weight <= MAX_WEIGHT:
                raise ValueError(f"a weight of {weight} is not above 0 and at most {MAX_WEIGHT:g}")

    @property
    def terms(self) -> list[tuple[Metric, float]]:
        """Each metric and its weight."""
        return [(METRICS[key], weight) for key, weight in self.weights]

    @property
    def keys(self) -> set[str]:
        """Keys of the metrics that count."""
        return {key for key, _ in self.weights}

    def weight(self, metric: Metric) -> float:
        """The weight of a metric, 0 where it does not count."""
        return dict(self.weights).get(metric.key, 0.0)

    def of(self, losses: Mapping[str, Number], pixels: Number) -> Number:
        """What is minimised, of one picture or of each of several.

        Args:
          losses: by the metrics' columns.
          pixels: of the picture, or of each.
        """
        parts = [weight * metric.total(losses[metric.column], pixels) for metric, weight in self.terms]
        return sum(parts[1:], parts[0])

    @property
    def figure(self) -> Figure:
        """What results are compared by."""
        return self.terms[0][0] if len(self.weights) == 1 else Mixture(self)

    def decibels(self, loss: NDArray[np.float64]) -> NDArray[np.float64]:
        """A loss a pixel in decibels: below the metric's peak, or below 1 where several count; any shape."""
        peak, weight = (self.terms[0][0].peak, self.terms[0][1]) if len(self.weights) == 1 else (1.0, 1.0)
        with np.errstate(divide="ignore"):
            levels: NDArray[np.float64] = -10 * np.log10(loss / (weight * peak))
        return levels


@dataclass(frozen=True)
class Mixture(Figure):
    """The loss a pixel of a weighted sum of metrics."""

    distortion: Distortion
    name: str = "mixed distortion"
    unit: str = "distortion"
    form: str = ".6f"
    sign: int = -1

    def of(self, values: Mapping[str, float | None]) -> float | None:
        """The weighted sum, where every metric that counts is known."""
        known = {metric: values.get(metric.key) for metric, _ in self.distortion.terms}
        losses = {metric.column: metric.loss(value) for metric, value in known.items() if value is not None}
        return self.distortion.of(losses, 1.0) if len(losses) == len(known) else None


SQUARED_ERROR = Distortion()


def distortion_of(name: str, weight: float) -> Distortion:
    """What a command line asks for.

    Args:
      name: key of a metric, or `mix`: squared errors a sample of range 1, and `weight` times 1 - MS-SSIM, each
        counted once a pixel.
      weight: of MS-SSIM in the mix.

    Raises:
      ValueError: there is no such metric, or the weight is out of range.
    """
    if name != MIX:
        return Distortion(((name, 1.0),))
    return Distortion(((PSNR.key, 1 / PSNR.peak), (MS_SSIM.key, weight)))


def known_metrics(losses: Collection[str]) -> list[Metric]:
    """The metrics whose columns are there."""
    return [metric for metric in METRICS.values() if metric.column in losses]


def measured_metrics(distortion: Distortion = SQUARED_ERROR) -> tuple[Metric, ...]:
    """The metrics that are recorded of every picture: the cheap ones, and those that count."""
    return tuple(metric for metric in METRICS.values() if metric.is_cheap or metric.key in distortion.keys)
