"""Hyper-decoder and likelihoods in float, differentiable."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.codecs.hyperprior import Architecture
from decoder_pkg.codecs.hyperprior.synthesis import conv3
from decoder_pkg.entropy import BIN_OCTAVES
from decoder_pkg.gains import GAIN_STEPS

LOG2_SIGMA_MIN = -3.25
"""log2 of the smallest standard deviation that has a coding table."""

COMPONENTS = ((0.9, 0.958), (0.1, 1.616))
"""Share and width, in units of sigma, of the Gaussians whose sum is a latent's distribution."""

DEAD_ZONE = 0.055
"""How much further than half a step from zero the edges of an integer's interval lie.

Rounding that looks at rate moves them. This and the components were fitted to latents of training crops at all rates:
0.6 to 0.8 % fewer bits than one Gaussian, as few as a table of counts for every scale.
"""

LIKELIHOOD_MIN = 2.0**-24
"""Floor of a likelihood, so that an impossible symbol costs 24 bits and not infinitely many."""


class HyperSynthesis(nn.Module):
    """Hyper-latents to the mean of the latents and to features for their scale."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        width = arch.hyper_width
        self.enter = conv3(arch.hyper_channels, width)
        self.up32 = nn.Conv2d(width, 4 * width, 1)
        self.middle = conv3(width, width)
        self.up16 = nn.Conv2d(width, 4 * width, 1)
        self.mean = conv3(width, arch.latent_channels)
        self.scale = nn.Conv2d(width, arch.context_width, 1)

    def forward(self, z_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean [B, M, 4hz, 4wz] and scale features [B, C, 4hz, 4wz], float."""
        x = F.leaky_relu(self.enter(z_hat), 0.125)
        x = F.leaky_relu(F.pixel_shuffle(self.up32(x), 2), 0.125)
        x = F.leaky_relu(self.middle(x), 0.125)
        x = F.leaky_relu(F.pixel_shuffle(self.up16(x), 2), 0.125)
        return self.mean(x), self.scale(x)


class FactorisedPrior(nn.Module):
    """One density per hyper-latent channel and octave of lambda: a mixture of three logistics."""

    def __init__(self, channels: int, octaves: int) -> None:
        super().__init__()
        shape = (octaves, channels, 3)
        self.location = nn.Parameter(torch.tensor([-1.0, 0.0, 1.0]).expand(shape).clone())
        self.log_scale = nn.Parameter(torch.zeros(shape))
        self.logit = nn.Parameter(torch.zeros(shape))

    def likelihood(self, z: Tensor, gain_index: Tensor) -> Tensor:
        """Probability of the unit interval around z [B, Z, h, w], for gain_index [B] int64."""
        octave = nearest_octave(gain_index)
        location, log_scale, logit = (p[octave][:, :, None, None] for p in (self.location, self.log_scale, self.logit))
        centred = z.unsqueeze(-1) - location
        inverse = torch.exp(-log_scale)
        # The sign flip keeps both sigmoids in their accurate tail.
        sign = -torch.sign(centred).detach()
        upper = torch.sigmoid(sign * (centred + 0.5) * inverse)
        lower = torch.sigmoid(sign * (centred - 0.5) * inverse)
        weight = torch.softmax(logit, dim=-1)
        return (weight * (upper - lower).abs()).sum(-1)


def nearest_octave(gain_index: Tensor) -> Tensor:
    """The octave whose factorised tables code this gain: [B] int64 to [B] int64, halves upwards."""
    return torch.div(gain_index + GAIN_STEPS // 2, GAIN_STEPS, rounding_mode="floor")


def latent_likelihood(residual: Tensor, log2_sigma: Tensor, dead_zone: float = DEAD_ZONE) -> Tensor:
    """Probability of the interval that is coded as a residual, under Gaussians of one mean and different widths.

    Args:
      residual: float, (y - mean) / q, any shape.
      log2_sigma: float, same shape, log2 of the scale in units of q.
      dead_zone: of rounding; 0 for the unit interval around a residual with noise.
    """
    inverse = torch.exp2(-log2_sigma.clamp(min=LOG2_SIGMA_MIN)) * 0.7071067811865476
    size = residual.abs()
    lower = size - 0.5 + dead_zone * (2 * size - 1).clamp(max=1)
    upper = size + 0.5 + dead_zone
    parts = [
        share / 2 * (torch.erfc(lower * inverse / width) - torch.erfc(upper * inverse / width))
        for share, width in COMPONENTS
    ]
    return torch.stack(parts).sum(0)


def information(likelihood: Tensor) -> Tensor:
    """Bits of each symbol: any shape, float32."""
    return -torch.log2(likelihood.float().clamp(min=LIKELIHOOD_MIN))


def coded_information(symbols: Tensor, log2_sigma: Tensor) -> Tensor:
    """Bits of each latent as it is coded, float32 of any one shape: those that are certain cost nothing."""
    # Most latents are certain at low rates: only the others are computed.
    coded = (~is_certain(log2_sigma)).flatten().nonzero().squeeze(1)
    likelihood = latent_likelihood(symbols.flatten()[coded], log2_sigma.flatten()[coded])
    nothing = torch.zeros(symbols.numel(), device=symbols.device)
    return nothing.index_copy(0, coded, information(likelihood)).view(symbols.shape)


def is_certain(log2_sigma: Tensor) -> Tensor:
    """Which latents fall into the first scale bin: these are zero and not coded.

    The table `entropy_model.CERTAIN` may serve the next bin too, whose latents cost a fraction of a bit in all.
    """
    return log2_sigma < LOG2_SIGMA_MIN + BIN_OCTAVES / 2


def bits(likelihood: Tensor) -> Tensor:
    """Information content in bits, summed per image: [B, ...] float to [B] float."""
    return information(likelihood).flatten(1).sum(1)
