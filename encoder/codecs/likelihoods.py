"""Likelihoods of symbols in float, differentiable: the mirror of the decoder's symbol models."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from decoder_pkg.codecs.layers import SCALE, SIGMA
from decoder_pkg.entropy import BIN_OCTAVES

from .static_priors import StaticPrior

LOG2_SIGMA_MIN = -3.25
"""log2 of the smallest standard deviation that has a coding table."""

COMPONENTS = ((0.9, 0.958), (0.1, 1.616))
"""Share and width, in units of sigma, of the Gaussians whose sum is a latent's distribution."""

DEAD_ZONE = 0.055
"""How much further than half a step from zero the edges of an integer's interval lie.

RDOQ moves them. This and the components were fitted to latents of training crops at all rates: they
save 0.6 to 0.8 % bitrate against one Gaussian, as much as a table of counts for every scale.
"""

LIKELIHOOD_MIN = 2.0**-24
"""Floor of a likelihood, so that an impossible symbol costs 24 bits and not infinitely many."""


LEAST_SIGMA = 0.11
"""Of latents whose network yields sigma itself, as in CompressAI."""


def latent_likelihood(
    residual: Tensor,
    log2_sigma: Tensor,
    dead_zone: float = DEAD_ZONE,
    components: tuple[tuple[float, float], ...] = COMPONENTS,
) -> Tensor:
    """Probability of the interval that is coded as a residual, under Gaussians of one mean and different widths.

    Args:
      residual: float, (y - mean) / q, any shape.
      log2_sigma: float, same shape, log2 of the scale in units of q.
      dead_zone: of rounding; 0 for the unit interval around a residual with noise.
      components: share and width, in units of sigma, of the Gaussians.
    """
    inverse = torch.exp2(-log2_sigma.clamp(min=LOG2_SIGMA_MIN)) * 0.7071067811865476
    lower, upper = interval(residual.abs(), dead_zone)
    parts = [
        share / 2 * (torch.erfc(lower * inverse / width) - torch.erfc(upper * inverse / width))
        for share, width in components
    ]
    return torch.stack(parts).sum(0)


def interval(size: Tensor, dead_zone: float) -> tuple[Tensor, Tensor]:
    """Edges of the interval around a magnitude; below one half the lower one lies beyond zero."""
    lower = size - 0.5 + dead_zone * (2 * size - 1).clamp(max=1)
    return lower, size + 0.5 + dead_zone


def information(likelihood: Tensor) -> Tensor:
    """Bits of each symbol: any shape, float32."""
    return -torch.log2(likelihood.float().clamp(min=LIKELIHOOD_MIN))


def is_skipped(log2_sigma: Tensor) -> Tensor:
    """Which latents fall into the first scale bin: these are zero and not coded.

    The table of skipped symbols may serve the next bin too, whose latents cost a fraction of a bit in all.
    """
    return log2_sigma < LOG2_SIGMA_MIN + BIN_OCTAVES / 2


class SymbolLikelihood(ABC):
    """Probabilities of the latents' symbols [B, M, h, w], differentiable in them."""

    @property
    @abstractmethod
    def skipped(self) -> Tensor:
        """[B, M, h, w] bool, which symbols are zero and not coded (skip mode)."""

    @abstractmethod
    def bits(self, symbols: Tensor) -> Tensor:
        """Bits [B, M, h, w] float32 of each symbol as it is coded; those that are skipped cost nothing."""

    @abstractmethod
    def detach(self) -> SymbolLikelihood:
        """The same without a gradient in what the probabilities depend on."""

    @abstractmethod
    def noisy_bits(self, values: Tensor) -> Tensor:
        """Bits [B, M, h, w] float32 of the unit intervals around symbols with noise, as in training."""


@dataclass(frozen=True)
class ScaledLikelihood(SymbolLikelihood):
    """Zero-mean symbols of known scale.

    Attributes:
      log2_sigma: [B, M, h, w] float, log2 of the standard deviation in units of the quantisation step.
    """

    components: ClassVar[tuple[tuple[float, float], ...]] = COMPONENTS
    dead_zone: ClassVar[float] = DEAD_ZONE

    log2_sigma: Tensor

    @classmethod
    def of(cls, scale: Tensor, step: float) -> ScaledLikelihood:
        """Of log2 of standard deviations, as a network yields it, at quantisation step q."""
        return cls(scale.float() - math.log2(step))

    @property
    def skipped(self) -> Tensor:
        return is_skipped(self.log2_sigma)

    def bits(self, symbols: Tensor) -> Tensor:
        # Most latents are skipped at low rates: only the others are computed.
        coded = (~self.skipped).flatten().nonzero().squeeze(1)
        scales = self.log2_sigma.flatten()[coded]
        likelihood = latent_likelihood(symbols.flatten()[coded], scales, self.dead_zone, self.components)
        nothing = torch.zeros(symbols.numel(), device=symbols.device)
        return nothing.index_copy(0, coded, information(likelihood)).view(symbols.shape)

    def detach(self) -> ScaledLikelihood:
        return type(self)(self.log2_sigma.detach())

    def noisy_bits(self, values: Tensor) -> Tensor:
        return information(latent_likelihood(values, self.log2_sigma, 0.0, self.components))


class GaussianLikelihood(ScaledLikelihood):
    """The same under one Gaussian and without a dead zone."""

    components = ((1.0, 1.0),)
    dead_zone = 0.0

    @classmethod
    def of(cls, scale: Tensor, step: float) -> ScaledLikelihood:
        """Of the standard deviations themselves."""
        sigma = scale.float()
        # The gradient passes below the bound, or what is there would never come back.
        return super().of(torch.log2(sigma + (sigma.clamp(min=LEAST_SIGMA) - sigma).detach()), step)


LIKELIHOODS = {SCALE: ScaledLikelihood, SIGMA: GaussianLikelihood}
"""Of latents under one distribution, by the kind of scale that their network yields."""


@dataclass(frozen=True)
class StaticLikelihood(SymbolLikelihood):
    """Symbols whose probabilities no network tells.

    Attributes:
      prior: a density for each channel and octave.
      gain_index: [B] int64.
    """

    prior: StaticPrior
    gain_index: Tensor

    @property
    def skipped(self) -> Tensor:
        return torch.zeros((), dtype=torch.bool)

    def bits(self, symbols: Tensor) -> Tensor:
        return information(self.prior.likelihood(symbols, self.gain_index))

    def detach(self) -> StaticLikelihood:
        return self

    def noisy_bits(self, values: Tensor) -> Tensor:
        return self.bits(values)
