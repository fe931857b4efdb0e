"""Refinement of a whole picture, tile by tile where it is large."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from decoder_pkg.codecs import LATENTS
from decoder_pkg.grids import LATENT_STRIDE
from decoder_pkg.pixels import Span, tiles
from decoder_pkg.pixels.filters import FilterChain

from ..codecs import Latents, each, stride_of
from ..coding import AnalysedPicture
from ..models import float_model
from .methods import Method, Stage, method
from .objective import Objective
from .setting import RefinementSetting

TILE, REACH = 96, 12
"""Side of a tile that is refined at once, and how much around it is refined with it, in latents."""

SEED = 1


REFITS = (0.2, 0.6)
"""Shares of a schedule that lie behind when the post-filter is fitted again."""

LEAST_REFITTED = 50
"""Iterations from which on it is."""

FURTHER = 0.6
"""Share of a method's schedule that latents refined under a neighbouring setting have behind them."""


@dataclass(frozen=True)
class Refined:
    """Refined latents of a picture.

    Attributes:
      setting: under which they were refined.
      latents: as they will be reconstructed.
      floats: the same before rounding, from which refinement goes on under a neighbouring setting.
      cost: their Lagrangian in bits, estimated; of a tiled picture, the sum over tiles of what belongs to each.
    """

    setting: RefinementSetting
    latents: Latents
    floats: Latents
    cost: float


def refine_latents(
    picture: AnalysedPicture, setting: RefinementSetting, name: str, iterations: int, start: Latents | None = None
) -> Refined:
    """Refines latents at a setting, tile by tile where the picture is large.

    Args:
      picture: the picture under one model.
      setting: gain, q and multiplier.
      name: of the method.
      iterations: for each tile; the post-filter is fitted before them, and twice more on the way of many.
      start: latents refined at a neighbouring q, of the same gain; without them, the analysis's.

    Raises:
      KeyError: there is no such method.
    """
    floats = each(start or picture.latents(setting.coding.gain), Tensor.clone)
    latents, cost = start, math.inf
    for stage in _stages(iterations, FURTHER if start else 0.0):
        chain = picture.fitted_chain(setting.coding, latents)
        latents, cost = _refine_tiles(picture, setting, chain, method(name), stage, floats)
    assert latents
    return Refined(setting, latents, floats, cost)


def _stages(iterations: int, begin: float) -> Iterator[Stage]:
    """Parts of the rest of a schedule, with a post-filter of its own each."""
    ends = [share for share in REFITS if share > begin and iterations >= LEAST_REFITTED] + [1.0]
    done, start = 0, begin
    for number, end in enumerate(ends):
        until = round(iterations * (end - begin) / (1 - begin))
        yield Stage(until - done, start, end, SEED + number)
        done, start = until, end


def _refine_tiles(
    picture: AnalysedPicture,
    setting: RefinementSetting,
    chain: FilterChain,
    chosen: Method,
    stage: Stage,
    floats: Latents,
) -> tuple[Latents, float]:
    """Refines float latents in place; returns them as they will be reconstructed, and their cost."""
    model, latents, cost = float_model(picture.model), each(floats, Tensor.clone), 0.0
    height, width = floats[LATENTS].shape[2:]
    for down, across in tiles((height, width), TILE, REACH):
        seen = _outer(down, LATENT_STRIDE), _outer(across, LATENT_STRIDE)
        objective = Objective(model, picture.pixels[seen], setting, chain)
        part = {
            name: grid[:, :, _outer_cells(down, floats, name), _outer_cells(across, floats, name)]
            for name, grid in floats.items()
        }
        refined = chosen.refine(objective, each(part, objective.place), stage)
        cost += _own_cost(objective, refined, down.source(1, height), across.source(1, width))
        _paste(refined, floats, down, across)
        _paste(objective.snapped(refined), latents, down, across)
    return latents, cost


@torch.no_grad()
def _own_cost(objective: Objective, refined: Latents, rows: slice, columns: slice) -> float:
    """The Lagrangian of a tile's own positions, without those it only sees; what has no place is shared by area."""
    rounded = objective.rounded(refined)
    own = rounded.cells[:, :, rows, columns]
    rest = rounded.total - rounded.cells.sum()
    return float(own.sum() + rest * (own.numel() / rounded.cells.numel()))


def _paste(tile: Latents, whole: Latents, down: Span, across: Span) -> None:
    """Puts a tile's own latents, without those it only sees, where they belong."""
    for name, grid in whole.items():
        stride = stride_of(whole, name)
        (rows, below), (columns, right) = _inner(down, stride), _inner(across, stride)
        grid[:, :, below, right] = tile[name][:, :, rows, columns]


def _outer(span: Span, samples: int) -> slice:
    """The samples that a tile sees, of which each latent has some."""
    return slice(span.outer_start * samples, span.outer_stop * samples)


def _outer_cells(span: Span, latents: Latents, name: str) -> slice:
    """The cells of a grid that a tile sees."""
    stride = stride_of(latents, name)
    return slice(span.outer_start // stride, -(-span.outer_stop // stride))


def _inner(span: Span, stride: int) -> tuple[slice, slice]:
    """Where a tile's own cells of a grid lie among those it sees, and in the whole grid."""
    start, stop, outer = span.start // stride, -(-span.stop // stride), span.outer_start // stride
    return slice(start - outer, stop - outer), slice(start, stop)
