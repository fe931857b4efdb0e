"""Latents under one of many static priors, which each position names (Brummer and De Vleeschouwer 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...entropy import BankSymbols, CodingStep, Exchange, Grid, latent_unit, read_prior_bank, read_static_tables
from ...errors import CorruptPayload
from ...gains import table_gain
from ...weight_files import TensorReader
from ..interface import LATENTS, CodingSetting, GridShape, Integers, Size
from ..layers import Layer
from ..transforms import GDN, SMOKE, TransformArchitecture, TransformCodec, full

INDEX_GRID = "prior"
"""Name of the grid of indices of priors."""

BANK, INDEX = "prior_bank", "prior_index"
"""Prefixes of the priors' tables, and of the tables of their indices, in a weight file."""


@dataclass(frozen=True)
class ManyPriorsArchitecture(TransformArchitecture):
    """Nothing beside the transforms.

    Attributes:
      priors: how many there are.
    """

    priors: int


ARCHITECTURES = (
    ManyPriorsArchitecture(id=15, name="many-priors", transforms=full(256), priors=64),
    ManyPriorsArchitecture(id=16, name="gdn-many-priors", transforms=GDN, priors=64),
    ManyPriorsArchitecture(id=215, name="smoke-many-priors", transforms=SMOKE, priors=6),
)


class ManyPriorsCodec(TransformCodec[ManyPriorsArchitecture]):
    """The indices of all positions, then all latents, prior by prior."""

    architectures = ARCHITECTURES

    def __init__(self, arch: ManyPriorsArchitecture, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._bank = read_prior_bank(reader, BANK, arch.priors, arch.latent_channels)
        self._index_tables = read_static_tables(reader, INDEX, 1)

    @staticmethod
    def layers(arch: ManyPriorsArchitecture) -> Sequence[Layer]:
        return ()

    def grids(self, size: Size) -> dict[str, GridShape]:
        latents = self.latent_grid(size)
        return {INDEX_GRID: GridShape(*latents.plane, 1, 1), LATENTS: latents}

    def walk(self, size: Size, setting: CodingSetting, exchange: Exchange) -> Integers:
        shape = self.latent_grid(size)
        count = shape.height * shape.width
        index = self._walk_index(count, table_gain(setting.gain.base, setting.q), exchange)
        mean = np.zeros((count, shape.channels), dtype=np.int32)
        symbols = BankSymbols(self._bank, index[:, 0].astype(np.intp))
        step = CodingStep(LATENTS, np.arange(count), mean, latent_unit(setting.q), symbols)
        latents = step.residuals(exchange(step))
        return {INDEX_GRID: index.reshape(*shape.plane, 1), LATENTS: latents.reshape(*shape.plane, shape.channels)}

    def _walk_index(self, count: int, gain: int, exchange: Exchange) -> Grid:
        """The index [count, 1] of each position.

        Raises:
          CorruptPayload: an index is that of no prior.
        """
        zeros = np.zeros((count, 1), dtype=np.int32)
        index = exchange(CodingStep(INDEX_GRID, np.arange(count), zeros, 1, self._index_tables.symbols(gain, count)))
        if index.min() < 0 or index.max() >= self.arch.priors:
            raise CorruptPayload(f"a position names a prior beyond the {self.arch.priors} of its model")
        return index
