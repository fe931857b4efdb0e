"""Static tables: one for each channel, at each octave of lambda, known without any network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gains import OCTAVES, nearest_octave
from ..weight_files import TensorReader
from .coding_tables import CodingTable, decode_values, encode_values, split_tables
from .interface import Bits, Coder, Grid, SymbolModel


@dataclass(frozen=True)
class StaticTables:
    """The tables of a grid's channels.

    Attributes:
      tables: for each octave of lambda, one table per channel.
    """

    tables: list[list[CodingTable]]

    def symbols(self, gain: int, count: int) -> StaticSymbols:
        """The model of `count` positions at the nearest octave of a gain."""
        return StaticSymbols(self.tables[nearest_octave(gain)], count)


@dataclass(frozen=True)
class StaticSymbols(SymbolModel):
    """Symbols [n, K] of n positions, coded channel by channel.

    Attributes:
      tables: of the K channels.
      count: n.
    """

    tables: Sequence[CodingTable]
    count: int

    def encode(self, coder: Coder, symbols: Grid) -> None:
        for table, values in zip(self.tables, symbols.T, strict=True):
            encode_values(coder, table, values)

    def decode(self, coder: Coder) -> Grid:
        symbols = np.empty((self.count, len(self.tables)), dtype=np.int32)
        for channel, table in enumerate(self.tables):
            symbols[:, channel] = decode_values(coder, table, self.count)
        return symbols

    def bits(self, symbols: Grid) -> Bits:
        return np.stack([table.bits(values) for table, values in zip(self.tables, symbols.T, strict=True)], axis=1)

    @property
    def skipped(self) -> NDArray[np.bool_]:
        return np.zeros((self.count, len(self.tables)), dtype=np.bool_)


def read_static_tables(reader: TensorReader, prefix: str, channels: int, octaves: int = OCTAVES) -> StaticTables:
    """The tables of a weight file under a prefix.

    Raises:
      WeightsError: they are missing or do not fit together.
    """
    support = reader.get(f"{prefix}.support", np.int32, octaves, channels).reshape(-1)
    offset = reader.get(f"{prefix}.offset", np.int16, octaves, channels).reshape(-1)
    flat = split_tables(reader.get(f"{prefix}.frequency", np.uint32, None), support, offset)
    return StaticTables([flat[start : start + channels] for start in range(0, len(flat), channels)])
