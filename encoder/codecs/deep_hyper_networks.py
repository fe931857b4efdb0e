"""Hyper-networks as CompressAI has them, in float: the mirror of `decoder_pkg.codecs.deep_hyper_decoder`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.deep_hyper_decoder import MEDIAN, DeepHyperArchitecture
from decoder_pkg.codecs.transforms.gdn import Upsample
from decoder_pkg.codecs.transforms.residual import conv3
from decoder_pkg.entropy import MEAN_STEPS

from .deep_density import DeepDensity
from .hyper_networks import HyperFloatCodec, complete_cells
from .transforms.gdn import conv5

DEEP_HYPER_LIMIT = 1000.0
"""Largest hyper-latent: what an integer activation holds in 1/MEAN_STEPS."""


class DeepHyperAnalysis(nn.Module):
    """Latents [B, M, h, w] to hyper-latents [B, N, ceil(h/4), ceil(w/4)]."""

    def __init__(self, arch: DeepHyperArchitecture) -> None:
        super().__init__()
        width, channels, self._slope = arch.hyper_analysis_width, arch.hyper_channels, arch.slope
        self.enter = conv3(arch.latent_channels, width)
        down = [conv5(width, width), conv5(width, channels)]
        if arch.refined:
            down = [conv3(width, width), conv3(width, width, 2), conv3(width, width), conv3(width, channels, 2)]
        self.layers = nn.ModuleList(down)

    def forward(self, y: Tensor) -> Tensor:
        x: Tensor = self.enter(complete_cells(y))
        for layer in self.layers:
            x = layer(F.leaky_relu(x, self._slope))
        return x.clamp(-DEEP_HYPER_LIMIT, DEEP_HYPER_LIMIT)


class DeepHyperSynthesis(nn.Module):
    """Hyper-latents to means and features."""

    def __init__(self, arch: DeepHyperArchitecture) -> None:
        super().__init__()
        self._names, self._slope = [stage.name for stage in arch.stages], arch.slope
        for name, inputs, outputs, shuffled in arch.stages:
            self.add_module(name, Upsample(inputs, outputs // 4) if shuffled else conv3(inputs, outputs))
        self.mean = conv3(arch.upper_width, arch.latent_channels) if arch.predicts_mean else None
        self.scale, self._channels = conv3(arch.upper_width, arch.feature_width), arch.latent_channels

    def forward(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean [B, M, 4hz, 4wz] and features [B, C, 4hz, 4wz], float."""
        x = z_hat
        for name in self._names:
            x = F.leaky_relu(self.get_submodule(name)(x), self._slope)
        mean = self.mean(x) if self.mean else x.new_zeros(len(x), self._channels, *x.shape[2:])
        return mean, self.scale(x)


Arch = TypeVar("Arch", bound=DeepHyperArchitecture)


class DeepHyperFloatCodec(HyperFloatCodec[Arch]):
    """Hyper-latents that count from their medians."""

    prior: DeepDensity

    def __init__(self, arch: Arch) -> None:
        super().__init__(arch)
        self.hyper_analysis, self.hyper_synthesis = DeepHyperAnalysis(arch), DeepHyperSynthesis(arch)
        self.prior = DeepDensity(arch.hyper_channels)

    @property
    def integer_tensors(self) -> Mapping[str, Tensor]:
        return {MEDIAN: (self.prior.median * MEAN_STEPS).round().to(torch.int32)}

    def hyper_latents(self, y: Tensor) -> Tensor:
        return super().hyper_latents(y) - self.prior.median[:, None, None]

    def predict(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        return super().predict(z_hat + self.prior.median[:, None, None])
