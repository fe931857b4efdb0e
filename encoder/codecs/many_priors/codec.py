"""Many priors in float: the mirror of `decoder_pkg.codecs.many_priors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from decoder_pkg.codecs import LATENTS
from decoder_pkg.codecs.many_priors import BANK, INDEX, INDEX_GRID, ManyPriorsArchitecture

from ..interface import Coded
from ..latents import Latents
from ..likelihoods import SymbolLikelihood, information
from ..relaxation import Relaxation, round_straight_through
from ..static_priors import StaticPrior, table_gains
from ..transforms import TransformFloatCodec
from .bank import FloatPriorBank


class ManyPriorsFloatCodec(TransformFloatCodec[ManyPriorsArchitecture]):
    """Every position takes the prior that codes it, and the prior's own index, in the fewest bits."""

    architecture = ManyPriorsArchitecture
    choices = frozenset({INDEX_GRID})

    def __init__(self, arch: ManyPriorsArchitecture) -> None:
        super().__init__(arch)
        self.prior = FloatPriorBank(arch.priors, arch.latent_channels)

    @property
    def static_priors(self) -> Mapping[str, StaticPrior]:
        return {BANK: self.prior.densities, INDEX: self.prior.index}

    def latents(self, analysed: Tensor, gain_index: Tensor) -> Latents:
        return {LATENTS: self.analysis.scale(analysed, gain_index).float()}

    def code(self, latents: Latents, gain_index: Tensor, step: float, relaxation: Relaxation) -> Coded:
        """As the interface says; indices are chosen anew where the latents come without any."""
        residual, gains = latents[LATENTS] / step, table_gains(gain_index, step)
        symbols = relaxation.quantise(residual)
        if INDEX_GRID in latents:
            index = latents[INDEX_GRID].long()
        else:
            index = self.prior.cheapest(torch.round(symbols.detach()), gains)
        if self.training:
            self.prior.used[index.flatten()] = 1
        side_bits = information(self.prior.index.likelihood(index, gains)).flatten(1).sum(1)
        decoded = {INDEX_GRID: index.float(), LATENTS: symbols * step}
        return Coded(decoded, residual, symbols, BankLikelihood(self.prior, index), side_bits)

    @torch.no_grad()
    def renew(self, pictures: Tensor, gain_index: Tensor, generator: torch.Generator) -> None:
        latents = self.latents(self.analyse(pictures), gain_index)
        self.prior.seed_idle(round_straight_through(latents[LATENTS]), gain_index, generator)


@dataclass(frozen=True)
class BankLikelihood(SymbolLikelihood):
    """Symbols under the prior of their position.

    Attributes:
      bank: of all priors.
      index: [B, 1, h, w] int64.
    """

    bank: FloatPriorBank
    index: Tensor

    @property
    def skipped(self) -> Tensor:
        return torch.zeros((), dtype=torch.bool, device=self.index.device)

    def bits(self, symbols: Tensor) -> Tensor:
        return information(self.bank.likelihood(symbols, self.index))

    def detach(self) -> BankLikelihood:
        return self

    def noisy_bits(self, values: Tensor) -> Tensor:
        return self.bits(values)
