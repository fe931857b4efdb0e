"""Latents whose means and scales the hyper-latents predict (Minnen et al. 2018, without autoregression)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...entropy import CodingStep, Exchange, Grid, ScaledSymbols, latent_unit
from ..hyper_decoder import FULL_HYPER, GDN_HYPER, SMOKE_HYPER, HyperArchitecture, HyperCodec, hyper_layers
from ..interface import LATENTS
from ..layers import SCALE, Layer
from ..transforms import GDN, SMOKE, full

BAND_POSITIONS = 2**14
"""Positions that are coded in one step: bounds the memory of a large picture."""


@dataclass(frozen=True)
class MeanScaleArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are the latents' scales: feature_width is latent_channels."""


ARCHITECTURES = (
    MeanScaleArchitecture(id=10, name="mean-scale", transforms=full(256), feature_width=256, **FULL_HYPER),
    MeanScaleArchitecture(id=12, name="gdn-mean-scale", transforms=GDN, feature_width=128, **GDN_HYPER),
    MeanScaleArchitecture(id=210, name="smoke-mean-scale", transforms=SMOKE, feature_width=16, **SMOKE_HYPER),
)


class MeanScaleCodec(HyperCodec[MeanScaleArchitecture]):
    """Hyper-latents first, then all latents in bands of rows."""

    architectures = ARCHITECTURES

    @staticmethod
    def layers(arch: MeanScaleArchitecture) -> Sequence[Layer]:
        return hyper_layers(arch, SCALE)

    def walk_latents(self, latents: Grid, features: Grid, q: int, exchange: Exchange) -> None:
        means, scales = (grid.reshape(-1, grid.shape[2]) for grid in (latents, features))
        for start in range(0, len(means), BAND_POSITIONS):
            rows = np.arange(start, min(start + BAND_POSITIONS, len(means)))
            index = self._tables.index(scales[rows].astype(np.float64), q)
            symbols = ScaledSymbols(self._tables, index)
            step = CodingStep(LATENTS, rows, means[rows], latent_unit(q), symbols)
            means[rows] += step.residuals(exchange(step))
