"""The post-filter's weights and what a picture's bit stream says about it.

A filter is fitted to every picture by the encoder, as adaptive loop filters of video codecs are. Its 393 numbers are a
sum of stored filters, the basis, weighted by small integers that are coded before the hyper-latents.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...entropy import BIN_OCTAVES, NO_BINS, SCALE_BINS
from ...errors import WeightsError
from ...weight_files import parse_safetensors

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
"""What a correction is a linear function of, see `decoder_pkg.pixels.filters.correction`."""

MAX_FILTERS = FEATURES * COLOURS
"""Members of a basis: more would not be independent."""

M_MAX = 255
"""The strength m on the wire is in [0, M_MAX]; 0 is no filter."""

STRENGTH_BINS = 3
"""Scale bins by which one more unit of m makes the coefficients' step smaller, and the coefficients larger."""


@dataclass(frozen=True)
class PostFilter:
    """A basis of filters.

    Attributes:
      digest: sha256 of the file.
      basis: [K, FEATURES, COLOURS] float32, levels of correction for each level of a feature, at m = 0 and gain 0.
      scale_bins: [K] int16, bin of the standard deviation of each coefficient at m = 0; may lie below the first.
    """

    digest: bytes
    basis: NDArray[np.float32]
    scale_bins: NDArray[np.int16]

    def bins(self, m: int) -> NDArray[np.int64]:
        """Scale bins [K] of the coefficients at a strength above 0."""
        return np.clip(self.scale_bins.astype(np.int64) + STRENGTH_BINS * m, 0, SCALE_BINS - 1)

    def step(self, m: int, gain: int) -> float:
        """What one unit of a coefficient counts. Corrections fall with the gain, and bins are narrow: one for each."""
        return float(2.0 ** (-BIN_OCTAVES * (STRENGTH_BINS * m + gain)))

    def kernel(self, coefficients: NDArray[np.int32], m: int, gain: int) -> NDArray[np.float32]:
        """The filter [FEATURES, COLOURS] of a picture's coefficients [K]."""
        weights = coefficients.astype(np.float64) * self.step(m, gain)
        return np.asarray(np.tensordot(weights, self.basis.astype(np.float64), 1), dtype=np.float32)


def filter_bins(postfilter: PostFilter | None, m: int) -> NDArray[np.int64]:
    """Scale bins [K] of the coefficients that a picture's payload begins with: none without a filter."""
    if not m:
        return NO_BINS
    assert postfilter is not None
    return postfilter.bins(m)


def filter_kernel(
    postfilter: PostFilter | None, coefficients: NDArray[np.int32], m: int, gain: int
) -> NDArray[np.float32] | None:
    """The filter [FEATURES, COLOURS] of a picture's coefficients [K]; None where it has none."""
    return postfilter.kernel(coefficients, m, gain) if postfilter and m else None


def parse_postfilter(data: bytes) -> PostFilter:
    """Reads a post-filter's safetensors file.

    Raises:
      WeightsError: it is damaged, or holds no basis.
    """
    tensors = parse_safetensors(data).tensors
    basis, scale_bins = (tensors.get(name, np.zeros(0)) for name in ("basis", "scale_bins"))
    fits = basis.dtype == np.float16 and basis.ndim == 3 and basis.shape[1:] == (FEATURES, COLOURS)
    if not fits or not 0 < len(basis) <= MAX_FILTERS:
        raise WeightsError(f"the post-filter's basis is {basis.dtype} {basis.shape}")
    if scale_bins.dtype != np.int16 or scale_bins.shape != (len(basis),):
        raise WeightsError(f"the post-filter's scale bins are {scale_bins.dtype} {scale_bins.shape}")
    weights = basis.astype(np.float32)
    if not np.isfinite(weights).all():
        raise WeightsError("the post-filter's basis holds values that are no finite numbers")
    return PostFilter(hashlib.sha256(data).digest(), weights, scale_bins.astype(np.int16))
