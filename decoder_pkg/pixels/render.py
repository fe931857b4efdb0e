"""Latents to pixels: the float half of the decoder. No decision depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codecs.hyperprior import Architecture
from ..codecs.hyperprior.synthesis import Synthesis
from ..entropy import MEAN_STEPS, Grid
from ..grids import LATENT_STRIDE
from .filters.correction import REACH, correct
from .tiles import Span, spans

TILE = 128
"""Side of a synthesis tile in latents: larger pictures are rendered tile by tile to bound the memory."""

FILTER_REACH = -(-REACH // LATENT_STRIDE)
"""How many latents away the post-filter looks."""


def receptive_reach(arch: Architecture) -> int:
    """How many latents away a latent can still change a pixel, with the post-filter."""
    around, at_quarter = REACH / LATENT_STRIDE, 1 / 4
    at_eighth = 2 * arch.synthesis_blocks8 / 2
    at_sixteenth = 1 + 2 * arch.synthesis_blocks16
    return int(-(-(around + at_quarter + at_eighth + at_sixteenth) // 1))


@dataclass(frozen=True)
class Tile:
    """A part of a rendered picture.

    Attributes:
      picture: [3, H, W] float, nominally in [0, 1], with what lies around the part.
      down, across: the latents that the part belongs to.
    """

    picture: Tensor
    down: Span
    across: Span

    def inner(self, height: int, width: int) -> tuple[slice, slice]:
        """Where the part lies in `picture`, without what is beyond a picture of this size."""
        return self.down.source(LATENT_STRIDE, height), self.across.source(LATENT_STRIDE, width)

    def target(self, height: int, width: int) -> tuple[slice, slice]:
        """Where the part lies in a picture of this size."""
        return self.down.target(LATENT_STRIDE, height), self.across.target(LATENT_STRIDE, width)


@torch.inference_mode()
def render_tiles(
    network: Synthesis, arch: Architecture, latents: Grid, gain: int, bf16: bool = False
) -> Iterator[Tile]:
    """Runs the synthesis transform.

    Args:
      network: the model's synthesis.
      arch: its architecture.
      latents: [h, w, M] int32 in 1/4096.
      gain: gain index.
      bf16: compute in bf16 where float32 is not needed to the last level.
    """
    reach = receptive_reach(arch)
    for down in spans(latents.shape[0], TILE, reach):
        for across in spans(latents.shape[1], TILE, reach):
            picture = _render_tile(network, latents[down.outer, across.outer], gain, bf16)
            yield _without_margin(Tile(picture, down, across))


@torch.inference_mode()
def assemble(
    tiles: Iterable[Tile], height: int, width: int, kernel: NDArray[np.float32] | None = None
) -> NDArray[np.uint8]:
    """Puts a picture together.

    Args:
      tiles: of the whole picture.
      height: of the picture.
      width: of the picture.
      kernel: [FEATURES, 3], the post-filter; None for none.

    Returns:
      [height, width, 3] uint8.
    """
    out = np.empty((height, width, 3), dtype=np.uint8)
    for tile in tiles:
        picture = tile.picture if kernel is None else correct(tile.picture, kernel)
        out[tile.target(height, width)] = to_bytes(picture)[tile.inner(height, width)]
    return out


def _without_margin(tile: Tile) -> Tile:
    """The tile with no more around it than the post-filter sees."""
    narrow = tile.down.narrowed(FILTER_REACH), tile.across.narrowed(FILTER_REACH)
    rows, columns = (
        slice(
            LATENT_STRIDE * (inner.outer_start - outer.outer_start),
            LATENT_STRIDE * (inner.outer_stop - outer.outer_start),
        )
        for inner, outer in zip(narrow, (tile.down, tile.across), strict=True)
    )
    return Tile(tile.picture[:, rows, columns].clone(), *narrow)


def _render_tile(network: Synthesis, latents: Grid, gain: int, bf16: bool) -> Tensor:
    device = next(network.parameters()).device
    y_hat = torch.from_numpy(np.ascontiguousarray(latents)).to(device).float().div_(MEAN_STEPS)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        picture: Tensor = network(y_hat.permute(2, 0, 1)[None], torch.tensor([gain], device=device))
    return picture[0].float()


def to_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """[3, H, W] float, nominally in [0, 1], to [H, W, 3] uint8, rounded."""
    levels = picture.clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: NDArray[np.uint8] = levels.permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
