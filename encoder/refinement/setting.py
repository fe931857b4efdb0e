"""What refinement takes as given."""

from __future__ import annotations

from dataclasses import dataclass

from decoder_pkg.codecs import CodingSetting
from eval.metrics import SQUARED_ERROR, Distortion

from ..codecs import coding_setting


@dataclass(frozen=True)
class RefinementSetting:
    """What stays fixed while latents are refined.

    Attributes:
      gain: gain index.
      q: quantisation step in 1/128.
      multiplier: Lagrange multiplier, distortion per byte, > 0.
      distortion: what it is measured in.
    """

    gain: int
    q: int
    multiplier: float
    distortion: Distortion = SQUARED_ERROR

    @property
    def coding(self) -> CodingSetting:
        """The part of it that a stream tells."""
        return coding_setting(self.gain, self.q)
