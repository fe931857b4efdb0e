"""One picture at one slope: model, gain, q and latents that cost least together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from decoder_pkg.grids import HYPER_STRIDE, LATENT_STRIDE
from decoder_pkg.pixels import Span, spans
from eval.metrics import Distortion

from .candidates import Candidate, Measured
from .encode import AnalysedPicture
from .latents import Latents, Setting
from .objective import Objective
from .presets import Preset
from .refinement import Method, Stage, method
from .search import hierarchical_search
from .weights import float_model

TILE, REACH = 96, 12
"""Side of a tile that is refined at once, and how much around it is refined with it, in latents."""

SEED = 1

Start = tuple[AnalysedPicture, Setting]
"""A picture under one model, and where its refinement begins."""

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


@dataclass(frozen=True)
class Attempt:
    """Refined latents and the stream made of them; `cost` is its distortion and rate at the slope."""

    refined: Refined
    measured: Measured
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


def search_start(starts: Sequence[Start], preset: Preset) -> Start:
    """The picture under a model, and the gain, that cost least after a short refinement.

    Args:
      starts: the sweep's choice of gain and q, and the slope, under each model that is worth a trial.
      preset: how much is tried.
    """
    if len(starts) == 1 and not preset.gain_steps:
        return starts[0]
    best: dict[float, Start] = {}
    for picture, start in starts:

        def at_gain(gain: int, _best: Refined | None, start: Start = (picture, start)) -> Refined:
            return refine_latents(start[0], replace(start[1], gain=gain), preset.method, preset.trial_iterations)

        bounds = picture.model.gains[0], picture.model.gains[-1]
        first = start.gain, at_gain(start.gain, None)
        _, found = hierarchical_search(at_gain, _cost, first, preset.gain_steps, bounds)
        best.setdefault(found.cost, (picture, found.setting))
    return best[min(best)]


def search_latents(
    picture: AnalysedPicture, start: Setting, preset: Preset, code: Callable[[Refined], Measured]
) -> Measured:
    """The stream and q of least cost: Algorithm 2 of Zhao et al. 2021, each step from the best latents so far.

    What counts is the real stream: an estimate knows nothing of the filter that it will have in the end.

    Args:
      picture: the picture under one model.
      start: gain, first q, and the slope.
      preset: how much is tried.
      code: makes a stream of refined latents.
    """

    def coded(refined: Refined) -> Attempt:
        measured = code(refined)
        cost = measured.distortion(start.distortion) + start.slope * measured.candidate.header.length
        return Attempt(refined, measured, cost)

    def at_q(value: int, best: Attempt) -> Attempt:
        setting, begin = replace(start, q=value), best.refined.floats
        return coded(refine_latents(picture, setting, preset.method, preset.step_iterations, begin))

    first = coded(refine_latents(picture, start, preset.method, preset.iterations))
    if preset.q_steps:
        # Else a neighbour's further iterations would speak for its q.
        first = min(first, at_q(start.q, first), key=_cost)
    _, best = hierarchical_search(at_q, _cost, (start.q, first), preset.q_steps, (1, 255))
    return best.measured


def _cost(found: Refined | Attempt) -> float:
    return found.cost


def sweep_choices(
    candidates: Iterable[Measured], slope: float, distortion: Distortion, survivors: int
) -> Iterator[Candidate]:
    """The best candidate of each model at a slope, for the models worth refining.

    Args:
      candidates: of the sweep.
      slope: distortion that one byte is worth.
      distortion: what is minimised.
      survivors: models at most.
    """
    best: dict[int, tuple[float, Candidate]] = {}
    for measured in candidates:
        candidate = measured.candidate
        model = candidate.header.model
        cost = measured.distortion(distortion) + slope * candidate.header.length
        if cost < best.get(model, (math.inf, candidate))[0]:
            best[model] = cost, candidate
    for _, candidate in sorted(best.values(), key=lambda pair: pair[0])[:survivors]:
        yield candidate
