"""What a metric is: how a decoded picture is measured, how pictures pool, which way is better."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.uint8]
Number = TypeVar("Number", float, NDArray[np.float64])


class Figure(ABC):
    """A figure of an image set that leaderboards and tables are ordered by.

    Attributes:
      name: as titles show it.
      unit: of differences.
      form: how a value is written.
      sign: 1 where more is better, -1 where less is.
    """

    name: str
    unit: str
    form: str
    sign: int

    @abstractmethod
    def of(self, values: Mapping[str, float | None]) -> float | None:
        """The figure, given the set's metrics by their keys; None where what it needs is unknown."""

    def rank(self, values: Mapping[str, float | None]) -> float:
        """Falls from the best to the worst; last is what is unknown."""
        value = self.of(values)
        return math.inf if value is None else -self.sign * value

    def text(self, value: float | None) -> str:
        """A value for people, empty where it is unknown."""
        return "" if value is None else format(value, self.form)


@dataclass(frozen=True)
class Metric(Figure):
    """A metric of a decoded picture against its original.

    Attributes:
      key: on command lines.
      name, unit, form, sign: as in Figure.
      field: column of its values in tables.
      column: column of its losses in candidate tables. A loss is 0 where nothing was lost.
      largest: no loss exceeds it.
      peak: loss a pixel that counts as 0 dB.
      measure: the loss of a decoded picture [H, W, 3] uint8, given (original, decoded).
      value: the metric, given a loss a pixel.
      loss: the inverse of `value`.
      axis: what a plot in decibels calls it.
      is_sum: the loss is a sum over pixels; else a mean over them, so that it counts once for each.
      is_cheap: it is measured on every candidate; else where it is asked for.
      relaxed: the loss of two pictures [3, H, W] float in 8-bit scale as a scalar with a gradient, (original, decoded).
    """

    key: str
    name: str
    unit: str
    form: str
    sign: int
    field: str
    column: str
    largest: float
    peak: float
    measure: Callable[[Pixels, Pixels], float]
    value: Callable[[float], float]
    loss: Callable[[float], float]
    axis: str
    is_sum: bool = False
    is_cheap: bool = False
    relaxed: Callable[[Tensor, Tensor], Tensor] | None = None

    def of(self, values: Mapping[str, float | None]) -> float | None:
        """Its own value."""
        return values.get(self.key)

    def titled(self, value: float) -> str:
        """A value with its name and unit, as a sentence has it."""
        return f"{self.name} {value:{self.form}}" + (f" {self.unit}" if self.unit != self.name else "")

    def total(self, loss: Number, pixels: Number) -> Number:
        """What pictures with these losses and pixels add to the loss of a set."""
        return loss if self.is_sum else loss * pixels

    def mean(self, losses: Sequence[float], pixels: Sequence[int], by_pixels: bool = True) -> float:
        """The set's loss a pixel.

        Args:
          losses: of each picture.
          pixels: of each picture, positive.
          by_pixels: large pictures count for more; else those losses that are means count once a picture.

        Raises:
          ValueError: the lengths differ or are zero.
        """
        if len(losses) != len(pixels) or not pixels or min(pixels) <= 0:
            raise ValueError(f"{len(losses)} losses and {len(pixels)} sizes: one positive size a picture needed")
        if self.is_sum:
            return sum(losses) / sum(pixels)
        return float(np.average(losses, weights=pixels if by_pixels else None))

    def pooled(self, losses: Sequence[float], pixels: Sequence[int], by_pixels: bool = True) -> float:
        """The value of a set, as `mean` pools it."""
        return self.value(self.mean(losses, pixels, by_pixels))

    def decibels(self, loss: NDArray[np.float64]) -> NDArray[np.float64]:
        """Losses a pixel in decibels below the peak, any shape; infinite where nothing was lost."""
        with np.errstate(divide="ignore"):
            levels: NDArray[np.float64] = -10 * np.log10(loss / self.peak)
        return levels


def check_shapes(original: Pixels, decoded: Pixels) -> None:
    """Makes sure that two pictures can be compared.

    Raises:
      ValueError: the shapes differ, or are not [H, W, 3].
    """
    if original.shape != decoded.shape or original.ndim != 3 or original.shape[2] != 3:
        raise ValueError(f"shapes {original.shape} and {decoded.shape}: two equal [H, W, 3] pictures needed")
