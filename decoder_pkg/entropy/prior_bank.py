"""A bank of static tables: each position says which prior, a table for each channel, its symbols are coded with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..weight_files import TensorReader
from .coding_tables import CodingTable, decode_values, encode_values
from .interface import Bits, Coder, Grid, SymbolModel
from .scale_tables import LARGEST
from .static_tables import read_static_tables


@dataclass(frozen=True)
class PriorBank:
    """Tables of K priors.

    Attributes:
      tables: for each prior, one table per channel.
    """

    tables: list[list[CodingTable]]

    @cached_property
    def savings(self) -> NDArray[np.float32]:
        """Bits that a symbol one nearer to zero saves, [K, channels, 2 * LARGEST + 1]; none at either end."""
        values = np.arange(-LARGEST, LARGEST + 1, dtype=np.int32)
        bits = np.array([[table.bits(values) for table in prior] for prior in self.tables])
        saved = np.zeros(bits.shape, dtype=np.float32)
        saved[..., 1:LARGEST] = bits[..., 1:LARGEST] - bits[..., 2 : LARGEST + 1]
        saved[..., LARGEST + 1 : -1] = bits[..., LARGEST + 1 : -1] - bits[..., LARGEST:-2]
        return saved


@dataclass(frozen=True)
class BankSymbols(SymbolModel):
    """Symbols [n, C] of n positions, coded prior by prior and, within one, channel by channel.

    Attributes:
      bank: all priors.
      index: [n] the prior of each position, in [0, K).
    """

    bank: PriorBank
    index: NDArray[np.intp]

    def encode(self, coder: Coder, symbols: Grid) -> None:
        for table, rows, channel in self._parts():
            encode_values(coder, table, symbols[rows, channel])

    def decode(self, coder: Coder) -> Grid:
        symbols = np.empty(self._shape, dtype=np.int32)
        for table, rows, channel in self._parts():
            symbols[rows, channel] = decode_values(coder, table, len(rows))
        return symbols

    def bits(self, symbols: Grid) -> Bits:
        found = np.empty(self._shape)
        for table, rows, channel in self._parts():
            found[rows, channel] = table.bits(symbols[rows, channel])
        return found

    def savings(self, symbols: Grid) -> NDArray[np.float32]:
        channels, places = np.arange(self._shape[1]), np.clip(symbols, -LARGEST, LARGEST) + LARGEST
        return self.bank.savings[self.index[:, None], channels, places]

    @property
    def skipped(self) -> NDArray[np.bool_]:
        return np.zeros(self._shape, dtype=np.bool_)

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.index), len(self.bank.tables[0])

    def _parts(self) -> Iterator[tuple[CodingTable, NDArray[np.intp], int]]:
        """Tables in the order in which they are used, each with its rows and its channel."""
        for prior in np.unique(self.index):
            rows = np.flatnonzero(self.index == prior)
            for channel, table in enumerate(self.bank.tables[prior]):
                yield table, rows, channel


def read_prior_bank(reader: TensorReader, prefix: str, priors: int, channels: int) -> PriorBank:
    """The bank of a weight file under a prefix: static tables at one octave, prior by prior.

    Raises:
      WeightsError: tables are missing or do not fit together.
    """
    (flat,) = read_static_tables(reader, prefix, priors * channels, octaves=1).tables
    return PriorBank([flat[start : start + channels] for start in range(0, len(flat), channels)])
