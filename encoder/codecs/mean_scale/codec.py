"""The mean-scale hyperprior in float: the mirror of `decoder_pkg.codecs.mean_scale`."""

from __future__ import annotations

from decoder_pkg.codecs.mean_scale import MeanScaleArchitecture

from ..hyper_networks import FeaturesAreScales, HyperFloatCodec


class MeanScaleFloatCodec(HyperFloatCodec[MeanScaleArchitecture]):
    """Mean and scale of every latent from the hyper-latents alone."""

    architecture = MeanScaleArchitecture

    def __init__(self, arch: MeanScaleArchitecture) -> None:
        super().__init__(arch)
        self.context = FeaturesAreScales()
