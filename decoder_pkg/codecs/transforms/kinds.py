"""The kinds of transforms and their widths, without their networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .interface import Transforms

if TYPE_CHECKING:
    from .synthesis import Synthesis


@dataclass(frozen=True)
class ResidualTransforms(Transforms):
    """Residual blocks at 1/8 and 1/16 between linear shortcuts.

    Attributes:
      width4, width8, width16: channels at 1/4, 1/8 and 1/16 resolution.
      analysis_blocks8, analysis_blocks16: residual blocks of the analysis.
      synthesis_blocks8, synthesis_blocks16: residual blocks of the synthesis.
    """

    width4: int
    width8: int
    width16: int
    analysis_blocks8: int
    analysis_blocks16: int
    synthesis_blocks8: int
    synthesis_blocks16: int

    @property
    def synthesis_reach(self) -> float:
        at_quarter, at_eighth, at_sixteenth = 1 / 4, self.synthesis_blocks8, 1 + 2 * self.synthesis_blocks16
        return at_quarter + at_eighth + at_sixteenth

    @property
    def analysis_reach(self) -> float:
        at_quarter, at_eighth = 1 / 4, (1 + 2 * self.analysis_blocks8) / 2
        return at_quarter + at_eighth + 2 + 2 * self.analysis_blocks16

    def build_synthesis(self) -> Synthesis:
        from .residual import ResidualSynthesis

        return ResidualSynthesis(self)


@dataclass(frozen=True)
class GdnTransforms(Transforms):
    """Four 5x5 convolutions of stride 2 with generalised divisive normalisation between them (Ballé et al. 2017).

    Attributes:
      width: channels between the layers.
      rectified: with rectifiers in place of the normalisation.
    """

    width: int
    rectified: bool = False

    @property
    def synthesis_reach(self) -> float:
        return 1 + 1 / 2 + 1 / 4 + 1 / 8

    @property
    def analysis_reach(self) -> float:
        return 2 * (1 / 2 + 1 / 4 + 1 / 8 + 1 / 16)

    def build_synthesis(self) -> Synthesis:
        from .gdn import GdnSynthesis

        return GdnSynthesis(self)


@dataclass(frozen=True)
class AttentionTransforms(Transforms):
    """Residual blocks with attention, as wide as the latents (Cheng et al. 2020).

    Attributes:
      more_attention: two further attentions in the analysis (Guo et al. 2020, section 2).
      attends: whether there are attentions at all.
    """

    more_attention: bool = False
    attends: bool = True

    @property
    def synthesis_reach(self) -> float:
        attention = 3 if self.attends else 0
        at_sixteenth, at_eighth, at_quarter, at_half = attention + 2 + 1, 1 + 2 + 1, 1 + attention + 2 + 1, 1 + 2 + 1
        return at_sixteenth + at_eighth / 2 + at_quarter / 4 + at_half / 8

    @property
    def analysis_reach(self) -> float:
        attention, more = 3 if self.attends else 0, 3 if self.more_attention else 0
        at_half, at_quarter, at_eighth = 1 + more + 2 + 1, 1 + attention + 2 + 1, 1 + more + 2 + 1
        return 1 / 16 + at_half / 8 + at_quarter / 4 + at_eighth / 2 + attention

    def build_synthesis(self) -> Synthesis:
        from .attention import AttentionSynthesis

        return AttentionSynthesis(self)


def full(latent_channels: int) -> ResidualTransforms:
    """Transforms of the models that ship."""
    return ResidualTransforms(latent_channels, True, 64, 128, 192, 3, 2, 4, 3)


GDN = GdnTransforms(128, True, 96)
"""Four layers as in the papers, half as wide: they are trained in hours of two cores."""

SMOKE = ResidualTransforms(16, True, 16, 16, 16, 1, 1, 1, 1)
"""Those of models that tests and smoke runs train in seconds."""
