"""Mass of normal distributions by scale bin, in exact integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from ..weight_files import TensorReader
from .coding_tables import Symbols
from .decisions import MASS_BITS, Masses
from .fixed_point import MEAN_STEPS, Q_VALUES
from .integer_layers import Integers
from .scale_tables import SCALE_BINS, scale_bins

WEIGHT_BITS = 12
"""Weights of distributions are integers that sum to 2^WEIGHT_BITS."""

TAIL_BITS = MASS_BITS - WEIGHT_BITS
"""Of one distribution: its mass is 2^TAIL_BITS."""

TAIL_STEPS = 32
"""Entries of the table of tails for one standard deviation; what lies between them is interpolated."""

TAIL_REACH = 8
"""Standard deviations that it covers: beyond is nothing."""

FINE_BITS = 8
"""Of an interpolation."""

INVERSE_BITS = 20
"""An inverse is 2^INVERSE_BITS times the interpolated steps of the table that 1/MEAN_STEPS makes."""

SCALES = ("normal.inverse", "normal.sigma")

SIGMA_ONE = 1024
"""Standard deviations are in 1/SIGMA_ONE of a quantisation step."""

DEAD_ZONE = 225
"""How much further than half a step from zero the edges of a symbol's interval lie, in 1/MEAN_STEPS: RDOQ does so."""


@dataclass(frozen=True)
class NormalTables:
    """A zero-mean distribution of unit scale, and the scales of all bins.

    Attributes:
      tail: [TAIL_REACH * TAIL_STEPS + 1] int64, mass beyond each multiple of 1/TAIL_STEPS, from half of all to none:
        the last two are zero.
      inverse: [SCALE_BINS] int64, see INVERSE_BITS.
      sigma: [SCALE_BINS] int64, in 1/SIGMA_ONE.
      log_q: [Q_VALUES] int64, as that of `ScaleTables`.
    """

    tail: Masses
    inverse: Masses
    sigma: Masses
    log_q: NDArray[np.int64]

    def bins(self, scale: Integers, q: int) -> NDArray[np.uint8]:
        """Scale bins of latents at a quantisation step; arguments as those of `ScaleTables.index`."""
        return scale_bins(scale, self.log_q, q)

    def tails(self, distance: NDArray[np.int64], bins: NDArray[np.uint8]) -> Masses:
        """Mass beyond distances of zero and more, in 1/MEAN_STEPS, under the scales of bins of the same shape."""
        fine = np.minimum(distance * self.inverse[bins] >> INVERSE_BITS, (len(self.tail) - 1 << FINE_BITS) - 1)
        step = fine >> FINE_BITS
        left, right = self.tail[step], self.tail[step + 1]
        return np.asarray(left - ((left - right) * (fine & (1 << FINE_BITS) - 1) >> FINE_BITS))


def edges(integers: Symbols) -> NDArray[np.int64]:
    """Where the intervals of symbols begin, in 1/MEAN_STEPS."""
    middle: NDArray[np.int64] = integers.astype(np.int64) * MEAN_STEPS - MEAN_STEPS // 2
    return np.asarray(middle + np.where(integers > 0, DEAD_ZONE, -DEAD_ZONE), dtype=np.int64)


def read_normal_tables(reader: TensorReader) -> NormalTables:
    """The tables of a weight file.

    Raises:
      WeightsError: they are missing or make no distributions.
    """
    tail = reader.get("normal.tail", np.int32, TAIL_REACH * TAIL_STEPS + 1).astype(np.int64)
    inverse, sigma = (reader.get(name, np.int32, SCALE_BINS).astype(np.int64) for name in SCALES)
    if tail[0] != 1 << TAIL_BITS - 1 or tail[-2:].any() or (np.diff(tail) > 0).any():
        raise WeightsError("the tails of the normal distribution do not fall from one half to none")
    if min(inverse.min(), sigma.min()) < 1:
        raise WeightsError("the scales of the normal distributions are not positive")
    return NormalTables(tail, inverse, sigma, reader.get("log_q", np.int16, Q_VALUES).astype(np.int64))
