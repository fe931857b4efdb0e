"""A 5x5 causal context for the scale, in wavefront order: the network of Zhao et al. 2021, section 3.1.

The mean comes from the hyper-latents alone, the scale from them and the context. The context sees how far the causal
neighbours were from their means, not their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...entropy import (
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
from ..causal import Neighbours, wavefront
from ..hyper_decoder import FULL_HYPER, SMOKE_HYPER, HyperArchitecture, ScaledCodec, hyper_layers
from ..interface import LATENTS
from ..layers import CAUSAL_WINDOW, MEAN_EXPONENT, POINT, SCALE, Layer
from ..transforms import SMOKE, full


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
            neighbours.put(rows, columns, magnitudes(residuals))
            latents[rows, columns] += residuals

    def _scale(
        self, neighbours: Neighbours, features: Grid, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> Integers:
        """[n, M] log2 of the standard deviation at n positions, in steps of a scale bin."""
        context = self._context["context.enter"].columns(neighbours.patches(rows, columns))
        x = leaky(clamp_activation(context + features[rows, columns]))
        return self._context["context.leave"].columns(leaky(self._context["context.hidden"].columns(x)))
