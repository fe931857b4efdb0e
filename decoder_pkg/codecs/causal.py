"""Causal contexts: the neighbours of a 5x5 window that are coded before a position, and the order this gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..entropy import CAUSAL_TAPS, Grid, Integers

REACH = 2
"""The causal window reaches this far up, left and right."""

Positions = tuple[NDArray[np.intp], NDArray[np.intp]]


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


class Neighbours:
    """What is known of coded positions, with a margin, so that every causal window can be gathered."""

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

    def put(self, rows: NDArray[np.intp], columns: NDArray[np.intp], values: Grid) -> None:
        """Stores the values [n, M] of coded positions, within an activation's range."""
        self._values[self._positions(rows, columns)] = values
