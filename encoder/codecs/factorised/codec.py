"""The factorised prior in float: the mirror of `decoder_pkg.codecs.factorised`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from decoder_pkg.codecs import LATENTS
from decoder_pkg.codecs.factorised import PRIOR, FactorisedArchitecture

from ..interface import Coded
from ..latents import Latents
from ..likelihoods import StaticLikelihood
from ..relaxation import Relaxation
from ..static_priors import FactorisedPrior, StaticPrior, table_gains
from ..transforms import TransformFloatCodec


class FactorisedFloatCodec(TransformFloatCodec[FactorisedArchitecture]):
    """A density for each channel of the latents."""

    architecture = FactorisedArchitecture

    def __init__(self, arch: FactorisedArchitecture) -> None:
        super().__init__(arch)
        self.prior: StaticPrior = FactorisedPrior(arch.latent_channels)

    @property
    def static_priors(self) -> Mapping[str, StaticPrior]:
        return {PRIOR: self.prior}

    def latents(self, analysed: Tensor, gain_index: Tensor) -> Latents:
        return {LATENTS: self.analysis.scale(analysed, gain_index).float()}

    def code(self, latents: Latents, gain_index: Tensor, step: float, relaxation: Relaxation) -> Coded:
        residual = latents[LATENTS] / step
        symbols = relaxation.quantise(residual)
        nothing = residual.new_zeros(len(residual))
        likelihood = StaticLikelihood(self.prior, table_gains(gain_index, step))
        return Coded({LATENTS: symbols * step}, residual, symbols, likelihood, nothing)
