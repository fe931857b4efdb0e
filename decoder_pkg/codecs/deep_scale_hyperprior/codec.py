"""Latents whose standard deviations the hyper-latents predict, as CompressAI has it (bmshj2018-hyperprior)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bands import ScaledBandCodec
from ..hyper_decoder import HyperArchitecture
from ..layers import MEAN_EXPONENT, SIGMA, SQUARE, Layer
from ..transforms import UncentredGdnTransforms
from .decoder import MEDIAN, DeepHyperDecoder

__all__ = ["MEDIAN", "DeepScaleArchitecture", "DeepScaleCodec"]


@dataclass(frozen=True)
class DeepScaleArchitecture(HyperArchitecture):
    """Networks whose widths the weight file states; feature_width is latent_channels."""

    open_widths: ClassVar[tuple[str, ...]] = (
        "latent_channels", "width", "hyper_channels", "hyper_analysis_width", "hyper_width", "feature_width"
    )  # fmt: skip
    predicts_mean: ClassVar[bool] = False


def _row(number: int, name: str, width: int, latent_channels: int) -> DeepScaleArchitecture:
    transforms = UncentredGdnTransforms(latent_channels, False, width)
    return DeepScaleArchitecture(number, name, transforms, width, width, width, latent_channels)


class DeepScaleCodec(ScaledBandCodec[DeepScaleArchitecture]):
    """The scale of every latent from the hyper-latents alone."""

    architectures = (
        _row(29, "deep-scale-hyperprior", 128, 192),
        _row(229, "smoke-deep-scale-hyperprior", 16, 16),
    )
    hyper_decoder = DeepHyperDecoder

    @staticmethod
    def layers(arch: DeepScaleArchitecture) -> Sequence[Layer]:
        width, path = arch.hyper_width, "hyper_synthesis"
        enter, middle, scale = "hyper.enter", "hyper.middle", "hyper.scale"
        return (
            Layer(enter, f"{path}.enter", SQUARE, arch.hyper_channels, 4 * width, MEAN_EXPONENT, (enter,)),
            Layer(middle, f"{path}.middle", SQUARE, width, 4 * width, enter, (middle,)),
            Layer(scale, f"{path}.scale", SQUARE, width, arch.feature_width, middle, SIGMA),
        )
