"""Hyper-latents about medians, and the standard deviations that they predict, in exact integers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ...entropy import MEAN_STEPS, SCALE_BINS, SCALE_SHIFT, Grid, Integers, clamp_activation, pixel_shuffle
from ...weight_files import TensorReader
from ..hyper_decoder import HyperArchitecture, HyperDecoder, HyperParameters
from ..layers import Layer

MEDIAN = "hyper_median"
"""Tensor of a weight file: what the integer zero of each channel stands for, in 1/MEAN_STEPS."""

FINE_SCALES = 16
"""Parts of a scale bin that standard deviations are told apart by."""


class DeepHyperDecoder(HyperDecoder):
    """Two layers to twice the height and width each, and one to standard deviations; rectifiers between them."""

    def __init__(self, layers: Iterable[Layer], arch: HyperArchitecture, reader: TensorReader) -> None:
        super().__init__(layers, arch, reader)
        self._median = reader.get(MEDIAN, np.int32, arch.hyper_channels).astype(np.float64)
        self._thresholds = reader.get("sigma.threshold", np.int32, SCALE_BINS * FINE_SCALES - 1)

    def parameters(self, z: Grid, height: int, width: int) -> HyperParameters:
        predicted = super().parameters(z, height, width)
        passed = np.searchsorted(self._thresholds, predicted.features, side="right")
        return replace(predicted, features=passed.astype(np.int32) * ((1 << SCALE_SHIFT) // FINE_SCALES))

    def _up(self, z: Grid) -> Integers:
        x = clamp_activation(z.astype(np.float64) * MEAN_STEPS + self._median)
        x = np.maximum(pixel_shuffle(self._layers["hyper.enter"].grid(x)), 0)
        return np.maximum(pixel_shuffle(self._layers["hyper.middle"].grid(x)), 0)
