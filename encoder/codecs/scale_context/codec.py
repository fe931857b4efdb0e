"""A causal context for the scale in float: the mirror of `decoder_pkg.codecs.scale_context`."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.scale_context import ScaleContextArchitecture

from ..causal import CausalConv
from ..hyper_networks import Context, ContextNetwork, HyperFloatCodec
from ..likelihoods import ScaledLikelihood
from ..relaxation import Quantiser


class ScaleContextFloatCodec(HyperFloatCodec[ScaleContextArchitecture]):
    """The network of Zhao et al. 2021, section 3.1, on the residual transforms."""

    architecture = ScaleContextArchitecture

    def __init__(self, arch: ScaleContextArchitecture) -> None:
        super().__init__(arch)
        self.context = CausalContext(arch)


class CausalContext(ContextNetwork):
    """The scale from hyper features and causal neighbours; the mean from the hyper-latents alone.

    Zhao et al. 2021, section 3.1. The neighbours enter as magnitudes of their residuals: how far they were from their
    means tells the scale here.
    """

    def __init__(self, arch: ScaleContextArchitecture) -> None:
        super().__init__()
        self.enter = CausalConv(arch.latent_channels, arch.feature_width)
        self.hidden = nn.Conv2d(arch.feature_width, arch.feature_width, 1)
        self.leave = nn.Conv2d(arch.feature_width, arch.latent_channels, 1)

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        residual = (y - mean) / step
        symbols = quantise(residual)
        x = F.leaky_relu(self.enter((symbols * step).abs()) + features, 0.125)
        x = F.leaky_relu(self.hidden(x), 0.125)
        log2_sigma = self.leave(x).float() - math.log2(step)
        # Latents that are skipped are zeroed after the context saw them: one by one would be exact.
        return Context.of(residual, mean, step, ScaledLikelihood(log2_sigma), symbols, self.training)
