"""The whole codec in float: what training optimises and what the encoder evaluates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from decoder_pkg.codecs.hyperprior import Architecture
from decoder_pkg.codecs.hyperprior.synthesis import Synthesis
from decoder_pkg.gains import GAIN_LAMBDAS

from .analysis import Analysis, HyperAnalysis
from .context import CONTEXTS, Coded, Quantiser
from .entropy import FactorisedPrior, HyperSynthesis, bits, coded_information, latent_likelihood

INITIAL_LOG_GAIN = 1.5
"""Natural logarithm of the initial gain in the middle of the lambda range."""


@dataclass(frozen=True)
class Estimate:
    """What one forward pass yields.

    Attributes:
      picture: [B, 3, H, W] float reconstruction, not clamped.
      estimated_bits: [B] float32, latents and hyper-latents together.
      estimated_hyper_bits: [B] float32, the hyper-latents' share of it.
    """

    picture: Tensor
    estimated_bits: Tensor
    estimated_hyper_bits: Tensor


def round_straight_through(x: Tensor) -> Tensor:
    """Rounds forward; the gradient passes as if by the identity."""
    return x + (torch.round(x) - x).detach()


def uniform_noise(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Adds noise uniform in [-1/2, 1/2)."""
    return x + torch.rand(x.shape, generator=generator, device=x.device) - 0.5


class CodecModel(nn.Module):
    """Analysis, synthesis and entropy model of one architecture."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        octaves = len(GAIN_LAMBDAS)
        self.arch = arch
        self.analysis = Analysis(arch, octaves)
        self.synthesis = Synthesis(arch, octaves)
        self.hyper_analysis = HyperAnalysis(arch)
        self.hyper_synthesis = HyperSynthesis(arch)
        self.context = CONTEXTS[arch.context](arch)
        self.prior = FactorisedPrior(arch.hyper_channels, octaves)
        octave = torch.arange(octaves) - octaves // 2
        log_gain = (INITIAL_LOG_GAIN + 0.5 * math.log(2.0) * octave)[:, None].expand(-1, arch.latent_channels)
        with torch.no_grad():
            self.analysis.log_gain.copy_(log_gain)
            self.synthesis.log_inverse_gain.copy_(-log_gain)

    def code(self, y: Tensor, z_hat: Tensor, step: float, quantise: Quantiser) -> Coded:
        """Parameters and quantised values of latents [B, M, h, w] given hyper-latents, at quantisation step q."""
        height, width = y.shape[2:]
        mean, features = (part[:, :, :height, :width] for part in self.hyper_synthesis(z_hat))
        coded: Coded = self.context(y, mean.float(), features, step, quantise)
        return coded

    def forward(
        self,
        picture: Tensor,
        gain_index: Tensor,
        noisy_synthesis: bool = False,
        generator: torch.Generator | None = None,
    ) -> Estimate:
        """Training pass: noise for the rate, straight-through rounding for the synthesis.

        Args:
          picture: [B, 3, H, W] float in [0, 1]; H and W multiples of 16.
          gain_index: [B] int64 in [0, GAIN_COUNT).
          noisy_synthesis: noise for the synthesis too, as at the start of training. In evaluation mode
            (`model.eval()`) everything is rounded and this has no effect.
          generator: source of the noise.
        """
        noise = partial(uniform_noise, generator=generator)
        y = self.analysis(picture, gain_index).float()
        z = self.hyper_analysis(y).float()
        z_hat = round_straight_through(z)
        noisy_synthesis = noisy_synthesis and self.training
        coded = self.code(y, z_hat, 1.0, noise if noisy_synthesis else round_straight_through)
        # Fresh noise for the rate, whatever the context and the synthesis saw.
        noisy = noise(coded.residual) if self.training else coded.quantised
        hyper_bits = bits(self.prior.likelihood(noise(z) if self.training else z_hat, gain_index))
        if self.training:
            latent_bits = bits(latent_likelihood(noisy, coded.log2_sigma, 0.0))
        else:
            latent_bits = coded_information(noisy, coded.log2_sigma).flatten(1).sum(1)
        return Estimate(self.synthesis(coded.y_hat, gain_index).float(), latent_bits + hyper_bits, hyper_bits)
