"""Float latents, and the setting under which they are coded."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from decoder_pkg.gains import GAIN_LAMBDAS, GAIN_STEPS
from eval.metrics import SQUARED_ERROR, Distortion

Latents = tuple[Tensor, Tensor]
"""Float latents [1, M, h, w], in units of the quantisation step at q = 1, and hyper-latents [1, Z, hz, wz]."""


@dataclass(frozen=True)
class Setting:
    """What stays fixed while latents are refined.

    Attributes:
      gain: gain index.
      q: quantisation step in 1/128.
      slope: distortion that one byte is worth, > 0.
      distortion: what it is measured in.
    """

    gain: int
    q: int
    slope: float
    distortion: Distortion = SQUARED_ERROR


def trained_slope(gain: int) -> float:
    """Squared error that one byte is worth where this gain was trained: bits + lambda / 3 * squared error."""
    return 24 / (GAIN_LAMBDAS[0] * 2 ** (gain / GAIN_STEPS))
