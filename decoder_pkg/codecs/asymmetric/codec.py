"""Latents under Gaussians whose scale differs below and above their mean (Gao et al. 2021, section 2.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...entropy import Asymmetric, Integers, SymbolModel, read_normal_tables
from ...weight_files import TensorReader
from ..bands import BandCodec
from ..hyper_decoder import FULL_HYPER, GDN_HYPER, SMOKE_HYPER, HyperArchitecture, hyper_layers
from ..layers import SIDE_SCALE, Layer
from ..transforms import GDN, SMOKE, full


@dataclass(frozen=True)
class AsymmetricArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are scales below and above: feature_width is twice latent_channels."""


ARCHITECTURES = (
    AsymmetricArchitecture(id=25, name="asymmetric", transforms=full(256), feature_width=512, **FULL_HYPER),
    AsymmetricArchitecture(id=26, name="gdn-asymmetric", transforms=GDN, feature_width=256, **GDN_HYPER),
    AsymmetricArchitecture(id=225, name="smoke-asymmetric", transforms=SMOKE, feature_width=32, **SMOKE_HYPER),
)


class AsymmetricCodec(BandCodec[AsymmetricArchitecture]):
    """Mean and both scales of every latent from the hyper-latents alone."""

    architectures = ARCHITECTURES

    def __init__(self, arch: AsymmetricArchitecture, reader: TensorReader) -> None:
        super().__init__(arch, reader)
        self._tables = read_normal_tables(reader)

    @staticmethod
    def layers(arch: AsymmetricArchitecture) -> Sequence[Layer]:
        return hyper_layers(arch, SIDE_SCALE)

    def symbols(self, features: Integers, q: int) -> SymbolModel:
        bins = self._tables.bins(features, q)
        return Asymmetric(self._tables, np.stack(np.split(bins, 2, axis=1)))
