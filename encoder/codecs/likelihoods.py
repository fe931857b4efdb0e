"""Likelihoods of symbols in float, differentiable: the mirror of the decoder's symbol models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from decoder_pkg.entropy import BIN_OCTAVES, Q_ONE
from decoder_pkg.gains import GAIN_STEPS, OCTAVES, table_gain

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


class StaticPrior(nn.Module, ABC):
    """Probabilities of a grid's integers that no network tells, for each channel and octave of lambda."""

    @abstractmethod
    def likelihood(self, z: Tensor, gain_index: Tensor) -> Tensor:
        """Probability of the unit interval around z [B, C, h, w], for gain_index [B] int64."""

    @abstractmethod
    def centre(self) -> Tensor:
        """[octaves, C] float, where the middle of a table shall be."""


class FactorisedPrior(StaticPrior):
    """One density per channel of a grid and octave of lambda: a mixture of three logistics."""

    def __init__(self, channels: int, octaves: int = OCTAVES) -> None:
        super().__init__()
        shape = (octaves, channels, 3)
        self.location = nn.Parameter(torch.tensor([-1.0, 0.0, 1.0]).expand(shape).clone())
        self.log_scale = nn.Parameter(torch.zeros(shape))
        self.logit = nn.Parameter(torch.zeros(shape))

    def likelihood(self, z: Tensor, gain_index: Tensor) -> Tensor:
        octave = nearest_octave(gain_index).clamp(max=len(self.location) - 1)
        return logistic_mass(z, *(p[octave][:, :, None, None] for p in (self.location, self.log_scale, self.logit)))

    def centre(self) -> Tensor:
        return (self.location * torch.softmax(self.logit, -1)).sum(-1)


class CategoricalPrior(StaticPrior):
    """Probabilities of the indices 0 to K - 1, in a grid of one channel."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(OCTAVES, 1, count))

    def probabilities(self, gain_index: Tensor) -> Tensor:
        """[B, K] of the indices, for gain_index [B] int64."""
        return torch.softmax(self.logit[nearest_octave(gain_index), 0], -1)

    def likelihood(self, z: Tensor, gain_index: Tensor) -> Tensor:
        """Probability of each index [B, 1, h, w]; that of any other number is zero."""
        probabilities, index = self.probabilities(gain_index), z.flatten(1).long()
        within = (index >= 0) & (index < probabilities.shape[1])
        found = probabilities.gather(1, index.clamp(0, probabilities.shape[1] - 1))
        return torch.where(within, found, 0.0).view(z.shape)

    def centre(self) -> Tensor:
        return self.logit.new_full(self.logit.shape[:2], self.logit.shape[2] // 2)


def logistic_mass(z: Tensor, location: Tensor, log_scale: Tensor, logit: Tensor) -> Tensor:
    """Probability of the unit interval around z, any shape, under mixtures of three logistics, [..., 3] each."""
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


def table_gains(gain_index: Tensor, step: float) -> Tensor:
    """The gains whose densities suit a quantisation step: [B] int64 to [B] int64."""
    if step == 1.0:
        return gain_index
    q = round(step * Q_ONE)
    return gain_index.new_tensor([table_gain(gain, q) for gain in gain_index.tolist()])


def latent_likelihood(residual: Tensor, log2_sigma: Tensor, dead_zone: float = DEAD_ZONE) -> Tensor:
    """Probability of the interval that is coded as a residual, under Gaussians of one mean and different widths.

    Args:
      residual: float, (y - mean) / q, any shape.
      log2_sigma: float, same shape, log2 of the scale in units of q.
      dead_zone: of rounding; 0 for the unit interval around a residual with noise.
    """
    inverse = torch.exp2(-log2_sigma.clamp(min=LOG2_SIGMA_MIN)) * 0.7071067811865476
    lower, upper = interval(residual.abs(), dead_zone)
    parts = [
        share / 2 * (torch.erfc(lower * inverse / width) - torch.erfc(upper * inverse / width))
        for share, width in COMPONENTS
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

    log2_sigma: Tensor

    @property
    def skipped(self) -> Tensor:
        return is_skipped(self.log2_sigma)

    def bits(self, symbols: Tensor) -> Tensor:
        # Most latents are skipped at low rates: only the others are computed.
        coded = (~self.skipped).flatten().nonzero().squeeze(1)
        likelihood = latent_likelihood(symbols.flatten()[coded], self.log2_sigma.flatten()[coded])
        nothing = torch.zeros(symbols.numel(), device=symbols.device)
        return nothing.index_copy(0, coded, information(likelihood)).view(symbols.shape)

    def detach(self) -> ScaledLikelihood:
        return ScaledLikelihood(self.log2_sigma.detach())

    def noisy_bits(self, values: Tensor) -> Tensor:
        return information(latent_likelihood(values, self.log2_sigma, 0.0))


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
