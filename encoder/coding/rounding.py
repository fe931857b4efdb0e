"""Float residuals to symbols: the nearest integer, or rate-distortion optimised quantisation (RDOQ)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.entropy import Q_ONE, Grid, SymbolModel

ERROR_BITS = 36.0
"""Bits that an error of one whole quantisation step costs at the Lagrange multiplier of its gain, found on crops."""

MOST_STEPS = 4
"""Steps that a symbol may go towards zero; more than one pays where little of a latent's cell is seen."""

ROUNDING = ERROR_BITS, MOST_STEPS
"""What candidates depend on beside weights and settings; a part of every key under which results are kept."""

Rounding = Callable[[NDArray[np.float32], SymbolModel, NDArray[np.float32]], Grid]
"""Residuals [n, K] in quantisation steps, their probabilities and the weights [n, 1] of their errors to symbols."""


THRESHOLD = 0.58
"""Magnitude below which a residual becomes 0: what RDOQ does on average. Bits of photographs are then within 2 %."""


def as_rdoq(residual: Tensor) -> Tensor:
    """The nearest integers, but that 0 reaches further: about what RDOQ finds. Of any shape, float."""
    return torch.where(residual.abs() < THRESHOLD, 0.0, torch.round(residual))


def nearest(residuals: NDArray[np.float32], _symbols: SymbolModel, _weight: NDArray[np.float32]) -> Grid:
    """The nearest integers."""
    return np.round(residuals).astype(np.int32)


def rdoq(q: int, error_bits: float = ERROR_BITS) -> Rounding:
    """Rate-distortion optimised quantisation: the nearest integer, or one nearer to zero where that costs less.

    Args:
      q: quantisation step in 1/128, in which distances weigh by their square.
      error_bits: bits that an error of one whole step costs at q = 1; with more of them fewer symbols change.
    """
    price = np.float32(error_bits * (q / Q_ONE) ** 2)

    def rounding(residuals: NDArray[np.float32], model: SymbolModel, weight: NDArray[np.float32]) -> Grid:
        symbols = nearest(residuals, model, weight)
        for _ in range(MOST_STEPS):
            lost = weight * price * (2 * (np.abs(residuals) - np.abs(symbols)) + 1)
            smaller = model.savings(symbols) > lost
            if not smaller.any():
                break
            symbols = np.where(smaller, symbols - np.sign(symbols), symbols)
        return symbols

    return rounding
