"""The gain map as side information: the gain of every cell of 64x64 pixels, as differences to the cell before."""

from __future__ import annotations

import numpy as np

from .entropy import PRECISION, Coder, CodingTable, Grid, build_table, decode_values, encode_values
from .errors import CorruptPayload
from .gains import GAIN_COUNT, GainField
from .grids import hyper_grid, latent_size

SAME = 1 << PRECISION - 1
"""Frequency of a cell with the gain of the one before: half of all."""


def difference_table() -> CodingTable:
    """Of the differences: half of the probability for none, the rest falling by half with every further one."""
    reach = GAIN_COUNT - 1
    rising = np.array([max(1, SAME >> 2 + min(size, 30)) for size in range(reach)], dtype=np.int64)
    counts = np.concatenate([rising[::-1], [SAME], rising, [1]])
    counts[reach] += (1 << PRECISION) - counts.sum()
    return build_table(counts.astype(np.uint32))


def read_gain_map(coder: Coder, base: int, size: tuple[int, int]) -> GainField:
    """Reads the gains of all cells of a picture, in raster order.

    Args:
      coder: range decoder.
      base: gain index that the first cell is a difference to.
      size: of the picture, in pixels.

    Raises:
      CorruptPayload: a gain is out of range.
    """
    rows, columns = hyper_grid(*latent_size(*size))
    gains = base + np.cumsum(decode_values(coder, difference_table(), rows * columns).astype(np.int64))
    if gains.min() < 0 or gains.max() >= GAIN_COUNT:
        raise CorruptPayload(f"the gain map leaves 0 to {GAIN_COUNT - 1}")
    return GainField(base, gains.reshape(rows, columns).astype(np.int32))


def write_gain_map(coder: Coder, field: GainField) -> None:
    """Writes what `read_gain_map` returns."""
    assert field.map is not None
    differences: Grid = np.diff(field.map.reshape(-1), prepend=field.base).astype(np.int32)
    encode_values(coder, difference_table(), differences)
