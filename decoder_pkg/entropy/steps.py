"""Coding steps: which latents are coded together, in which units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEAN_STEPS = 4096
"""Means and reconstructed latents are integers in units of 1/MEAN_STEPS."""

Q_ONE = 128
"""The quantisation step q is n / Q_ONE for an 8-bit n."""

Q_VALUES = 256
"""Steps q that the header's 8 bits can name."""


Grid = NDArray[np.int32]


@dataclass(frozen=True)
class CodingStep:
    """Latents that are coded together, because their parameters depend on earlier steps alone.

    Attributes:
      rows: [n] where they lie: rows of a grid [h, w, M] reshaped to [-1, K].
      mean: [n, K] int32 in 1/MEAN_STEPS.
      table: [n, K] uint8, the coding table of each.
    """

    rows: NDArray[np.intp]
    mean: Grid
    table: NDArray[np.uint8]

    def of(self, grid: NDArray[np.generic]) -> NDArray[np.generic]:
        """The step's values [n, K] of a grid [h, w, M]."""
        return grid.reshape(-1, self.mean.shape[1])[self.rows]


Exchange = Callable[[CodingStep], Grid]
"""Hands over a step and returns its symbols [n, K] int32: the decoder reads them, the encoder makes them."""


def dequantise(symbols: Grid, q: int) -> Grid:
    """Residuals y_q * q (Zhao et al. 2021, Eq. 3), exactly, in 1/MEAN_STEPS."""
    return symbols * np.int32(q * MEAN_STEPS // Q_ONE)
