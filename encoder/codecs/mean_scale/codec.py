"""The mean-scale hyperprior in float: the mirror of `decoder_pkg.codecs.mean_scale`."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from decoder_pkg.codecs.mean_scale import MeanScaleArchitecture

from ..hyper_networks import Context, ContextNetwork, HyperFloatCodec, zero_like
from ..likelihoods import is_skipped
from ..relaxation import Quantiser


class MeanScaleFloatCodec(HyperFloatCodec[MeanScaleArchitecture]):
    """Mean and scale of every latent from the hyper-latents alone."""

    architecture = MeanScaleArchitecture

    def __init__(self, arch: MeanScaleArchitecture) -> None:
        super().__init__(arch)
        self.context = NoContext()


class NoContext(ContextNetwork):
    """The hyper-decoder's outputs as they are: the features are log2 of the standard deviations."""

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        residual = (y - mean) / step
        log2_sigma = features.float() - math.log2(step)
        zero = zero_like(residual, self.training)
        symbols = torch.where(is_skipped(log2_sigma), zero, quantise(residual))
        return Context(residual, symbols, log2_sigma, mean + symbols * step)
