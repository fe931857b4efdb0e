"""Likelihoods under mixtures of Gaussians and under two-sided ones: the mirrors of `Mixture` and `Asymmetric`."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from decoder_pkg.entropy import MEAN_STEPS
from decoder_pkg.entropy.decisions import SKIP_BITS
from decoder_pkg.entropy.normal_tables import DEAD_ZONE

from .likelihoods import COMPONENTS, LOG2_SIGMA_MIN, SymbolLikelihood, information, interval

NORMAL = ((1.0, 1.0),)
"""One Gaussian, as `COMPONENTS`: what the parts of a mixture are."""

ROOT_HALF, LN_2 = math.sqrt(0.5), math.log(2.0)


class NormalLikelihood(SymbolLikelihood):
    """Symbols whose mass is that of an interval."""

    @abstractmethod
    def mass(self, size: Tensor, sign: Tensor, dead_zone: float) -> Tensor:
        """Probability [B, M, h, w] of the intervals of symbols, by magnitude and sign (1 or -1)."""

    def likelihood(self, symbols: Tensor, dead_zone: float) -> Tensor:
        """Probability [B, M, h, w] of the interval that is coded as a symbol."""
        sign = torch.where(symbols < 0, -1.0, 1.0)
        return self.mass(symbols * sign, sign, dead_zone)

    @property
    def skipped(self) -> Tensor:
        with torch.no_grad():
            return self.likelihood(self._zero, DEAD_ZONE / MEAN_STEPS) >= 1 - 2.0**-SKIP_BITS

    def bits(self, symbols: Tensor) -> Tensor:
        bits = information(self.likelihood(symbols, DEAD_ZONE / MEAN_STEPS))
        return torch.where(self.skipped, 0.0, bits)

    def noisy_bits(self, values: Tensor) -> Tensor:
        return information(self.likelihood(values, 0.0))

    @property
    @abstractmethod
    def _zero(self) -> Tensor:
        """Zeros [B, M, h, w]."""


@dataclass(frozen=True)
class MixtureLikelihood(NormalLikelihood):
    """Mixtures of K Gaussians.

    Attributes:
      weight: [B, K, M, h, w] float, summing to one over K.
      mean: [B, K, M, h, w] float, in units of the quantisation step.
      log2_sigma: [B, K, M, h, w] float, in the same units.
    """

    weight: Tensor
    mean: Tensor
    log2_sigma: Tensor

    def detach(self) -> MixtureLikelihood:
        return MixtureLikelihood(self.weight.detach(), self.mean.detach(), self.log2_sigma.detach())

    def mass(self, size: Tensor, sign: Tensor, dead_zone: float) -> Tensor:
        lower, upper = interval(size[:, None], dead_zone)
        mean = self.mean * sign[:, None]
        # Seen from the mean, either edge is in the accurate tail of erfc.
        beyond = (lower + upper) / 2 < mean
        near, far = torch.where(beyond, mean - upper, lower - mean), torch.where(beyond, mean - lower, upper - mean)
        parts = tail(near, self.log2_sigma, NORMAL) - tail(far, self.log2_sigma, NORMAL)
        return (self.weight * parts).sum(1)

    @property
    def _zero(self) -> Tensor:
        return torch.zeros_like(self.mean[:, 0])


@dataclass(frozen=True)
class AsymmetricLikelihood(NormalLikelihood):
    """Distributions of two scales, of the shape of `COMPONENTS` on either side.

    Attributes:
      log2_left, log2_right: [B, M, h, w] float, below and above zero, in units of the quantisation step.
    """

    log2_left: Tensor
    log2_right: Tensor

    def detach(self) -> AsymmetricLikelihood:
        return AsymmetricLikelihood(self.log2_left.detach(), self.log2_right.detach())

    def mass(self, size: Tensor, sign: Tensor, dead_zone: float) -> Tensor:
        lower, upper = interval(size, dead_zone)
        positive = sign > 0
        own = torch.where(positive, self.log2_right, self.log2_left).clamp(min=LOG2_SIGMA_MIN)
        other = torch.where(positive, self.log2_left, self.log2_right).clamp(min=LOG2_SIGMA_MIN)
        share = torch.sigmoid((own - other) * LN_2)
        across = 1 - 2 * (1 - share) * tail((-lower).clamp(min=0), other, COMPONENTS)
        near = torch.where(lower < 0, across, 2 * share * tail(lower, own, COMPONENTS))
        return near - 2 * share * tail(upper, own, COMPONENTS)

    @property
    def _zero(self) -> Tensor:
        return torch.zeros_like(self.log2_left)


def tail(distance: Tensor, log2_sigma: Tensor, components: tuple[tuple[float, float], ...]) -> Tensor:
    """Mass beyond a distance under Gaussians of one mean; arguments of one shape."""
    scaled = distance * torch.exp2(-log2_sigma.clamp(min=LOG2_SIGMA_MIN)) * ROOT_HALF
    return torch.stack([share / 2 * torch.erfc(scaled / width) for share, width in components]).sum(0)


def mixture_weights(logits: Tensor) -> Tensor:
    """Weights of parts [B, K, M, h, w] that sum to one over K: those of the decoder's `mixture_weights`."""
    below = logits - logits.amax(1, keepdim=True).detach()
    power = below.floor().detach()
    powers = (1 + below - power) * torch.exp2(power)
    return powers / powers.sum(1, keepdim=True)
