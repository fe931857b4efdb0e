"""Exact integer layers, carried in float64.

Weights are 16-bit, activations 23-bit integers and the fan-in is below 2^13, so every product and every partial sum
is an integer below 2^53: exact in any order of summation, on any machine, with any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError

Integers = NDArray[np.float64]
"""float64 array whose values are integers."""

WEIGHT_LIMIT = 2**15 - 1
ACTIVATION_LIMIT = 2**22 - 1
OUTPUT_LIMIT = 2**25 - 1
MAX_EXACT = 2**53
MAX_SHIFT = 40
CHUNK_VALUES = 2**22
"""Patch values gathered at once: bounds the memory of a convolution over a large grid."""

SPARSE = 0.6
"""Below this share of columns that are not all zero, the others are left out of a product."""

SQUARE_TAPS = tuple((row, column) for row in (-1, 0, 1) for column in (-1, 0, 1))
CAUSAL_TAPS = tuple((row, column) for row in (-2, -1, 0) for column in range(-2, 3) if (row, column) < (0, 0))
"""The twelve already decoded neighbours (row, column) of a 5x5 window, in raster order."""
POINT_TAPS = ((0, 0),)
TAPS = {len(taps): taps for taps in (POINT_TAPS, SQUARE_TAPS, CAUSAL_TAPS)}


@dataclass(frozen=True)
class IntegerConv:
    """A convolution over a window of taps: floor((weight * x + bias) * 2^-shift), clamped.

    Attributes:
      taps: offsets (row, column) of the window.
      weight: [taps * inputs, outputs], tap-major.
      bias: [outputs]; it holds the half that makes floor a rounding.
      scale: [outputs] float64, powers of two.
      limit: largest magnitude of an output.
    """

    taps: tuple[tuple[int, int], ...]
    weight: Integers
    bias: Integers
    scale: NDArray[np.float64]
    limit: int

    def columns(self, patches: Integers) -> Integers:
        """[n, taps * inputs] gathered patches to [n, outputs]."""
        active = np.flatnonzero(patches.any(axis=0))
        if len(active) < SPARSE * patches.shape[1]:
            out: Integers = patches[:, active] @ self.weight[active]
        else:
            out = patches @ self.weight
        return self.finish(out)

    def finish(self, sums: Integers) -> Integers:
        """Sums of products [..., outputs], which are overwritten, to outputs: sums may be added up in parts."""
        sums += self.bias
        sums *= self.scale
        np.floor(sums, out=sums)
        return np.clip(sums, -self.limit, self.limit, out=sums)

    def grid(self, x: Integers) -> Integers:
        """[h, w, inputs] to [h, w, outputs]; outside the grid is zero."""
        height, width, inputs = x.shape
        reach = max(max(abs(row), abs(column)) for row, column in self.taps)
        padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0))) if reach else x
        out = np.empty((height, width, len(self.bias)))
        rows = max(1, CHUNK_VALUES // (width * len(self.taps) * inputs))
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            windows = [
                padded[reach + top + row : reach + bottom + row, reach + column : reach + column + width]
                for row, column in self.taps
            ]
            patches = np.concatenate(windows, axis=2).reshape((bottom - top) * width, -1)
            out[top:bottom] = self.columns(patches).reshape(bottom - top, width, -1)
        return out


def build_conv(weight: NDArray[np.int16], bias: NDArray[np.int64], shift: NDArray[np.int8], limit: int) -> IntegerConv:
    """Makes a layer of stored integers.

    Args:
      weight: [taps, inputs, outputs] int16; 1, 9 or 12 taps.
      bias: [outputs] int64.
      shift: [outputs] int8.
      limit: largest magnitude of an output.

    Raises:
      WeightsError: shapes do not fit, or a sum could leave the exact range.
    """
    if weight.ndim != 3 or weight.shape[0] not in TAPS:
        raise WeightsError(f"an integer layer has weights of shape {weight.shape}")
    if bias.shape != weight.shape[2:] or shift.shape != weight.shape[2:]:
        raise WeightsError(f"bias {bias.shape} or shift {shift.shape} do not fit weights {weight.shape}")
    if shift.min() < 0 or shift.max() > MAX_SHIFT:
        raise WeightsError(f"an integer layer shifts by other numbers of bits than 0 to {MAX_SHIFT}")
    largest = np.abs(weight.astype(np.float64)).sum(axis=(0, 1)) * (ACTIVATION_LIMIT + 1) + np.abs(bias.astype(float))
    if largest.max() >= MAX_EXACT:
        raise WeightsError("an integer layer could leave the range in which float64 is exact")
    matrix = np.ascontiguousarray(weight.reshape(-1, weight.shape[2]), dtype=np.float64)
    return IntegerConv(
        TAPS[weight.shape[0]], matrix, bias.astype(np.float64), np.exp2(-shift.astype(np.float64)), limit
    )


def split_outputs(layer: IntegerConv, parts: int) -> list[IntegerConv]:
    """Layers of equal shares of the outputs."""
    return [
        replace(layer, weight=np.ascontiguousarray(weight), bias=bias, scale=scale)
        for weight, bias, scale in zip(
            np.split(layer.weight, parts, axis=1),
            np.split(layer.bias, parts),
            np.split(layer.scale, parts),
            strict=True,
        )
    ]


def leaky(x: Integers, slope: float = 0.125) -> Integers:
    """Leaky ReLU, rounded down; the slope is one of few bits, so that products are exact."""
    return np.maximum(x, np.floor(x * slope))


def clamp_activation(x: Integers) -> Integers:
    """Clamps to the range of an activation."""
    return np.clip(x, -ACTIVATION_LIMIT, ACTIVATION_LIMIT)


def pixel_shuffle(x: Integers) -> Integers:
    """[h, w, 4c] to [2h, 2w, c], in torch's channel order."""
    height, width, channels = x.shape
    split = x.reshape(height, width, channels // 4, 2, 2)
    return split.transpose(0, 3, 1, 4, 2).reshape(2 * height, 2 * width, channels // 4)


def magnitudes(residuals: NDArray[np.int32]) -> NDArray[np.int32]:
    """What a context network sees of residuals beside their values: their size, within an activation's range."""
    return np.minimum(np.abs(residuals), np.int32(ACTIVATION_LIMIT))
