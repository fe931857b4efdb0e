"""Latents of zero mean whose scales the hyper-latents predict (Ballé et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bands import ScaledBandCodec
from ..hyper_decoder import FULL_HYPER, GDN_HYPER, SMOKE_HYPER, HyperArchitecture, hyper_layers
from ..layers import SCALE, Layer
from ..transforms import GDN, SMOKE, full


@dataclass(frozen=True)
class ScaleHyperpriorArchitecture(HyperArchitecture):
    """Features of the hyper-decoder are the latents' scales: feature_width is latent_channels."""

    predicts_mean: ClassVar[bool] = False


ARCHITECTURES = (
    ScaleHyperpriorArchitecture(id=13, name="scale-hyperprior", transforms=full(256), feature_width=256, **FULL_HYPER),
    ScaleHyperpriorArchitecture(id=14, name="gdn-scale-hyperprior", transforms=GDN, feature_width=128, **GDN_HYPER),
    ScaleHyperpriorArchitecture(
        id=213, name="smoke-scale-hyperprior", transforms=SMOKE, feature_width=16, **SMOKE_HYPER
    ),
)


class ScaleHyperpriorCodec(ScaledBandCodec[ScaleHyperpriorArchitecture]):
    """The scale of every latent from the hyper-latents alone."""

    architectures = ARCHITECTURES

    @staticmethod
    def layers(arch: ScaleHyperpriorArchitecture) -> Sequence[Layer]:
        return hyper_layers(arch, SCALE)
