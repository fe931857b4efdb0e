"""The scale hyperprior in float: the mirror of `decoder_pkg.codecs.scale_hyperprior`."""

from __future__ import annotations

from torch import Tensor

from decoder_pkg.codecs.scale_hyperprior import ScaleHyperpriorArchitecture

from ..hyper_networks import FeaturesAreScales, HyperFloatCodec


class ScaleHyperpriorFloatCodec(HyperFloatCodec[ScaleHyperpriorArchitecture]):
    """The scale of every latent from the hyper-latents alone, which are made of magnitudes."""

    architecture = ScaleHyperpriorArchitecture

    def __init__(self, arch: ScaleHyperpriorArchitecture) -> None:
        super().__init__(arch)
        self.context = FeaturesAreScales()

    def hyper_latents(self, y: Tensor) -> Tensor:
        return super().hyper_latents(y.abs())
