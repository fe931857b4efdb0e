"""Latents coded by a 5x5 causal context for the scale (Zhao et al. 2021, section 3.1), in wavefront order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...entropy import (
    CAUSAL_TAPS,
    CodingStep,
    Exchange,
    Grid,
    Integers,
    ScaledSymbols,
    clamp_activation,
    latent_unit,
    leaky,
    magnitudes,
)
from ..hyper_decoder import FULL_HYPER, SMOKE_HYPER, HyperArchitecture, ScaledCodec, hyper_layers
from ..interface import LATENTS
from ..layers import CAUSAL_WINDOW, MEAN_EXPONENT, POINT, SCALE, Layer
from ..transforms import SMOKE, full

REACH = 2
"""The causal window reaches this far up, left and right."""

Positions = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class ScaleContextArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are as wide as the context network."""


ARCHITECTURES = (
    ScaleContextArchitecture(id=1, name="scale-context", transforms=full(192), feature_width=192, **FULL_HYPER),
    ScaleContextArchitecture(id=200, name="smoke", transforms=SMOKE, feature_width=16, **SMOKE_HYPER),
)


class ScaleContextCodec(ScaledCodec[ScaleContextArchitecture]):
    """Means from the hyper-latents alone; scales from them and from the magnitudes of the causal neighbours."""

    architectures = ARCHITECTURES

    @staticmethod
    def layers(arch: ScaleContextArchitecture) -> Sequence[Layer]:
        channels, width, sums = arch.latent_channels, arch.feature_width, ("hyper.scale", "context.enter")
        return (
            *hyper_layers(arch, sums),
            Layer("context.enter", "context.enter", CAUSAL_WINDOW, channels, width, MEAN_EXPONENT, sums),
            Layer("context.hidden", "context.hidden", POINT, width, width, "hyper.scale", ("context.hidden",)),
            Layer("context.leave", "context.leave", POINT, width, channels, "context.hidden", SCALE),
        )

    def walk_latents(self, latents: Grid, features: Grid, q: int, exchange: Exchange) -> None:
        height, width = latents.shape[:2]
        neighbours = Neighbours(*latents.shape)
        for rows, columns in wavefront(height, width):
            index = self._tables.index(self._scale(neighbours, features, rows, columns), q)
            step = CodingStep(
                LATENTS,
                rows * width + columns,
                latents[rows, columns],
                latent_unit(q),
                ScaledSymbols(self._tables, index),
            )
            residuals = step.residuals(exchange(step))
            neighbours.put(rows, columns, residuals)
            latents[rows, columns] += residuals

    def _scale(
        self, neighbours: Neighbours, features: Grid, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> Integers:
        """[n, M] log2 of the standard deviation at n positions, in steps of a scale bin."""
        context = self._context["context.enter"].columns(neighbours.patches(rows, columns))
        x = leaky(clamp_activation(context + features[rows, columns]))
        return self._context["context.leave"].columns(leaky(self._context["context.hidden"].columns(x)))


def wavefront(height: int, width: int) -> Iterator[Positions]:
    """Rows and columns of each step: all positions with the same column + 3 * row.

    A 5x5 causal window reaches two columns to the right in the row above, so position (r, c) depends on (r-1, c+2)
    at the latest, which lies one step earlier.
    """
    for step in range(width + 3 * (height - 1)):
        first = max(0, -(-(step - width + 1) // 3))
        rows = np.arange(first, min(height - 1, step // 3) + 1)
        if len(rows):
            yield rows, step - 3 * rows


class Neighbours:
    """Magnitudes of coded residuals with a margin, so that every causal window can be gathered."""

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

    def put(self, rows: NDArray[np.intp], columns: NDArray[np.intp], residuals: Grid) -> None:
        """Stores the residuals [n, M] of coded positions, in 1/MEAN_STEPS."""
        self._values[self._positions(rows, columns)] = magnitudes(residuals)
