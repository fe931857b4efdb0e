"""Context networks in float: mean and scale of every latent given those coded before it, differentiable.

Both kinds have one interface: latents, hyper parameters and a relaxation of rounding go in, `Coded` comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from decoder_pkg.architecture import CAUSAL, QUADTREE, Architecture
from decoder_pkg.fixed_point import CAUSAL_TAPS
from decoder_pkg.quadtree import GROUPS, groups_at
from decoder_pkg.synthesis import conv3

from .entropy import LOG2_SIGMA_MIN, LOG2_SIGMA_STEP

Quantiser = Callable[[Tensor], Tensor]
"""Float residuals in units of the quantisation step to (nearly) integers, differentiable."""


@dataclass(frozen=True)
class Coded:
    """Latents as the entropy model sees them; all [B, M, h, w] float32, residuals in units of the quantisation step.

    Attributes:
      residual: (y - mean) / q, not rounded.
      quantised: the same after the quantiser.
      log2_sigma: log2 of the standard deviation.
      y_hat: reconstructed latents, mean + quantised * q.
    """

    residual: Tensor
    quantised: Tensor
    log2_sigma: Tensor
    y_hat: Tensor


def causal_mask() -> Tensor:
    """[1, 1, 5, 5] float: ones at the causal taps of a 5x5 window."""
    mask = torch.zeros(1, 1, 5, 5)
    for row, column in CAUSAL_TAPS:
        mask[0, 0, row + 2, column + 2] = 1.0
    return mask


class CausalConv(nn.Conv2d):
    """A 5x5 convolution that sees only the twelve already decoded neighbours."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 5, padding=2)
        self.mask: Tensor
        self.register_buffer("mask", causal_mask(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=2)


class CausalContext(nn.Module):
    """The scale from hyper features and causal neighbours; the mean from the hyper-latents alone.

    Zhao et al. 2021, section 3.1. The neighbours enter as magnitudes of their residuals: how far they were from their
    means tells the scale here.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.enter = CausalConv(arch.latent_channels, arch.context_width)
        self.hidden = nn.Conv2d(arch.context_width, arch.context_width, 1)
        self.leave = nn.Conv2d(arch.context_width, arch.latent_channels, 1)

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Coded:
        """Codes latents.

        Args:
          y: [B, M, h, w] float latents.
          mean: [B, M, h, w] float, from the hyper-latents.
          features: [B, C, h, w] float, from the hyper-latents.
          step: quantisation step q.
          quantise: relaxation of rounding.
        """
        residual = (y - mean) / step
        quantised = quantise(residual)
        x = F.leaky_relu(self.enter((quantised * step).abs()) + features, 0.125)
        x = F.leaky_relu(self.hidden(x), 0.125)
        log2_sigma = self.leave(x).float() - math.log2(step)
        # Latents that are certain to be zero are zeroed after the context saw them: one by one would be exact.
        quantised = torch.where(is_certain(log2_sigma), zero_like(residual, self.training), quantised)
        return Coded(residual, quantised, log2_sigma, mean + quantised * step)


class QuadtreeContext(nn.Module):
    """Mean and scale from hyper features and all latents of earlier steps, see `decoder_pkg.quadtree`."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        width, channels = arch.context_width, arch.latent_channels
        self.embed = nn.Conv2d(2 * channels, arch.embed_width, 1)
        self.enter = nn.ModuleList(conv3(arch.embed_width, width) for _ in range(GROUPS - 1))
        self.hidden = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(GROUPS))
        self.mean = nn.ModuleList(nn.Conv2d(width, channels, 1) for _ in range(GROUPS))
        self.scale = nn.ModuleList(nn.Conv2d(width, channels, 1) for _ in range(GROUPS))

    def forward(self, y: Tensor, mean: Tensor, features: Tensor, step: float, quantise: Quantiser) -> Coded:
        """As `CausalContext.forward`."""
        zero = torch.zeros_like(y)
        values = magnitudes = residual = quantised = log2_sigma = zero
        y_hat = mean
        for turn, mask in enumerate(group_masks(y)):
            x = features
            if turn:
                embedded = F.leaky_relu(self.embed(torch.cat([values, magnitudes], dim=1)), 0.125)
                x = x + self.enter[turn - 1](embedded)
            x = F.leaky_relu(self.hidden[turn](F.leaky_relu(x, 0.125)), 0.125)
            correction = self.mean[turn](x).float()
            here = (y - mean - correction) / step
            sigma_here = self.scale[turn](x).float() - math.log2(step)
            coded = torch.where(is_certain(sigma_here), zero_like(here, self.training), quantise(here))
            residual = torch.where(mask, here, residual)
            quantised = torch.where(mask, coded, quantised)
            log2_sigma = torch.where(mask, sigma_here, log2_sigma)
            values = torch.where(mask, coded * step + correction, values)
            magnitudes = torch.where(mask, (coded * step).abs(), magnitudes)
            y_hat = torch.where(mask, mean + correction + coded * step, y_hat)
        return Coded(residual, quantised, log2_sigma, y_hat)


def zero_like(x: Tensor, training: bool) -> Tensor:
    """Zeros; in training the gradient passes, or a channel that is certain everywhere would never come back."""
    return x - x.detach() if training else torch.zeros_like(x)


def is_certain(log2_sigma: Tensor) -> Tensor:
    """Which latents fall into the first scale bin, whose latents are zero and not coded (`entropy_model.CERTAIN`)."""
    return log2_sigma < LOG2_SIGMA_MIN + LOG2_SIGMA_STEP / 2


def group_masks(y: Tensor) -> list[Tensor]:
    """For each turn, [1, M, h, w] bool: which latents are coded at it."""
    channels, height, width = y.shape[1:]
    group = (torch.arange(channels) // (channels // GROUPS))[:, None, None]
    return [(torch.from_numpy(groups_at(turn, height, width)) == group)[None].to(y.device) for turn in range(GROUPS)]


CONTEXTS: dict[str, type[CausalContext] | type[QuadtreeContext]] = {CAUSAL: CausalContext, QUADTREE: QuadtreeContext}
