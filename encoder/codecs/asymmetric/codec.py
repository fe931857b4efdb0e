"""Asymmetric Gaussians in float: the mirror of `decoder_pkg.codecs.asymmetric`."""

from __future__ import annotations

import math

from torch import Tensor

from decoder_pkg.codecs.asymmetric import AsymmetricArchitecture

from ..hyper_networks import Context, ContextNetwork, HyperFloatCodec
from ..normal_likelihoods import AsymmetricLikelihood
from ..relaxation import Quantiser


class AsymmetricFloatCodec(HyperFloatCodec[AsymmetricArchitecture]):
    """Mean and both scales of every latent from the hyper-latents alone."""

    architecture = AsymmetricArchitecture

    def __init__(self, arch: AsymmetricArchitecture) -> None:
        super().__init__(arch)
        self.context = FeaturesAreSides()


class FeaturesAreSides(ContextNetwork):
    """No context: the features are log2 of the standard deviations below and above the mean."""

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        residual = (y - mean) / step
        left, right = (features.float() - math.log2(step)).chunk(2, 1)
        likelihood = AsymmetricLikelihood(left, right)
        return Context.of(residual, mean, step, likelihood, quantise(residual), self.training)
