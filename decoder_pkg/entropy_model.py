"""The integer entropy model: which table codes each latent, and the order in which latents are coded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .architecture import GAIN_STEPS, HYPER_STRIDE
from .fixed_point import ACTIVATION_LIMIT, CAUSAL_TAPS, IntegerConv, Integers, clamp_activation, leaky, pixel_shuffle
from .tables import CodingTable

MEAN_STEPS = 256
"""Means and reconstructed latents are integers in units of 1/MEAN_STEPS."""

Q_ONE = 128
"""The quantisation step q is n / Q_ONE for an 8-bit n."""

SCALE_SHIFT = 8
"""Outputs of the parameter network are in 2^-SCALE_SHIFT of a scale bin."""

SCALE_BINS = 256
"""Equal bins of log2 sigma, each of which names its coding table."""

REACH = 2
"""The causal window reaches this far up, left and right."""

Grid = NDArray[np.int32]


@dataclass(frozen=True)
class HyperParameters:
    """What the hyper-latents tell about the latents.

    Attributes:
      mean: [h, w, M] int32 in 1/MEAN_STEPS.
      features: [h, w, C] int32, the hyper part of the parameter network's input.
    """

    mean: Grid
    features: Grid


@dataclass(frozen=True)
class EntropyModel:
    """Integer networks and coding tables of one model.

    Attributes:
      layers: integer layers by name.
      hyper_tables: for each octave of lambda, one table per hyper-latent channel.
      latent_tables: zero-mean Gaussian tables by rising standard deviation.
      table_of_bin: [SCALE_BINS] uint8, the latent table of each scale bin.
      log_q: [256] int64, log2(n / Q_ONE) in 2^-SCALE_SHIFT of a scale bin.
    """

    layers: dict[str, IntegerConv]
    hyper_tables: list[list[CodingTable]]
    latent_tables: list[CodingTable]
    table_of_bin: NDArray[np.uint8]
    log_q: NDArray[np.int64]

    def hyper_tables_at(self, gain: int) -> list[CodingTable]:
        """Tables of the nearest octave, halves upwards."""
        return self.hyper_tables[(gain + GAIN_STEPS // 2) // GAIN_STEPS]

    def hyper_parameters(self, z: Grid, height: int, width: int) -> HyperParameters:
        """Runs the hyper-decoder on hyper-latents [hz, wz, Z] and crops to the latent grid."""
        layers = self.layers
        x = leaky(layers["hyper.enter"].grid(clamp_activation(z.astype(np.float64))))
        x = leaky(pixel_shuffle(layers["hyper.up32"].grid(x)))
        x = leaky(layers["hyper.middle"].grid(x))
        x = leaky(pixel_shuffle(layers["hyper.up16"].grid(x)))
        mean = layers["hyper.mean"].grid(x)[:height, :width].astype(np.int32)
        features = layers["hyper.scale"].grid(x)[:height, :width].astype(np.int32)
        return HyperParameters(mean, features)

    def table_index(self, context: Integers, features: NDArray[np.int32], q: int) -> NDArray[np.uint8]:
        """Index of the coding table of each latent at n positions.

        Args:
          context: [n, C] output of the layer `context.enter` at these positions.
          features: [n, C] int32.
          q: quantisation step in 1/Q_ONE.

        Returns:
          [n, M] uint8 below the number of latent tables.
        """
        x = leaky(clamp_activation(context + features))
        x = leaky(self.layers["context.hidden"].columns(x))
        scale = self.layers["context.leave"].columns(x).astype(np.int64) - self.log_q[q]
        scale_bin = (scale + (1 << SCALE_SHIFT >> 1)) >> SCALE_SHIFT
        return np.asarray(self.table_of_bin[np.clip(scale_bin, 0, SCALE_BINS - 1)])


def hyper_grid(height: int, width: int) -> tuple[int, int]:
    """Size of the hyper-latent grid over a latent grid."""
    return -(-height // HYPER_STRIDE), -(-width // HYPER_STRIDE)


def wavefront(height: int, width: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows and columns of each step: all positions with the same column + 3 * row.

    A 5x5 causal window reaches two columns to the right in the row above, so position (r, c) depends on (r-1, c+2)
    at the latest, which lies one step earlier.
    """
    for step in range(width + 3 * (height - 1)):
        first = max(0, -(-(step - width + 1) // 3))
        rows = np.arange(first, min(height - 1, step // 3) + 1)
        if len(rows):
            yield rows, step - 3 * rows


def raster(height: int, width: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """One position a step: the order the wavefront replaces, kept to measure against."""
    for position in range(height * width):
        row, column = divmod(position, width)
        yield np.array([row]), np.array([column])


Order = Callable[[int, int], Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]]


class ContextGrid:
    """Magnitudes of decoded residuals with a margin, so that every causal window can be gathered."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self._stride = width + 2 * REACH
        self._values = np.zeros(((height + REACH) * self._stride, channels), dtype=np.int32)
        self._taps = np.array([row * self._stride + column for row, column in CAUSAL_TAPS])

    def _positions(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        positions: NDArray[np.intp] = (rows + REACH) * self._stride + columns + REACH
        return positions

    def patches(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Integers:
        """[n, 12 * M] float64: the neighbours of n positions."""
        index = self._positions(rows, columns)[:, None] + self._taps
        return np.asarray(self._values[index].reshape(len(rows), -1), dtype=np.float64)

    def put(self, rows: NDArray[np.intp], columns: NDArray[np.intp], residuals: NDArray[np.int32]) -> None:
        """Stores the residuals [n, M] of decoded positions, in 1/MEAN_STEPS."""
        self._values[self._positions(rows, columns)] = magnitudes(residuals)


def magnitudes(residuals: NDArray[np.int32]) -> NDArray[np.int32]:
    """What the context network sees of residuals: their size, within an activation's range."""
    return np.minimum(np.abs(residuals), np.int32(ACTIVATION_LIMIT))


def dequantise(symbols: NDArray[np.int32], q: int) -> NDArray[np.int32]:
    """Residuals y_q * q (Zhao et al. 2021, Eq. 3), exactly, in 1/MEAN_STEPS."""
    return symbols * np.int32(q * MEAN_STEPS // Q_ONE)
