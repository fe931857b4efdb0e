"""Latents coded by a 5x5 causal context for the scale (Zhao et al. 2021, section 3.1), in wavefront order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ...entropy import CAUSAL_TAPS, CodingStep, Exchange, Grid, Integers, clamp_activation, dequantise, leaky
from .entropy_model import EntropyModel, HyperParameters, magnitudes

REACH = 2
"""The causal window reaches this far up, left and right."""

Positions = tuple[NDArray[np.intp], NDArray[np.intp]]
Order = Callable[[int, int], Iterator[Positions]]


def wavefront(height: int, width: int) -> Iterator[Positions]:
    """Rows and columns of each step: all positions with the same column + 3 * row.

    A 5x5 causal window reaches two columns to the right in the row above, so position (r, c) depends on (r-1, c+2)
    at the latest, which lies one step earlier.
    """
    for step in range(width + 3 * (height - 1)):
        first = max(0, -(-(step - width + 1) // 3))
        rows = np.arange(first, min(height - 1, step // 3) + 1)
        if len(rows):
            yield rows, step - 3 * rows


def raster(height: int, width: int) -> Iterator[Positions]:
    """One position a step: the order the wavefront replaces, kept to measure against."""
    for position in range(height * width):
        row, column = divmod(position, width)
        yield np.array([row]), np.array([column])


def code_causal(
    model: EntropyModel, parameters: HyperParameters, q: int, exchange: Exchange, order: Order = wavefront
) -> Grid:
    """Walks over all latents in coding order.

    Args:
      model: the entropy model.
      parameters: of the picture's hyper-latents.
      q: quantisation step in 1/128.
      exchange: reads or makes the symbols of a step.
      order: the steps.

    Returns:
      [h, w, M] int32, reconstructed latents in 1/4096.
    """
    latents = parameters.mean  # each of them is replaced when its turn has come: no second grid of a large picture
    height, width, channels = latents.shape
    neighbours = Neighbours(height, width, channels)
    for rows, columns in order(height, width):
        context = model.layers["context.enter"].columns(neighbours.patches(rows, columns))
        x = leaky(clamp_activation(context + parameters.features[rows, columns]))
        x = leaky(model.layers["context.hidden"].columns(x))
        table = model.table_index(model.layers["context.leave"].columns(x), q)
        residuals = dequantise(exchange(CodingStep(rows * width + columns, latents[rows, columns], table)), q)
        neighbours.put(rows, columns, residuals)
        latents[rows, columns] += residuals
    return latents


class Neighbours:
    """Magnitudes of coded residuals with a margin, so that every causal window can be gathered."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self._stride = width + 2 * REACH
        self._values = np.zeros(((height + REACH) * self._stride, channels), dtype=np.int32)
        self._taps = np.array([row * self._stride + column for row, column in CAUSAL_TAPS])

    def _positions(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        positions: NDArray[np.intp] = (rows + REACH) * self._stride + columns + REACH
        return positions

    def patches(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Integers:
        """[n, 12 * M] float64: the neighbours of n positions."""
        index = self._positions(rows, columns)[:, None] + self._taps
        return np.asarray(self._values[index].reshape(len(rows), -1), dtype=np.float64)

    def put(self, rows: NDArray[np.intp], columns: NDArray[np.intp], residuals: Grid) -> None:
        """Stores the residuals [n, M] of coded positions, in 1/MEAN_STEPS."""
        self._values[self._positions(rows, columns)] = magnitudes(residuals)
