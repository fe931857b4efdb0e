"""The scale hyperprior of CompressAI in float: the mirror of `decoder_pkg.codecs.deep_scale_hyperprior`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.deep_scale_hyperprior import MEDIAN, DeepScaleArchitecture
from decoder_pkg.codecs.transforms.gdn import Upsample
from decoder_pkg.codecs.transforms.residual import conv3
from decoder_pkg.entropy import MEAN_STEPS

from ..deep_density import DeepDensity
from ..hyper_networks import FeaturesAreScales, HyperFloatCodec, complete_cells
from ..likelihoods import LEAST_SIGMA, GaussianLikelihood
from ..transforms.gdn import conv5

DEEP_HYPER_LIMIT = 1000.0
"""Largest hyper-latent: what an integer activation holds in 1/MEAN_STEPS."""


class DeepHyperAnalysis(nn.Module):
    """Magnitudes of latents [B, M, h, w] to hyper-latents [B, N, ceil(h/4), ceil(w/4)]."""

    def __init__(self, arch: DeepScaleArchitecture) -> None:
        super().__init__()
        width = arch.hyper_analysis_width
        self.enter = conv3(arch.latent_channels, width)
        self.down, self.leave = conv5(width, width), conv5(width, arch.hyper_channels)

    def forward(self, y: Tensor) -> Tensor:
        z: Tensor = self.leave(F.relu(self.down(F.relu(self.enter(complete_cells(y))))))
        return z.clamp(-DEEP_HYPER_LIMIT, DEEP_HYPER_LIMIT)


class DeepHyperSynthesis(nn.Module):
    """Hyper-latents to means of zero and log2 of standard deviations."""

    def __init__(self, arch: DeepScaleArchitecture) -> None:
        super().__init__()
        width = arch.hyper_width
        self.enter, self.middle = Upsample(arch.hyper_channels, width), Upsample(width, width)
        self.scale = conv3(width, arch.feature_width)

    def forward(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and log2 sigma, [B, M, 4hz, 4wz] float."""
        sigma = self.scale(F.relu(self.middle(F.relu(self.enter(z_hat)))))
        return torch.zeros_like(sigma), torch.log2(sigma.clamp(min=LEAST_SIGMA))


class DeepScaleFloatCodec(HyperFloatCodec[DeepScaleArchitecture]):
    """The scale of every latent from the hyper-latents alone, which count from their medians."""

    architecture = DeepScaleArchitecture
    prior: DeepDensity

    def __init__(self, arch: DeepScaleArchitecture) -> None:
        super().__init__(arch)
        self.hyper_analysis, self.hyper_synthesis = DeepHyperAnalysis(arch), DeepHyperSynthesis(arch)
        self.prior = DeepDensity(arch.hyper_channels)
        self.context = FeaturesAreScales(GaussianLikelihood)

    @property
    def integer_tensors(self) -> Mapping[str, Tensor]:
        return {MEDIAN: (self.prior.median * MEAN_STEPS).round().to(torch.int32)}

    def hyper_latents(self, y: Tensor) -> Tensor:
        return super().hyper_latents(y.abs()) - self.prior.median[:, None, None]

    def predict(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        return super().predict(z_hat + self.prior.median[:, None, None])
