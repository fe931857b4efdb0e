"""The mean-scale hyperprior of CompressAI in float: the mirror of `decoder_pkg.codecs.deep_mean_scale`."""

from __future__ import annotations

from decoder_pkg.codecs.deep_mean_scale import DeepMeanScaleArchitecture

from ..deep_hyper_networks import DeepHyperFloatCodec
from ..hyper_networks import FeaturesAreScales


class DeepMeanScaleFloatCodec(DeepHyperFloatCodec[DeepMeanScaleArchitecture]):
    """Mean and scale of every latent from the hyper-latents alone."""

    architecture = DeepMeanScaleArchitecture

    def __init__(self, arch: DeepMeanScaleArchitecture) -> None:
        super().__init__(arch)
        self.context = FeaturesAreScales(arch.scale_kind)
