"""Gains: the rates at which every model codes, as indices over a range of lambda."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from .grids import HYPER_STRIDE

if TYPE_CHECKING:
    from torch import Tensor

GAIN_LAMBDAS = (0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256)
"""Lagrangian weight (lambda * 255^2 * MSE + bpp) at which each gain vector is trained."""

GAIN_STEPS = 8
"""Gain indices per octave of lambda: vectors in between are interpolated (Gao et al. 2021, section 3.2)."""

OCTAVES = len(GAIN_LAMBDAS)

GAIN_COUNT = (OCTAVES - 1) * GAIN_STEPS + 1
"""A gain index on the wire is in [0, GAIN_COUNT)."""


Gain = TypeVar("Gain", float, "Tensor")


def gain_lambda(gain: Gain) -> Gain:
    """Lambda of gain indices, numbers or a tensor."""
    found: Gain = GAIN_LAMBDAS[0] * 2.0 ** (gain / GAIN_STEPS)
    return found


def nearest_octave(gain: int) -> int:
    """The octave of lambda nearest to a gain index, halves upwards."""
    return (gain + GAIN_STEPS // 2) // GAIN_STEPS


def table_gain(gain: int, q: int) -> int:
    """The gain whose tables suit a quantisation step, in integers: a coarser step is like a lower gain.

    Gains scale latents with the square root of lambda, so that q = 2 counts as two octaves, 16 gain indices, less:
    the nearest integer to 16 log2(q / Q_ONE), whose double is floor(log2(q^32)) - 32 * 7 and a fraction.
    """
    steps = ((q**32).bit_length() - 32 * 7) // 2
    return min(max(gain - steps, 0), GAIN_COUNT - 1)


@dataclass(frozen=True)
class GainField:
    """The gain of every position of a picture: one for all, or a map of them.

    Attributes:
      base: gain index in [0, GAIN_COUNT); it chooses static tables.
      map: [hz, wz] int32 gain index of each cell of the hyper-latent grid; None where all have the base.
    """

    base: int
    map: NDArray[np.int32] | None = None

    def at(self, rows: slice, columns: slice) -> NDArray[np.int64]:
        """Gain indices of a part of the latent grid: [h, w], or [] where all are the base."""
        if self.map is None:
            return np.array(self.base)
        fine = self.map.repeat(HYPER_STRIDE, axis=0).repeat(HYPER_STRIDE, axis=1)
        return fine[rows, columns].astype(np.int64)
