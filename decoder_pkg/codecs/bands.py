"""Codecs whose latents depend on the hyper-latents alone: coded in bands of positions."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ..entropy import CodingStep, Exchange, Grid, Integers, ScaledSymbols, SymbolModel, latent_unit
from .hyper_decoder import HyperArch, HyperCodec, ScaledCodec
from .interface import LATENTS

BAND_POSITIONS = 2**14
"""Positions that are coded in one step: bounds the memory of a large picture."""


class BandCodec(HyperCodec[HyperArch]):
    """Hyper-latents first, then all latents in bands of rows."""

    def walk_latents(self, latents: Grid, features: Grid, q: int, exchange: Exchange) -> None:
        means, known = (grid.reshape(-1, grid.shape[2]) for grid in (latents, features))
        for start in range(0, len(means), BAND_POSITIONS):
            rows = np.arange(start, min(start + BAND_POSITIONS, len(means)))
            symbols = self.symbols(known[rows].astype(np.float64), q)
            step = CodingStep(LATENTS, rows, means[rows], latent_unit(q), symbols)
            means[rows] += step.residuals(exchange(step))

    @abstractmethod
    def symbols(self, features: Integers, q: int) -> SymbolModel:
        """The model of the symbols [n, M] at positions with features [n, C]."""


class ScaledBandCodec(BandCodec[HyperArch], ScaledCodec[HyperArch]):
    """The features are the latents' scales."""

    def symbols(self, features: Integers, q: int) -> SymbolModel:
        return ScaledSymbols(self._tables, self._tables.index(features, q))
