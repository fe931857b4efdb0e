"""Latents whose means and scales the hyper-latents tell (Minnen et al. 2018, without autoregression)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...entropy import CodingStep, Exchange, ScaledSymbols, latent_unit, read_scale_tables
from ...weight_files import TensorReader
from ..hyper_decoder import HyperArchitecture, HyperDecoder, hyper_layers
from ..interface import HYPER_LATENTS, LATENTS, CodingSetting, GridShape, Integers, Size
from ..layers import SCALE, Layer
from ..transforms import TransformCodec

BAND_POSITIONS = 2**14
"""Positions that are coded in one step: bounds the memory of a large picture."""


@dataclass(frozen=True)
class MeanScaleArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are the latents' scales: feature_width is latent_channels."""


ARCHITECTURES = (
    MeanScaleArchitecture(
        id=10,
        name="mean-scale",
        latent_channels=256,
        width4=64,
        width8=128,
        width16=192,
        analysis_blocks8=3,
        analysis_blocks16=2,
        synthesis_blocks8=4,
        synthesis_blocks16=3,
        hyper_channels=96,
        hyper_analysis_width=128,
        hyper_width=160,
        feature_width=256,
    ),
    MeanScaleArchitecture(
        id=210,
        name="smoke-mean-scale",
        latent_channels=16,
        width4=16,
        width8=16,
        width16=16,
        analysis_blocks8=1,
        analysis_blocks16=1,
        synthesis_blocks8=1,
        synthesis_blocks16=1,
        hyper_channels=8,
        hyper_analysis_width=16,
        hyper_width=16,
        feature_width=16,
    ),
)


class MeanScaleCodec(TransformCodec[MeanScaleArchitecture]):
    """Hyper-latents first, then all latents in bands of rows."""

    architectures = ARCHITECTURES

    def __init__(self, arch: MeanScaleArchitecture, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._hyper = HyperDecoder(self.layers(arch), arch, reader)
        self._tables = read_scale_tables(reader)

    @staticmethod
    def layers(arch: MeanScaleArchitecture) -> Sequence[Layer]:
        return hyper_layers(arch, SCALE)

    def grids(self, size: Size) -> dict[str, GridShape]:
        latents = self.latent_grid(size)
        return {HYPER_LATENTS: self._hyper.grid(latents.height, latents.width), LATENTS: latents}

    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> Integers:
        height, width = self.latent_grid(size).plane
        z = self._hyper.coded(height, width, setting.gain.base, exchange)
        parameters = self._hyper.parameters(z, height, width)
        latents = parameters.mean  # each band is replaced when its turn has come: no second grid of a large picture
        means, scales = (grid.reshape(height * width, -1) for grid in (latents, parameters.features))
        for start in range(0, height * width, BAND_POSITIONS):
            rows = np.arange(start, min(start + BAND_POSITIONS, height * width))
            index = self._tables.index(scales[rows].astype(np.float64), setting.q)
            symbols = ScaledSymbols(self._tables, index)
            step = CodingStep(LATENTS, rows, means[rows], latent_unit(setting.q), symbols)
            means[rows] += step.residuals(exchange(step))
        return {HYPER_LATENTS: z, LATENTS: latents}
