"""Symbols under normal distributions whose scale differs on either side (Gao et al. 2021, section 2.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coding_tables import Symbols
from .decisions import TOTAL, DecidedSymbols, Masses, Places
from .normal_tables import WEIGHT_BITS, NormalTables, edges


@dataclass(frozen=True)
class Asymmetric(DecidedSymbols):
    """Symbols [n, C] under normal distributions of two scales, one below the mode and one above.

    Attributes:
      tables: of the distributions.
      bins: [2, n, C] uint8, scale bins below and above zero, which is the mode.
    """

    tables: NormalTables
    bins: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.bins.shape[1:]

    def below(self, integers: Symbols, places: Places) -> Masses:
        left, right = self.bins.reshape(2, -1)[:, places]
        distance = edges(integers)
        tails = self.tables.tails(np.abs(distance), np.where(distance < 0, left, right))
        sigma = self.tables.sigma[left], self.tables.sigma[right]
        weight = (sigma[0] << WEIGHT_BITS) // (sigma[0] + sigma[1])
        above = TOTAL - 2 * ((1 << WEIGHT_BITS) - weight) * tails
        return np.asarray(np.where(distance < 0, 2 * weight * tails, above))
