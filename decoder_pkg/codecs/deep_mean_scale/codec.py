"""Latents whose means and standard deviations the hyper-latents predict, as CompressAI has it (mbt2018-mean)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..bands import ScaledBandCodec
from ..deep_hyper_decoder import DeepHyperArchitecture, DeepHyperDecoder, deep_hyper_layers
from ..layers import SIGMA, Layer
from ..transforms import GdnTransforms


@dataclass(frozen=True)
class DeepMeanScaleArchitecture(DeepHyperArchitecture):
    """Features of the hyper-decoder are standard deviations: feature_width is latent_channels."""


def _row(number: int, name: str, width: int, channels: int) -> DeepMeanScaleArchitecture:
    transforms = GdnTransforms(channels, False, width, centred=False)
    return DeepMeanScaleArchitecture(
        number, name, transforms, **DeepMeanScaleArchitecture.hyper_widths(width, channels)
    )


class DeepMeanScaleCodec(ScaledBandCodec[DeepMeanScaleArchitecture]):
    """Mean and scale of every latent from the hyper-latents alone."""

    architectures = (
        _row(30, "deep-mean-scale", 128, 192),
        _row(230, "smoke-deep-mean-scale", 16, 16),
    )
    hyper_decoder = DeepHyperDecoder

    @staticmethod
    def layers(arch: DeepMeanScaleArchitecture) -> Sequence[Layer]:
        return deep_hyper_layers(arch, SIGMA)
