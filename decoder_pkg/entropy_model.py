"""The integer entropy model: which table codes each latent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .architecture import GAIN_STEPS, HYPER_STRIDE, Architecture
from .fixed_point import ACTIVATION_LIMIT, IntegerConv, Integers, clamp_activation, leaky, pixel_shuffle
from .tables import CodingTable

MEAN_STEPS = 4096
"""Means and reconstructed latents are integers in units of 1/MEAN_STEPS."""

Q_ONE = 128
"""The quantisation step q is n / Q_ONE for an 8-bit n."""

Q_VALUES = 256
"""Steps q that the header's 8 bits can name."""

SCALE_SHIFT = 8
"""Outputs of the parameter network are in 2^-SCALE_SHIFT of a scale bin."""

SCALE_BINS = 256
"""Equal bins of log2 sigma, each of which names its coding table."""

BIN_OCTAVES = 5 / 128
"""Width of a scale bin in log2 of the standard deviation."""

CERTAIN = 0
"""The table of the smallest standard deviation: its latents are zero and not coded.

Nine of ten latents are of this kind at low rates. Coding them would cost the coder's rounding for each, and a
non-zero one among them more than it is worth.
"""

Grid = NDArray[np.int32]


@dataclass(frozen=True)
class HyperParameters:
    """What the hyper-latents tell about the latents.

    Attributes:
      mean: [h, w, M] int32 in 1/MEAN_STEPS.
      features: [h, w, C] int32, the hyper part of the context network's input.
    """

    mean: Grid
    features: Grid


@dataclass(frozen=True)
class CodingStep:
    """Latents that are coded together, because their parameters depend on earlier steps alone.

    Attributes:
      rows: [n] where they lie: rows of a grid [h, w, M] reshaped to [-1, K].
      mean: [n, K] int32 in 1/MEAN_STEPS.
      table: [n, K] uint8, the coding table of each.
    """

    rows: NDArray[np.intp]
    mean: Grid
    table: NDArray[np.uint8]

    def of(self, grid: NDArray[np.generic]) -> NDArray[np.generic]:
        """The step's values [n, K] of a grid [h, w, M]."""
        return grid.reshape(-1, self.mean.shape[1])[self.rows]


Exchange = Callable[[CodingStep], Grid]
"""Hands over a step and returns its symbols [n, K] int32: the decoder reads them, the encoder makes them."""


@dataclass(frozen=True)
class EntropyModel:
    """Integer networks and coding tables of one model.

    Attributes:
      arch: widths and kind of context.
      layers: integer layers by name.
      hyper_tables: for each octave of lambda, one table per hyper-latent channel.
      latent_tables: zero-mean Gaussian tables by rising standard deviation.
      table_of_bin: [SCALE_BINS] uint8, the latent table of each scale bin.
      log_q: [Q_VALUES] int64, log2(n / Q_ONE) in 2^-SCALE_SHIFT of a scale bin.
    """

    arch: Architecture
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

    def table_index(self, scale: Integers, q: int) -> NDArray[np.uint8]:
        """Coding tables of latents.

        Args:
          scale: log2 of the standard deviation in 2^-SCALE_SHIFT of a scale bin, any shape.
          q: quantisation step in 1/Q_ONE.
        """
        shifted = scale.astype(np.int64) - self.log_q[q]
        scale_bin = (shifted + (1 << SCALE_SHIFT >> 1)) >> SCALE_SHIFT
        return np.asarray(self.table_of_bin[np.clip(scale_bin, 0, SCALE_BINS - 1)])


def hyper_grid(height: int, width: int) -> tuple[int, int]:
    """Size of the hyper-latent grid over a latent grid."""
    return -(-height // HYPER_STRIDE), -(-width // HYPER_STRIDE)


def dequantise(symbols: Grid, q: int) -> Grid:
    """Residuals y_q * q (Zhao et al. 2021, Eq. 3), exactly, in 1/MEAN_STEPS."""
    return symbols * np.int32(q * MEAN_STEPS // Q_ONE)


def magnitudes(residuals: Grid) -> Grid:
    """What a context network sees of residuals beside their values: their size, within an activation's range."""
    return np.minimum(np.abs(residuals), np.int32(ACTIVATION_LIMIT))
