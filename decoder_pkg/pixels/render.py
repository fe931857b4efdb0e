"""Latents to pixels: the float half of the decoder. No decision depends on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..entropy import MEAN_STEPS, Grid
from ..gains import GainField
from ..grids import LATENT_STRIDE, latent_size
from .filters import FilterChain
from .tiles import Span, tiles

TILE = 128
"""Side of a synthesis tile in latents: larger pictures are rendered tile by tile to bound the memory."""


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
def render_tiles(network: nn.Module, reach: float, latents: Grid, gain: GainField, margin: int) -> Iterator[Tile]:
    """Runs a synthesis transform.

    Args:
      network: latents [1, M, h, w] float and gain indices [1] or [1, h, w] int64 to a picture [1, 3, 16h, 16w] float.
      reach: how many latents away a latent can still change a pixel.
      latents: [h, w, M] int32 in 1/MEAN_STEPS.
      gain: of every position.
      margin: pixels around each tile that are right, too.
    """
    narrow = -(-margin // LATENT_STRIDE)
    wide = math.ceil(reach + margin / LATENT_STRIDE)
    for down, across in tiles((latents.shape[0], latents.shape[1]), TILE, wide):
        seen = down.outer, across.outer
        picture = _render_tile(network, latents[seen], torch.from_numpy(gain.at(*seen)))
        yield _without_margin(Tile(picture, down, across), narrow)


def picture_tiles(pixels: NDArray[np.uint8], margin: int) -> Iterator[Tile]:
    """Cuts a picture that no network renders: the tiles at its edges end with it.

    Args:
      pixels: [H, W, 3] uint8.
      margin: pixels around each tile that are seen, too.
    """
    for down, across in tiles(latent_size(*pixels.shape[:2]), TILE, -(-margin // LATENT_STRIDE)):
        rows, columns = (slice(LATENT_STRIDE * s.outer_start, LATENT_STRIDE * s.outer_stop) for s in (down, across))
        part = torch.from_numpy(pixels[rows, columns].transpose(2, 0, 1).copy())
        yield Tile(part.float().div_(255), down, across)


@torch.inference_mode()
def assemble(rendered: Iterable[Tile], height: int, width: int, filters: FilterChain) -> NDArray[np.uint8]:
    """Puts a picture together.

    Args:
      rendered: tiles of the whole picture.
      height: of the picture.
      width: of the picture.
      filters: that are on.

    Returns:
      [height, width, 3] uint8.
    """
    out = np.empty((height, width, 3), dtype=np.uint8)
    for tile in rendered:
        out[tile.target(height, width)] = to_bytes(filters.apply(tile.picture))[tile.inner(height, width)]
    return out


def _without_margin(tile: Tile, latents: int) -> Tile:
    """The tile with no more around it than this many latents."""
    narrow = tile.down.narrowed(latents), tile.across.narrowed(latents)
    rows, columns = (
        slice(
            LATENT_STRIDE * (inner.outer_start - outer.outer_start),
            LATENT_STRIDE * (inner.outer_stop - outer.outer_start),
        )
        for inner, outer in zip(narrow, (tile.down, tile.across), strict=True)
    )
    return Tile(tile.picture[:, rows, columns].clone(), *narrow)


def _render_tile(network: nn.Module, latents: Grid, gain: Tensor) -> Tensor:
    device = next(network.parameters()).device
    y_hat = torch.from_numpy(np.ascontiguousarray(latents)).to(device).float().div_(MEAN_STEPS)
    picture: Tensor = network(y_hat.permute(2, 0, 1)[None], gain[None].to(device))
    return picture[0]


def to_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """[3, H, W] float, nominally in [0, 1], to [H, W, 3] uint8, rounded."""
    levels = picture.clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: NDArray[np.uint8] = levels.permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
