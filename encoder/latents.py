"""Float latents as named grids, and the setting under which they are coded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from decoder_pkg.codecs import LATENTS, CodingSetting
from decoder_pkg.gains import GainField, gain_lambda
from decoder_pkg.grids import HYPER_STRIDE
from eval.metrics import SQUARED_ERROR, Distortion

Latents = Mapping[str, Tensor]
"""Float grids by name, [1, C, h, w] each, in units of the quantisation step at q = 1; see `IntegerCodec.grids`."""


def stride_of(latents: Latents, name: str) -> int:
    """How many latents across a cell of a grid covers: 1, or HYPER_STRIDE."""
    return 1 if latents[name].shape[2:] == latents[LATENTS].shape[2:] else HYPER_STRIDE


def each(latents: Latents, change: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """The same grids, each changed."""
    return {name: change(grid) for name, grid in latents.items()}


@dataclass(frozen=True)
class Setting:
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


def coding_setting(gain: int, q: int) -> CodingSetting:
    """A setting with one gain for all positions."""
    return CodingSetting(GainField(gain), q)


def trained_multiplier(gain: int) -> float:
    """Squared error per byte at which this gain was trained, which minimised bits + lambda / 3 * squared error."""
    return 24 / gain_lambda(float(gain))
