"""Latents whose standard deviations the hyper-latents predict, as CompressAI has it (bmshj2018-hyperprior)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bands import ScaledBandCodec
from ..deep_hyper_decoder import DeepHyperArchitecture, DeepHyperDecoder, deep_hyper_layers
from ..layers import SIGMA, Layer
from ..transforms import GdnTransforms


@dataclass(frozen=True)
class DeepScaleArchitecture(DeepHyperArchitecture):
    """Features of the hyper-decoder are standard deviations: feature_width is latent_channels."""

    predicts_mean: ClassVar[bool] = False
    slope: ClassVar[float] = 0.0

    @classmethod
    def hyper_widths(cls, width: int, channels: int) -> dict[str, int]:
        return super().hyper_widths(width, channels) | {"hyper_width": width, "upper_width": width}


def _row(number: int, name: str, width: int, channels: int) -> DeepScaleArchitecture:
    transforms = GdnTransforms(channels, False, width, centred=False)
    return DeepScaleArchitecture(number, name, transforms, **DeepScaleArchitecture.hyper_widths(width, channels))


class DeepScaleCodec(ScaledBandCodec[DeepScaleArchitecture]):
    """The scale of every latent from the hyper-latents alone."""

    architectures = (
        _row(29, "deep-scale-hyperprior", 128, 192),
        _row(229, "smoke-deep-scale-hyperprior", 16, 16),
    )
    hyper_decoder = DeepHyperDecoder

    @staticmethod
    def layers(arch: DeepScaleArchitecture) -> Sequence[Layer]:
        return deep_hyper_layers(arch, SIGMA)
