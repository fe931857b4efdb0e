"""One picture at one slope: model, gain, q and latents that cost least together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from decoder_pkg.grids import HYPER_STRIDE, LATENT_STRIDE
from decoder_pkg.pixels import Span, spans

from ..coding import AnalysedPicture
from ..latents import Latents, Setting
from ..weights import float_model
from .methods import Method, Stage, method
from .objective import Objective

TILE, REACH = 96, 12
"""Side of a tile that is refined at once, and how much around it is refined with it, in latents."""

SEED = 1


REFITS = (0.2, 0.6)
"""Shares of a schedule that lie behind when the filter is fitted again."""

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

    setting: Setting
    latents: Latents
    floats: Latents
    cost: float


def refine_latents(
    picture: AnalysedPicture, setting: Setting, name: str, iterations: int, start: Latents | None = None
) -> Refined:
    """Refines latents at a setting, tile by tile where the picture is large.

    Args:
      picture: the picture under one model.
      setting: gain, q and slope.
      name: of the method.
      iterations: for each tile; the filter is fitted before them, and twice more on the way of many from the start.
      start: latents refined at a neighbouring q, of the same gain; without them, the analysis's.

    Raises:
      KeyError: there is no such method.
    """
    floats = _copy(start or picture.latents(setting.gain))
    latents, cost = start, math.inf
    for stage in _stages(iterations, FURTHER if start else 0.0):
        kernel = picture.kernel(setting.gain, setting.q, latents)
        latents, cost = _refine_tiles(picture, setting, kernel, method(name), stage, floats)
    assert latents
    return Refined(setting, latents, floats, cost)


def _stages(iterations: int, begin: float) -> Iterator[Stage]:
    """Parts of the rest of a schedule, with a filter of its own each."""
    ends = [share for share in REFITS if share > begin and iterations >= LEAST_REFITTED] + [1.0]
    done, start = 0, begin
    for number, end in enumerate(ends):
        until = round(iterations * (end - begin) / (1 - begin))
        yield Stage(until - done, start, end, SEED + number)
        done, start = until, end


def _refine_tiles(
    picture: AnalysedPicture,
    setting: Setting,
    kernel: NDArray[np.float32] | None,
    chosen: Method,
    stage: Stage,
    floats: Latents,
) -> tuple[Latents, float]:
    """Refines float latents in place; returns them as they will be reconstructed, and their cost."""
    model, latents, cost = float_model(picture.model), _copy(floats), 0.0
    height, width = floats[0].shape[2:]
    for down in spans(height, TILE, REACH):
        for across in spans(width, TILE, REACH):
            seen = _outer(down, LATENT_STRIDE), _outer(across, LATENT_STRIDE)
            objective = Objective(model, picture.pixels[seen], setting, kernel)
            hyper = _outer_hyper(down), _outer_hyper(across)
            part = floats[0][:, :, down.outer, across.outer], floats[1][:, :, hyper[0], hyper[1]]
            part = part[0].to(objective.device), part[1].to(objective.device)
            refined = chosen.refine(objective, part, stage)
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


def _copy(latents: Latents) -> Latents:
    return latents[0].clone(), latents[1].clone()


def _paste(tile: Latents, whole: Latents, down: Span, across: Span) -> None:
    """Puts a tile's own latents, without those it only sees, where they belong."""
    height, width = whole[0].shape[2:]
    rows, columns = down.source(1, height), across.source(1, width)
    whole[0][:, :, down.start : down.stop, across.start : across.stop] = tile[0][:, :, rows, columns]
    (rows, below), (columns, right) = _inner_hyper(down), _inner_hyper(across)
    whole[1][:, :, below, right] = tile[1][:, :, rows, columns]


def _outer(span: Span, stride: int) -> slice:
    return slice(span.outer_start * stride, span.outer_stop * stride)


def _outer_hyper(span: Span) -> slice:
    return slice(span.outer_start // HYPER_STRIDE, -(-span.outer_stop // HYPER_STRIDE))


def _inner_hyper(span: Span) -> tuple[slice, slice]:
    """Where a tile's own hyper-latents lie among those it sees, and in the whole grid."""
    start, stop, outer = span.start // HYPER_STRIDE, -(-span.stop // HYPER_STRIDE), span.outer_start // HYPER_STRIDE
    return slice(start - outer, stop - outer), slice(start, stop)
