"""The integer entropy model: which table codes each latent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...entropy import (
    ACTIVATION_LIMIT,
    SCALE_BINS,
    SCALE_SHIFT,
    CodingTable,
    Grid,
    IntegerConv,
    Integers,
    clamp_activation,
    leaky,
    pixel_shuffle,
)
from ...gains import GAIN_STEPS
from .architecture import Architecture


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


def magnitudes(residuals: Grid) -> Grid:
    """What a context network sees of residuals beside their values: their size, within an activation's range."""
    return np.minimum(np.abs(residuals), np.int32(ACTIVATION_LIMIT))
