"""Float latents as named grids."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from decoder_pkg.codecs import LATENTS
from decoder_pkg.grids import HYPER_STRIDE

Latents = Mapping[str, Tensor]
"""Float grids by name, [1, C, h, w] each, in units of the quantisation step at q = 1; see `IntegerCodec.grids`."""


def stride_of(latents: Latents, name: str) -> int:
    """How many latents across a cell of a grid covers: 1, or HYPER_STRIDE."""
    return 1 if latents[name].shape[2:] == latents[LATENTS].shape[2:] else HYPER_STRIDE


def each(latents: Latents, change: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """The same grids, each changed."""
    return {name: change(grid) for name, grid in latents.items()}
