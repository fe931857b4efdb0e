"""The factorised prior of CompressAI in float: the mirror of `decoder_pkg.codecs.deep_factorised`."""

from __future__ import annotations

from decoder_pkg.codecs.deep_factorised import DeepFactorisedArchitecture

from ..deep_density import DeepDensity
from ..factorised import FactorisedFloatCodec


class DeepFactorisedFloatCodec(FactorisedFloatCodec):
    """A monotone network for each channel of the latents."""

    architecture = DeepFactorisedArchitecture

    def __init__(self, arch: DeepFactorisedArchitecture) -> None:
        super().__init__(arch)
        self.prior = DeepDensity(arch.latent_channels)
