"""Latents under static tables alone (Ballé et al. 2017): no network predicts their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...entropy import CodingStep, Exchange, latent_unit, read_static_tables
from ...gains import table_gain
from ...weight_files import TensorReader
from ..interface import LATENTS, CodingSetting, GridShape, Integers, Size
from ..layers import Layer
from ..transforms import SMOKE, TransformArchitecture, TransformCodec, full

PRIOR = "latent_prior"
"""Prefix of the latents' tables in a weight file."""


@dataclass(frozen=True)
class FactorisedArchitecture(TransformArchitecture):
    """Nothing beside the transforms."""


ARCHITECTURES: tuple[FactorisedArchitecture, ...] = (
    FactorisedArchitecture(id=11, name="factorised", transforms=full(256)),
    FactorisedArchitecture(id=211, name="smoke-factorised", transforms=SMOKE),
)


class FactorisedCodec(TransformCodec[FactorisedArchitecture]):
    """All latents in one step, channel by channel."""

    architectures = ARCHITECTURES

    def __init__(self, arch: FactorisedArchitecture, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._tables = read_static_tables(reader, PRIOR, arch.latent_channels)

    @staticmethod
    def layers(arch: FactorisedArchitecture) -> Sequence[Layer]:
        return ()

    def grids(self, size: Size) -> dict[str, GridShape]:
        return {LATENTS: self.latent_grid(size)}

    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> Integers:
        shape = self.latent_grid(size)
        count = shape.height * shape.width
        symbols = self._tables.symbols(table_gain(setting.gain.base, setting.q), count)
        mean = np.zeros((count, shape.channels), dtype=np.int32)
        step = CodingStep(LATENTS, np.arange(count), mean, latent_unit(setting.q), symbols)
        latents = step.residuals(exchange(step))
        return {LATENTS: latents.reshape(*shape.plane, shape.channels)}
