"""The best latents of every region: what one region gains under a change, another may lose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decoder_pkg.grids import HYPER_STRIDE

from ..codecs import Latents, stride_of

REGION = 3
"""Side of a region, in latents and in hyper-latents."""


@dataclass(frozen=True)
class Seen:
    """Latents, and the bits that each position of them cost: [1, 1, h, w] float32."""

    latents: Latents
    cells: Tensor


class BestRegions:
    """For every region the latents under which it cost least."""

    def __init__(self) -> None:
        self._best: dict[str, tuple[Tensor, Tensor]] = {}

    def see(self, seen: Seen) -> None:
        """Compares latents with the best so far."""
        for name, grid in seen.latents.items():
            cells = seen.cells if stride_of(seen.latents, name) == 1 else _by_hyper_cell(seen.cells)
            new = _regional(cells), grid
            self._best[name] = _cheaper(self._best[name], new) if name in self._best else new

    def gather(self) -> Latents:
        """The best of all regions side by side; together they cost something else, so all is forgotten."""
        best, self._best = self._best, {}
        return {name: grid for name, (_, grid) in best.items()}


def _cheaper(old: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Costs and latents, at each position those of the pair that costs less there."""
    worse = new[0] >= old[0]
    return torch.where(worse, old[0], new[0]), torch.where(worse, old[1], new[1])


def _regional(cells: Tensor) -> Tensor:
    """Mean over the region around each position, [1, 1, h, w]."""
    return F.avg_pool2d(F.pad(cells, [REGION // 2] * 4, mode="replicate"), REGION, 1)


def _by_hyper_cell(cells: Tensor) -> Tensor:
    """From a cost of each latent's position to that of each hyper-latent's."""
    height, width = cells.shape[2:]
    return F.avg_pool2d(F.pad(cells, (0, -width % HYPER_STRIDE, 0, -height % HYPER_STRIDE)), HYPER_STRIDE)
