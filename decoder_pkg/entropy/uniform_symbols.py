"""Symbols that are all equally likely: bytes that another coder has made."""

from __future__ import annotations

import math
from dataclasses import dataclass

import constriction
import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptPayload
from .interface import Bits, Coder, Grid, SymbolModel


@dataclass(frozen=True)
class UniformSymbols(SymbolModel):
    """Symbols [n, 1] in [0, size); where `size` is a power of two, each takes exactly its bits.

    Attributes:
      count: n.
      size: how many symbols there are, 2 or more.
    """

    count: int
    size: int

    def encode(self, coder: Coder, symbols: Grid) -> None:
        if self.count and not 0 <= symbols.min() <= symbols.max() < self.size:
            raise ValueError(f"a symbol is outside 0 to {self.size - 1}")
        coder.encode(np.ascontiguousarray(symbols[:, 0]), self._model)

    def decode(self, coder: Coder) -> Grid:
        try:
            symbols: Grid = coder.decode(self._model, self.count)
        except AssertionError as error:
            raise CorruptPayload(f"the range coder stopped: {error}") from None
        return symbols[:, None]

    def bits(self, symbols: Grid) -> Bits:
        return np.full(symbols.shape, math.log2(self.size))

    @property
    def skipped(self) -> NDArray[np.bool_]:
        return np.zeros((self.count, 1), dtype=np.bool_)

    @property
    def _model(self) -> object:
        return constriction.stream.model.Uniform(self.size)
