"""Densities that no network tells, in float: what static tables are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GAIN_STEPS, OCTAVES, table_gain


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
