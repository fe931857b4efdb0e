"""Hyper-latents in float: from latents to hyper-latents, and back to the parameters that they predict.

The hyper-decoder mirrors `decoder_pkg.codecs.hyper_decoder`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs import HYPER_LATENTS, LATENTS, SCALE
from decoder_pkg.codecs.hyper_decoder import PRIOR, HyperArchitecture
from decoder_pkg.codecs.transforms.residual import conv3
from decoder_pkg.grids import HYPER_STRIDE

from .interface import Coded
from .latents import Latents
from .likelihoods import LIKELIHOODS, StaticLikelihood, SymbolLikelihood
from .relaxation import Quantiser, Relaxation
from .static_priors import FactorisedPrior, StaticPrior
from .transforms import TransformFloatCodec

HYPER_LIMIT = 64.0
"""Largest hyper-latent: three times what photographs have. Beyond it an odd picture would be sent to odd means."""


class HyperAnalysis(nn.Module):
    """Scaled latents [B, M, h, w] to hyper-latents [B, Z, ceil(h/4), ceil(w/4)]; the edge completes the last cell."""

    def __init__(self, arch: HyperArchitecture) -> None:
        super().__init__()
        width = arch.hyper_analysis_width
        self.enter = conv3(arch.latent_channels, width)
        self.down = conv3(width, width, stride=2)
        self.leave = conv3(width, arch.hyper_channels, stride=2)

    def forward(self, y: Tensor) -> Tensor:
        x = F.leaky_relu(self.enter(complete_cells(y)), 0.125)
        x = F.leaky_relu(self.down(x), 0.125)
        z: Tensor = self.leave(x)
        return z.clamp(-HYPER_LIMIT, HYPER_LIMIT)


def complete_cells(y: Tensor) -> Tensor:
    """Latents [B, M, h, w] with their edge repeated until the last hyper-latent has all of its own."""
    bottom, right = -y.shape[2] % HYPER_STRIDE, -y.shape[3] % HYPER_STRIDE
    return F.pad(y, (0, right, 0, bottom), mode="replicate") if bottom or right else y


class HyperSynthesis(nn.Module):
    """Hyper-latents to the mean of the latents and to features for their scale."""

    def __init__(self, arch: HyperArchitecture) -> None:
        super().__init__()
        width = arch.hyper_width
        self.enter = conv3(arch.hyper_channels, width)
        self.up32 = nn.Conv2d(width, 4 * width, 1)
        self.middle = conv3(width, width)
        self.up16 = nn.Conv2d(width, 4 * width, 1)
        self.mean = conv3(width, arch.latent_channels) if arch.predicts_mean else None
        self._channels = arch.latent_channels
        self.scale = nn.Conv2d(width, arch.feature_width, 1)

    def forward(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean [B, M, 4hz, 4wz] and scale features [B, C, 4hz, 4wz], float."""
        x = F.leaky_relu(self.enter(z_hat), 0.125)
        x = F.leaky_relu(F.pixel_shuffle(self.up32(x), 2), 0.125)
        x = F.leaky_relu(self.middle(x), 0.125)
        x = F.leaky_relu(F.pixel_shuffle(self.up16(x), 2), 0.125)
        mean = self.mean(x) if self.mean else x.new_zeros(len(x), self._channels, *x.shape[2:])
        return mean, self.scale(x)


Arch = TypeVar("Arch", bound=HyperArchitecture)


@dataclass(frozen=True)
class Context:
    """What a context network makes of the latents; tensors are [B, M, h, w] float.

    Attributes:
      residual: (y - mean) / q, not rounded.
      symbols: the same after the quantiser.
      likelihood: of the symbols.
      y_hat: reconstructed latents, mean + symbols * q.
    """

    residual: Tensor
    symbols: Tensor
    likelihood: SymbolLikelihood
    y_hat: Tensor

    @classmethod
    def of(
        cls, residual: Tensor, mean: Tensor, step: float, likelihood: SymbolLikelihood, rounded: Tensor, training: bool
    ) -> Context:
        """Symbols as rounded but for those that are skipped.

        Args:
          residual: as the attribute.
          mean: what symbol zero stands for.
          step: quantisation step q.
          likelihood: as the attribute.
          rounded: the residual after the quantiser.
          training: whether the gradient of skipped symbols passes, or a channel that is skipped everywhere would never
            come back.
        """
        zero = residual - residual.detach() if training else torch.zeros_like(residual)
        symbols = torch.where(likelihood.skipped, zero, rounded)
        return cls(residual, symbols, likelihood, mean + symbols * step)


class ContextNetwork(nn.Module, ABC):
    """Means and scales of the latents from the hyper-decoder's outputs and from what is coded before them."""

    @abstractmethod
    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        """Codes latents.

        Args:
          y: [B, M, h, w] float latents.
          mean: [B, M, h, w] float, from the hyper-latents.
          features: [B, C, h, w] float, from the hyper-latents.
          step: quantisation step q.
          quantise: relaxation of rounding.
        """

    def converge(self) -> None:
        """As `FloatCodec.converge`."""


class FeaturesAreScales(ContextNetwork):
    """No context: the features are those of a likelihood's scales, the means those of the hyper-latents."""

    def __init__(self, scale_kind: str = SCALE) -> None:
        super().__init__()
        self._likelihood = LIKELIHOODS[scale_kind]

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Context:
        residual = (y - mean) / step
        likelihood = self._likelihood.of(features, step)
        return Context.of(residual, mean, step, likelihood, quantise(residual), self.training)


class HyperFloatCodec(TransformFloatCodec[Arch]):
    """A codec with hyper-latents; the context network is its own."""

    context: ContextNetwork

    def __init__(self, arch: Arch) -> None:
        super().__init__(arch)
        self.hyper_analysis: nn.Module = HyperAnalysis(arch)
        self.hyper_synthesis: nn.Module = HyperSynthesis(arch)
        self.prior: StaticPrior = FactorisedPrior(arch.hyper_channels)

    @property
    def static_priors(self) -> Mapping[str, StaticPrior]:
        return {PRIOR: self.prior}

    def converge(self) -> None:
        self.context.converge()

    def latents(self, analysed: Tensor, gain_index: Tensor) -> Latents:
        y = self.analysis.scale(analysed, gain_index).float()
        return {HYPER_LATENTS: self.hyper_latents(y), LATENTS: y}

    def hyper_latents(self, y: Tensor) -> Tensor:
        """Hyper-latents [B, Z, hz, wz] float of latents [B, M, h, w]."""
        z: Tensor = self.hyper_analysis(y)
        return z.float()

    def predict(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Means [B, M, 4hz, 4wz] and features [B, C, 4hz, 4wz] float of hyper-latents."""
        predicted: tuple[Tensor, Tensor] = self.hyper_synthesis(z_hat)
        return predicted

    def code(self, latents: Latents, gain_index: Tensor, step: float, relaxation: Relaxation) -> Coded:
        y, z = latents[LATENTS], latents[HYPER_LATENTS]
        height, width = y.shape[2:]
        z_hat = relaxation.quantise(z)
        mean, features = (part[:, :, :height, :width] for part in self.predict(z_hat))
        coded: Context = self.context(y, mean.float(), features, step, relaxation.quantise)
        rated = relaxation.noise(z) if relaxation.noise else z_hat
        side_bits = StaticLikelihood(self.prior, gain_index).bits(rated).flatten(1).sum(1)
        decoded = {HYPER_LATENTS: z_hat, LATENTS: coded.y_hat}
        return Coded(decoded, coded.residual, coded.symbols, coded.likelihood, side_bits)
