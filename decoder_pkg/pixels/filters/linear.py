"""The linear post-filter, fitted to every picture by the encoder, as adaptive loop filters of video codecs are.

Its 393 taps are a sum of stored filters, the basis, weighted by integer coefficients that a payload begins with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...entropy import (
    BIN_OCTAVES,
    SCALE_BINS,
    SKIPPED,
    Coder,
    CodingTable,
    Symbols,
    decode_uniform,
    decode_values,
    encode_uniform,
    encode_values,
    read_scale_tables,
)
from ...errors import WeightsError
from ...weight_files import TensorFile, TensorReader
from .interface import PostFilter

if TYPE_CHECKING:
    from torch import Tensor

PAIRS = tuple((y, x) for y in range(3) for x in range(-2, 3) if (y, x) > (0, 0))
"""Offsets (rows, columns) of one neighbour of each pair within 5x5; the other lies opposite."""

MEANS = (4, 8)
"""Distances to the edges of the squares whose means are looked at."""

KNOTS = tuple(range(-96, 97, 24))
"""Levels above which a colour counts further."""

COLOURS = 3
DIFFERENCES = COLOURS * (len(PAIRS) + len(MEANS))
TONES = COLOURS * len(KNOTS) + 6 + 10
FEATURES = 1 + COLOURS + 2 * DIFFERENCES + TONES
"""Of each sample, see `linear_apply.features`."""

MAX_FILTERS = FEATURES * COLOURS
"""Members of a basis: more would not be independent."""

M_MAX = 255
"""The strength m on the wire is in [1, M_MAX]."""

STRENGTH_BINS = 3
"""Scale bins by which one more unit of m makes the coefficients' step smaller, and the coefficients larger."""


@dataclass(frozen=True)
class LinearParameters:
    """What a picture's stream says about its linear filter.

    Attributes:
      m: strength in [1, M_MAX]: the step of the coefficients.
      coefficients: [K] int32.
      gain: gain index of the picture.
    """

    m: int
    coefficients: Symbols
    gain: int


class LinearFilter(PostFilter[LinearParameters]):
    """A basis of linear filters.

    Attributes:
      basis: [K, FEATURES, COLOURS] float32, taps at m = 0 and gain 0, in levels for each level of a feature.
      scale_bins: [K] int16, bin of the standard deviation of each coefficient at m = 0; may lie below the first.
    """

    name = "linear"
    reach = max(MEANS)

    def __init__(self, file: TensorFile) -> None:
        reader = TensorReader(file.tensors)
        self.basis = reader.get("basis", np.float16, None, FEATURES, COLOURS).astype(np.float32)
        count = len(self.basis)
        self.scale_bins = reader.get("scale_bins", np.int16, count)
        if count > MAX_FILTERS or not np.isfinite(self.basis).all():
            raise WeightsError("the post-filter's basis has too many filters, or values that are no finite numbers")
        self._tables = read_scale_tables(reader)

    def bins(self, m: int) -> NDArray[np.int64]:
        """Scale bins [K] of the coefficients at a strength."""
        return np.clip(self.scale_bins.astype(np.int64) + STRENGTH_BINS * m, 0, SCALE_BINS - 1)

    def tables(self, m: int) -> Iterator[tuple[int, CodingTable]]:
        """Which coefficients are coded at a strength, in order, each with its table; the others are zero."""
        indexes = self._tables.table_of_bin[self.bins(m)]
        for k in np.flatnonzero(indexes != SKIPPED):
            yield int(k), self._tables.tables[indexes[k]]

    def step(self, m: int, gain: int) -> float:
        """What one unit of a coefficient counts. Taps fall with the gain, and bins are narrow: one for each."""
        return float(2.0 ** (-BIN_OCTAVES * (STRENGTH_BINS * m + gain)))

    def taps(self, parameters: LinearParameters) -> NDArray[np.float32]:
        """The taps [FEATURES, COLOURS] of a picture's filter."""
        weights = parameters.coefficients.astype(np.float64) * self.step(parameters.m, parameters.gain)
        return np.asarray(np.tensordot(weights, self.basis.astype(np.float64), 1), dtype=np.float32)

    def read(self, coder: Coder, gain: int) -> LinearParameters:
        m = 1 + decode_uniform(coder, M_MAX)
        coefficients = np.zeros(len(self.basis), dtype=np.int32)
        for k, table in self.tables(m):
            coefficients[k] = decode_values(coder, table, 1)[0]
        return LinearParameters(m, coefficients, gain)

    def write(self, coder: Coder, parameters: LinearParameters, gain: int) -> None:
        encode_uniform(coder, parameters.m - 1, M_MAX)
        for k, table in self.tables(parameters.m):
            encode_values(coder, table, parameters.coefficients[k : k + 1])

    def apply(self, picture: Tensor, parameters: LinearParameters) -> Tensor:
        from .linear_apply import apply_taps

        return apply_taps(picture, self.taps(parameters))
