"""Zero-mean coding tables by standard deviation: the scale of each latent, an integer, names its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from ..weight_files import TensorReader
from .coding_tables import CodingTable, decode_values, encode_values, split_tables
from .fixed_point import Q_VALUES
from .integer_layers import Integers
from .interface import Bits, Coder, Grid, SymbolModel

SCALE_SHIFT = 8
"""Outputs of a network that yields scales are in 2^-SCALE_SHIFT of a scale bin."""

SCALE_BINS = 256
"""Equal bins of log2 sigma, each of which names its coding table."""

BIN_OCTAVES = 5 / 128
"""Width of a scale bin in log2 of the standard deviation."""

FINE_SCALES = 16
"""Parts of a scale bin that standard deviations are told apart by."""

SKIPPED = 0
"""The table of the smallest standard deviation: its latents are zero and not coded (skip mode).

Nine of ten latents are of this kind at low rates. Coding them would cost the coder's rounding for each, and a
non-zero one among them more than it gains.
"""

LARGEST = 15
"""A symbol beyond this saves next to nothing by being one nearer to zero."""


def scale_bins(scale: Integers, log_q: NDArray[np.int64], q: int) -> NDArray[np.uint8]:
    """Scale bins of latents at a quantisation step; arguments as those of `ScaleTables`."""
    shifted = scale.astype(np.int64) - log_q[q]
    found = (shifted + (1 << SCALE_SHIFT >> 1)) >> SCALE_SHIFT
    return np.asarray(np.clip(found, 0, SCALE_BINS - 1), dtype=np.uint8)


@dataclass(frozen=True)
class ScaleTables:
    """The tables and which of them each scale takes.

    Attributes:
      tables: zero-mean tables by rising standard deviation.
      table_of_bin: [SCALE_BINS] uint8, the table of each scale bin.
      log_q: [Q_VALUES] int64, log2(n / Q_ONE) in 2^-SCALE_SHIFT of a scale bin.
    """

    tables: list[CodingTable]
    table_of_bin: NDArray[np.uint8]
    log_q: NDArray[np.int64]

    def index(self, scale: Integers, q: int) -> NDArray[np.uint8]:
        """Tables of latents.

        Args:
          scale: log2 of the standard deviation in 2^-SCALE_SHIFT of a scale bin, any shape.
          q: quantisation step in 1/Q_ONE.
        """
        return np.asarray(self.table_of_bin[scale_bins(scale, self.log_q, q)])

    @cached_property
    def savings(self) -> NDArray[np.float32]:
        """Bits that a symbol one nearer to zero saves, [tables, LARGEST + 1] by magnitude; none for 0 and LARGEST."""
        sizes = np.arange(LARGEST, dtype=np.int32)
        bits = np.array([table.bits(sizes) for table in self.tables])
        return np.pad(np.diff(bits, axis=1), ((0, 0), (1, 1))).astype(np.float32)


@dataclass(frozen=True)
class SigmaTables(ScaleTables):
    """Tables by the standard deviation itself.

    Attributes:
      thresholds: [SCALE_BINS * FINE_SCALES - 1] int32, rising: entry k - 1 is the least one of scale k, in
        FINE_SCALES of a bin.
    """

    thresholds: Grid

    def index(self, scale: Integers, q: int) -> NDArray[np.uint8]:
        """Tables of latents, as above, but that `scale` is their standard deviation as the thresholds count it."""
        parts = np.searchsorted(self.thresholds, scale, side="right")
        return super().index(parts * np.float64((1 << SCALE_SHIFT) // FINE_SCALES), q)


@dataclass(frozen=True)
class ScaledSymbols(SymbolModel):
    """Symbols [n, K] with a table each, coded by rising table and, within one table, in order.

    Attributes:
      tables: all of them.
      index: [n, K] uint8, the table of each symbol.
    """

    tables: ScaleTables
    index: NDArray[np.uint8]

    def encode(self, coder: Coder, symbols: Grid) -> None:
        flat = symbols.reshape(-1)
        for table, places in self._by_table():
            encode_values(coder, table, flat[places])

    def decode(self, coder: Coder) -> Grid:
        symbols = np.zeros(self.index.size, dtype=np.int32)
        for table, places in self._by_table():
            symbols[places] = decode_values(coder, table, len(places))
        return symbols.reshape(self.index.shape)

    def bits(self, symbols: Grid) -> Bits:
        flat, found = symbols.reshape(-1), np.zeros(symbols.size)
        for table, places in self._by_table():
            found[places] = table.bits(flat[places])
        return found.reshape(symbols.shape)

    def savings(self, symbols: Grid) -> NDArray[np.float32]:
        saved: NDArray[np.float32] = self.tables.savings[self.index, np.minimum(np.abs(symbols), LARGEST)]
        return saved

    @property
    def skipped(self) -> NDArray[np.bool_]:
        return np.asarray(self.index == SKIPPED)

    def _by_table(self) -> Iterator[tuple[CodingTable, NDArray[np.intp]]]:
        """The tables in use by rising index, but SKIPPED, each with the places of its symbols in the flattened step."""
        flat = self.index.reshape(-1)
        order = np.argsort(flat, kind="stable")
        counts = np.bincount(flat, minlength=len(self.tables.tables))
        ends = np.cumsum(counts)
        for t in np.flatnonzero(counts):
            if t != SKIPPED:
                yield self.tables.tables[t], order[ends[t] - counts[t] : ends[t]]


def read_scale_tables(reader: TensorReader) -> ScaleTables:
    """The tables of a weight file.

    Raises:
      WeightsError: they are missing or do not fit together.
    """
    support = reader.get("gaussian.support", np.int32, None)
    tables = split_tables(reader.get("gaussian.frequency", np.uint32, None), support, np.zeros_like(support))
    table_of_bin = reader.get("gaussian.table_of_bin", np.uint8, SCALE_BINS)
    if table_of_bin.max() >= len(tables):
        raise WeightsError("the scale bins do not fit the coding tables")
    return ScaleTables(tables, table_of_bin, reader.get("log_q", np.int16, Q_VALUES).astype(np.int64))


def read_sigma_tables(reader: TensorReader) -> SigmaTables:
    """The tables of a weight file, and the thresholds that make scales of standard deviations.

    Raises:
      WeightsError: they are missing or do not fit together.
    """
    thresholds = reader.get("sigma.threshold", np.int32, SCALE_BINS * FINE_SCALES - 1)
    if (np.diff(thresholds.astype(np.int64)) < 0).any():
        raise WeightsError("the thresholds of standard deviations fall")
    return SigmaTables(**vars(read_scale_tables(reader)), thresholds=thresholds)
