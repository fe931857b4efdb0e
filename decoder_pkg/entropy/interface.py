"""What a codec codes: steps of symbols that are known together, each under a model of their probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.int32]
Bits = NDArray[np.float64]
Coder = Any
"""A range coder: `constriction.stream.queue.RangeEncoder` or `RangeDecoder`, which have no types."""


class SymbolModel(ABC):
    """Integer probabilities of the symbols of one coding step; no float chooses among them."""

    @abstractmethod
    def encode(self, coder: Coder, symbols: Grid) -> None:
        """Appends symbols [n, K] int32.

        Raises:
          ValueError: a symbol is beyond the reach of an escape.
        """

    @abstractmethod
    def decode(self, coder: Coder) -> Grid:
        """Reads what `encode` wrote.

        Raises:
          CorruptPayload: the bytes cannot come from an encoder.
        """

    @abstractmethod
    def bits(self, symbols: Grid) -> Bits:
        """Ideal code length [n, K] of symbols [n, K]; those that are skipped take none."""

    def savings(self, symbols: Grid) -> NDArray[np.float32]:
        """Bits [n, K] that the symbol one nearer to zero would save; nothing for zeros."""
        nearer = symbols - np.sign(symbols)
        return (self.bits(symbols) - self.bits(nearer)).astype(np.float32)

    @property
    @abstractmethod
    def skipped(self) -> NDArray[np.bool_]:
        """[n, K] which symbols are zero and not coded (skip mode)."""


@dataclass(frozen=True)
class CodingStep:
    """Symbols that are coded together, because their parameters depend on earlier steps alone.

    Attributes:
      grid: name of the grid that they belong to.
      rows: [n] where they lie: rows of that grid [h, w, C] reshaped to [-1, K].
      mean: [n, K] int32, in steps of the grid: what symbol zero stands for.
      unit: steps of the grid that one unit of a symbol counts.
      symbols: their probabilities.
    """

    grid: str
    rows: NDArray[np.intp]
    mean: Grid
    unit: int
    symbols: SymbolModel

    def of(self, grid: NDArray[np.generic]) -> NDArray[np.generic]:
        """The step's values [n, K] of a grid [h, w, C]."""
        return grid.reshape(-1, self.mean.shape[1])[self.rows]

    def symbols_of(self, grid: Grid) -> Grid:
        """The symbols [n, K] that a reconstructed grid [h, w, C] stands for."""
        values: Grid = grid.reshape(-1, self.mean.shape[1])[self.rows]
        return (values - self.mean) // np.int32(self.unit)

    def residuals(self, symbols: Grid) -> Grid:
        """What symbols [n, K] add to the mean, in steps of the grid."""
        return symbols * np.int32(self.unit)


Exchange = Callable[[CodingStep], Grid]
"""Hands over a step and returns its symbols [n, K] int32: the decoder reads them, the encoder makes them."""


def reading(coder: Coder) -> Exchange:
    """The decoder's exchange: symbols come from a range decoder."""
    return lambda step: step.symbols.decode(coder)
