"""The float half of a codec: what training optimises and what the encoder evaluates; it mirrors the decoder's half."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from decoder_pkg.codecs import LATENTS, Architecture

from .latents import Latents
from .likelihoods import SymbolLikelihood
from .relaxation import ROUNDED, Relaxation, round_straight_through, uniform_noise
from .static_priors import StaticPrior

Arch = TypeVar("Arch", bound=Architecture)


@dataclass(frozen=True)
class Coded:
    """A picture's latents as the entropy model sees them.

    Attributes:
      decoded: what the decoder will have of each grid, [B, C, h, w] float.
      residual: [B, M, h, w] float, latents less their means, in units of the quantisation step, not rounded.
      symbols: the same as relaxed.
      likelihood: of the latents' symbols.
      side_bits: [B] float, bits of all other grids together.
    """

    decoded: Latents
    residual: Tensor
    symbols: Tensor
    likelihood: SymbolLikelihood
    side_bits: Tensor

    @property
    def y_hat(self) -> Tensor:
        """The reconstructed latents."""
        return self.decoded[LATENTS]

    def position_bits(self) -> Tensor:
        """Bits of the latents at each position as they are coded: [B, 1, h, w] float32."""
        return self.likelihood.bits(self.symbols).sum(1, keepdim=True)


@dataclass(frozen=True)
class ForwardPass:
    """What one forward pass yields.

    Attributes:
      picture: [B, 3, H, W] float reconstruction, not clamped.
      estimated_bits: [B] float32, all grids together.
      estimated_side_bits: [B] float32, the share of all grids but the latents.
    """

    picture: Tensor
    estimated_bits: Tensor
    estimated_side_bits: Tensor


class FloatCodec(nn.Module, ABC, Generic[Arch]):
    """Analysis, synthesis and entropy model of one architecture.

    Attributes:
      architecture: type of the architectures that it serves.
      arch: one of them.
      choices: grids that are no latents: `code` chooses their integers where they are not given.
      synthesis: latents [B, M, h, w] and gain index [B] to pictures [B, 3, 16h, 16w] float, nominally in [0, 1].
    """

    architecture: ClassVar[type[Architecture]]
    choices: ClassVar[frozenset[str]] = frozenset()
    arch: Arch
    synthesis: nn.Module

    @abstractmethod
    def analyse(self, picture: Tensor) -> Tensor:
        """Latents [B, M, h, w] of pictures [B, 3, 16h, 16w] float in [0, 1], before the gain: they serve every rate."""

    @property
    @abstractmethod
    def analysis_reach(self) -> int:
        """How many latents away a pixel can still change a latent."""

    @property
    @abstractmethod
    def static_priors(self) -> Mapping[str, StaticPrior]:
        """Densities that are exported as static tables, by their prefix in the decoder's weight file."""

    @property
    def integer_tensors(self) -> Mapping[str, Tensor]:
        """Further tensors of the decoder's weight file, int32, that stand for floats here; none by default."""
        return {}

    @abstractmethod
    def latents(self, analysed: Tensor, gain_index: Tensor) -> Latents:
        """All latents of analysed pictures at a gain, not rounded; gain_index is [B] int64."""

    @abstractmethod
    def code(self, latents: Latents, gain_index: Tensor, step: float, relaxation: Relaxation) -> Coded:
        """Parameters, symbols and rates of latents at quantisation step q."""

    def converge(self) -> None:
        """From now on, evaluates contexts until they are nearly those of latents that are known one by one.

        By default there are none. It takes longer, and is for what shall be exact.
        """

    def renew(self, pictures: Tensor, gain_index: Tensor, generator: torch.Generator) -> None:
        """Called now and then in training: gives what has gone idle a new start; by default nothing has.

        Args:
          pictures: [B, 3, H, W] float in [0, 1], of the training data.
          gain_index: [B] int64.
          generator: source of what is drawn, on the CPU.
        """

    def forward(
        self,
        picture: Tensor,
        gain_index: Tensor,
        noisy_synthesis: bool = False,
        generator: torch.Generator | None = None,
    ) -> ForwardPass:
        """Training pass: noise for the rate, straight-through rounding for the synthesis.

        Args:
          picture: [B, 3, H, W] float in [0, 1]; H and W multiples of 16.
          gain_index: [B] int64 in [0, GAIN_COUNT).
          noisy_synthesis: noise for the synthesis too, as at the start of training. In evaluation mode
            (`model.eval()`) everything is rounded and this has no effect.
          generator: source of the noise.
        """
        latents = self.latents(self.analyse(picture), gain_index)
        coded, bits = self.relax(latents, gain_index, noisy_synthesis, generator)
        picture = self.synthesis(coded.y_hat, gain_index).float()
        return ForwardPass(picture, bits, coded.side_bits)

    def relax(
        self, latents: Latents, gain_index: Tensor, noisy_synthesis: bool, generator: torch.Generator | None
    ) -> tuple[Coded, Tensor]:
        """Latents as `forward` codes them, and bits [B] float32 of all grids together; arguments are those there."""
        noise = partial(uniform_noise, generator=generator)
        if not self.training:
            coded = self.code(latents, gain_index, 1.0, ROUNDED)
            return coded, coded.position_bits().flatten(1).sum(1) + coded.side_bits
        relaxation = Relaxation(noise if noisy_synthesis else round_straight_through, noise)
        coded = self.code(latents, gain_index, 1.0, relaxation)
        return coded, coded.likelihood.noisy_bits(noise(coded.residual)).flatten(1).sum(1) + coded.side_bits
