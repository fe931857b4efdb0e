"""Coding tables: integer frequencies for the range coder, with an escape symbol."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptPayload, WeightsError

PRECISION = 24
"""Frequencies of one table sum to 2^PRECISION, the range coder's own precision."""

ESCAPE_BITS = 16
"""An escaped magnitude needs fewer bits than this beyond the table."""

MAX_SUPPORT = 2**15
"""Of a table: its symbols fit 17 bits, and none is rarer than the range coder can tell."""

Symbols = NDArray[np.int32]
_UNIFORM = constriction.stream.model.Uniform


@dataclass(frozen=True)
class CodingTable:
    """Codes integers in [offset - support, offset + support] directly and others through the escape symbol.

    Attributes:
      support: largest distance from the offset that has a symbol of its own.
      offset: the integer in the middle.
      frequency: [2 * support + 2] uint32, positive, summing to 2^24; the last is the escape symbol's.
      model: the range coder's model of these frequencies.
    """

    support: int
    offset: int
    frequency: NDArray[np.uint32]
    model: Any

    @property
    def escape(self) -> int:
        """The escape symbol."""
        return 2 * self.support + 1

    @cached_property
    def lengths(self) -> list[float]:
        """Ideal code lengths, in bits, of the integers that have a symbol of their own, in order."""
        own = np.arange(-self.support, self.support + 1, dtype=np.int32) + np.int32(self.offset)
        return list(self.bits(own).tolist())

    def bits(self, values: Symbols) -> NDArray[np.float64]:
        """Ideal code length of each integer in bits, escapes included."""
        centred = values.astype(np.int64) - self.offset
        inside = np.abs(centred) <= self.support
        symbols = np.where(inside, centred + self.support, self.escape)
        found: NDArray[np.float64] = PRECISION - np.log2(self.frequency.astype(np.float64))[symbols]
        excess = np.abs(centred[~inside]) - self.support
        found[~inside] += np.floor(np.log2(excess)) + 1 + np.log2(ESCAPE_BITS)
        return found


def build_table(frequency: NDArray[np.uint32], offset: int = 0) -> CodingTable:
    """Makes a table of stored frequencies.

    Raises:
      WeightsError: a frequency is zero, or they do not sum to 2^24.
    """
    counts = frequency.astype(np.int64)
    if counts.ndim != 1 or len(counts) < 4 or len(counts) % 2 or counts.min() < 1 or counts.sum() != 2**PRECISION:
        raise WeightsError("a coding table's frequencies are not positive with sum 2^24 and even count")
    # The coder adds one to every symbol and scales the rest to 2^24 - n: this is exact for integers minus one.
    model = constriction.stream.model.Categorical((counts - 1).astype(np.float64), perfect=False)
    return CodingTable(len(counts) // 2 - 1, offset, frequency, model)


def split_tables(
    frequency: NDArray[np.uint32], support: NDArray[np.int32], offset: NDArray[np.integer]
) -> list[CodingTable]:
    """Tables whose frequencies are stored one after another.

    Args:
      frequency: of all tables.
      support: [tables], see `CodingTable`.
      offset: [tables].

    Raises:
      WeightsError: the frequencies are not exactly those of the tables, or make none.
    """
    sizes = 2 * support.astype(np.int64) + 2
    if support.min() < 1 or support.max() > MAX_SUPPORT or frequency.shape != (int(sizes.sum()),):
        raise WeightsError("the coding tables do not cover their frequencies exactly")
    parts = np.split(frequency, np.cumsum(sizes)[:-1])
    return [build_table(part, int(middle)) for part, middle in zip(parts, offset, strict=True)]


def encode_values(coder: Any, table: CodingTable, values: Symbols) -> None:
    """Appends integers with one call for the symbols and one each for the parts of an escape.

    Raises:
      ValueError: a value is beyond the reach of an escape.
    """
    centred = values.astype(np.int64) - table.offset
    inside = np.abs(centred) <= table.support
    coder.encode(np.where(inside, centred + table.support, table.escape).astype(np.int32), table.model)
    for value in centred[~inside]:
        _encode_escape(coder, int(value), table.support)


def decode_values(coder: Any, table: CodingTable, count: int) -> Symbols:
    """Reads what `encode_values` wrote: [count] int32.

    Raises:
      CorruptPayload: the bytes cannot come from an encoder.
    """
    try:
        symbols: Symbols = coder.decode(table.model, count)
    except AssertionError as error:
        raise CorruptPayload(f"the range coder stopped: {error}") from None
    values = symbols - np.int32(table.support - table.offset)
    for position in np.flatnonzero(symbols == table.escape):
        values[position] = table.offset + _decode_escape(coder, table.support)
    return values


def _encode_escape(coder: Any, value: int, support: int) -> None:
    excess = abs(value) - support
    length = excess.bit_length() - 1
    if length >= ESCAPE_BITS:
        raise ValueError(f"a latent of {value} is beyond the reach of an escape")
    encode_uniform(coder, length, ESCAPE_BITS)
    if length:
        encode_uniform(coder, excess - (1 << length), 1 << length)
    encode_uniform(coder, int(value < 0), 2)


def _decode_escape(coder: Any, support: int) -> int:
    length = decode_uniform(coder, ESCAPE_BITS)
    excess = (1 << length) + (decode_uniform(coder, 1 << length) if length else 0)
    negative = decode_uniform(coder, 2)
    return -(support + excess) if negative else support + excess


def encode_uniform(coder: Any, value: int, size: int) -> None:
    """Appends a number in [0, size), all equally likely; size is 2 or more."""
    coder.encode(np.array([value], dtype=np.int32), _UNIFORM(size))


def decode_uniform(coder: Any, size: int) -> int:
    """Reads what `encode_uniform` wrote.

    Raises:
      CorruptPayload: the bytes cannot come from an encoder.
    """
    try:
        return int(coder.decode(_UNIFORM(size), 1)[0])
    except AssertionError as error:
        raise CorruptPayload(f"the range coder stopped: {error}") from None
