"""The scale hyperprior of CompressAI in float: the mirror of `decoder_pkg.codecs.deep_scale_hyperprior`."""

from __future__ import annotations

from torch import Tensor

from decoder_pkg.codecs.deep_scale_hyperprior import DeepScaleArchitecture

from ..deep_hyper_networks import DeepHyperFloatCodec
from ..hyper_networks import FeaturesAreScales


class DeepScaleFloatCodec(DeepHyperFloatCodec[DeepScaleArchitecture]):
    """The scale of every latent from the hyper-latents alone, which are made of magnitudes."""

    architecture = DeepScaleArchitecture

    def __init__(self, arch: DeepScaleArchitecture) -> None:
        super().__init__(arch)
        self.context = FeaturesAreScales(arch.scale_kind)

    def hyper_latents(self, y: Tensor) -> Tensor:
        return super().hyper_latents(y.abs())
