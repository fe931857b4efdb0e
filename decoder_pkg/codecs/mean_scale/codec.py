"""Latents whose means and scales the hyper-latents predict (Minnen et al. 2018, without autoregression)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..bands import ScaledBandCodec
from ..hyper_decoder import FULL_HYPER, GDN_HYPER, SMOKE_HYPER, HyperArchitecture, hyper_layers
from ..layers import SCALE, Layer
from ..transforms import GDN, SMOKE, full


@dataclass(frozen=True)
class MeanScaleArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are the latents' scales: feature_width is latent_channels."""


ARCHITECTURES = (
    MeanScaleArchitecture(id=10, name="mean-scale", transforms=full(256), feature_width=256, **FULL_HYPER),
    MeanScaleArchitecture(id=12, name="gdn-mean-scale", transforms=GDN, feature_width=128, **GDN_HYPER),
    MeanScaleArchitecture(id=210, name="smoke-mean-scale", transforms=SMOKE, feature_width=16, **SMOKE_HYPER),
)


class MeanScaleCodec(ScaledBandCodec[MeanScaleArchitecture]):
    """Mean and scale of every latent from the hyper-latents alone."""

    architectures = ARCHITECTURES

    @staticmethod
    def layers(arch: MeanScaleArchitecture) -> Sequence[Layer]:
        return hyper_layers(arch, SCALE)
