"""A bank of densities that compete for every position (Brummer and De Vleeschouwer 2021, section 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..likelihoods import information
from ..static_priors import CategoricalPrior, FactorisedPrior, logistic_mass

WIDTHS = (-1.5, 3.0)
"""Natural logarithms of the widths of the first and of the last prior before training, in quantisation steps."""

TABULATED = 63
"""Magnitudes up to which the bits of every prior are tabulated before they are compared."""

COSTLY = 0.05
"""Share of the positions, those with most bits, among which an idle prior is given a new seed."""

SEED_NOISE = 0.3
"""Standard deviation of the natural logarithm of a seed's widths around those of the prior that it is a copy of."""


class FloatPriorBank(nn.Module):
    """K densities for each channel, and how probable each index is at each octave of lambda."""

    used: Tensor

    def __init__(self, priors: int, channels: int) -> None:
        super().__init__()
        self._shape = priors, channels
        self.densities = FactorisedPrior(priors * channels, octaves=1)
        self.index = CategoricalPrior(priors)
        self.register_buffer("used", torch.zeros(priors, dtype=torch.uint8))
        log_scale = torch.linspace(*WIDTHS, priors).repeat_interleave(channels)[:, None]
        with torch.no_grad():
            self.densities.location.mul_(log_scale.exp())
            self.densities.log_scale.add_(log_scale)

    def likelihood(self, values: Tensor, index: Tensor) -> Tensor:
        """Probability [B, M, h, w] of the unit interval around values, for index [B, 1, h, w] int64."""
        own = [part[index[:, 0]].permute(0, 3, 1, 2, 4) for part in self._parts()]
        return logistic_mass(values, *own)

    @torch.no_grad()
    def cheapest(self, symbols: Tensor, gain_index: Tensor) -> Tensor:
        """The prior [B, 1, h, w] int64 of each position that takes the fewest bits with its index.

        Args:
          symbols: [B, M, h, w] float, integers.
          gain_index: [B] int64, of the tables of the indices.
        """
        return self._costs(symbols, gain_index).argmin(1, keepdim=True)

    def _costs(self, symbols: Tensor, gain_index: Tensor) -> Tensor:
        """Bits [B, K, h, w] of each position under every prior, the index included."""
        batch, channels, height, width = symbols.shape
        flat, table = symbols.permute(0, 2, 3, 1).reshape(-1, channels), self._tabulated()
        near = flat.clamp(-TABULATED, TABULATED)
        places = (near + TABULATED).long() + len(table[0]) * torch.arange(channels, device=table.device)
        costs = F.embedding_bag(places, table.flatten(0, 1), mode="sum")
        # The logarithm of a logistic's tail is linear: beyond the table bits grow as at its ends.
        costs += (flat - near).clamp(min=0) @ (table[:, -1] - table[:, -2])
        costs += (near - flat).clamp(min=0) @ (table[:, 0] - table[:, 1])
        indices = information(self.index.probabilities(gain_index))
        return costs.view(batch, height, width, -1).permute(0, 3, 1, 2) + indices[:, :, None, None]

    def _tabulated(self) -> Tensor:
        """Bits [M, 2 * TABULATED + 1, K] of small symbols."""
        values = torch.arange(-TABULATED, TABULATED + 1.0, device=self.used.device)
        parts = [part[:, :, None] for part in self._parts()]
        return information(logistic_mass(values.expand(*self._shape, -1), *parts)).permute(1, 2, 0).contiguous()

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """Location, logarithm of the width and logit of the densities, [K, M, 3] each."""
        densities, shape = self.densities, (*self._shape, 3)
        return densities.location.view(shape), densities.log_scale.view(shape), densities.logit.view(shape)

    @torch.no_grad()
    def seed_idle(self, symbols: Tensor, gain_index: Tensor, generator: torch.Generator) -> None:
        """Gives every prior that was not used since the last call a new seed, and forgets which were used.

        A seed is a copy of the prior of a position that takes many bits, a little changed: each learns what it wins.

        Args:
          symbols: [B, M, h, w] float, integers, of some pictures.
          gain_index: [B] int64.
          generator: source of the choice and of the changes, on the CPU.
        """
        idle = (self.used == 0).nonzero()[:, 0]
        bits, winner = (part.flatten() for part in self._costs(symbols, gain_index).min(1))
        costly = bits.topk(max(1, int(COSTLY * len(bits)))).indices
        chosen = costly[torch.randint(len(costly), (len(idle),), generator=generator).to(costly.device)]
        noise = SEED_NOISE * torch.randn(len(idle), self._shape[1], 1, generator=generator)
        for part in self._parts():
            part[idle] = part[winner[chosen]]
        self._parts()[1][idle] += noise.to(costly.device)
        self.index.logit[..., idle] = self.index.logit[..., winner[chosen]]
        self.used.zero_()
