"""One picture at one slope: model, gain, q, m and latents that cost least together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from decoder_pkg.architecture import GAIN_COUNT, HYPER_STRIDE, LATENT_STRIDE
from decoder_pkg.postfilter import M_MAX
from decoder_pkg.tiling import Span, spans

from .encode import AnalysedPicture, Candidate
from .model import CodecModel
from .objective import Latents, Objective, Setting
from .presets import Preset
from .refinement import method
from .search import hierarchical_search
from .twin import load_float_model
from .weights import EncoderModel

TILE, REACH = 96, 12
"""Side of a tile that is refined at once, and how much around it is refined with it, in latents."""

M_STEPS = (64, 16, 4)
SEED = 1


@dataclass(frozen=True)
class Refined:
    """Latents of a picture under a setting, and their Lagrangian in bits (estimated)."""

    setting: Setting
    latents: Latents
    cost: float


@lru_cache(maxsize=8)
def _float_model(model: EncoderModel) -> CodecModel:
    return load_float_model(model)


def refine_latents(
    picture: AnalysedPicture, setting: Setting, start: Latents | None, name: str, iterations: int
) -> Refined:
    """Refines latents at a setting, tile by tile where the picture is large.

    Args:
      picture: the picture under one model.
      setting: gain, q and slope.
      start: latents to start from, by default those of the analysis.
      name: of the method.
      iterations: for each tile.
    """
    model = _float_model(picture.model)
    y, z = (part.clone() for part in start or picture.latents(setting.gain))
    height, width = y.shape[2:]
    cost = 0.0
    for down in spans(height, TILE, REACH):
        for across in spans(width, TILE, REACH):
            pixels = picture.pixels[_outer(down, LATENT_STRIDE), _outer(across, LATENT_STRIDE)]
            objective = Objective(model, pixels, setting)
            part = y[:, :, down.outer, across.outer], z[:, :, _outer_hyper(down), _outer_hyper(across)]
            refined = method(name).refine(objective, part, iterations, SEED)
            cost += objective.rounded(refined).item()
            refined = objective.snapped(refined)
            inner = down.source(1, height), across.source(1, width)
            y[:, :, down.start : down.stop, across.start : across.stop] = refined[0][:, :, inner[0], inner[1]]
            rows, columns = (_inner_hyper(s) for s in (down, across))
            z[:, :, rows[1], columns[1]] = refined[1][:, :, rows[0], columns[0]]
    return Refined(setting, (y, z), cost)


def _outer(span: Span, stride: int) -> slice:
    return slice(span.outer_start * stride, span.outer_stop * stride)


def _outer_hyper(span: Span) -> slice:
    return slice(span.outer_start // HYPER_STRIDE, -(-span.outer_stop // HYPER_STRIDE))


def _inner_hyper(span: Span) -> tuple[slice, slice]:
    """Where a tile's own hyper-latents lie among those it sees, and in the whole grid."""
    start, stop, outer = span.start // HYPER_STRIDE, -(-span.stop // HYPER_STRIDE), span.outer_start // HYPER_STRIDE
    return slice(start - outer, stop - outer), slice(start, stop)


def search_latents(picture: AnalysedPicture, start: tuple[int, int], slope: float, preset: Preset) -> Refined:
    """Gain, q and latents of least cost: Algorithm 2 of Zhao et al. 2021, each step from the best latents so far.

    Args:
      picture: the picture under one model.
      start: gain and q of the sweep's choice.
      slope: squared error that one byte is worth.
      preset: how much is tried.
    """
    gain, q = start

    def cost(refined: Refined) -> float:
        return refined.cost

    def at_gain(value: int, _best: Refined | None) -> Refined:
        return refine_latents(picture, Setting(value, q, slope), None, preset.method, preset.iterations)

    def at_q(value: int, best: Refined) -> Refined:
        setting = Setting(best.setting.gain, value, slope)
        return refine_latents(picture, setting, best.latents, preset.method, preset.step_iterations)

    first = at_gain(gain, None)
    _, best = hierarchical_search(at_gain, cost, (gain, first), preset.gain_steps, (0, GAIN_COUNT - 1))
    return hierarchical_search(at_q, cost, (q, best), preset.q_steps, (1, 255))[1]


def search_strength(picture: AnalysedPicture, refined: Refined) -> int:
    """The post-filter strength m of least squared error, by the same search as q."""
    if picture.postfilter is None:
        return 0
    setting = refined.setting

    def at_m(value: int, _best: Candidate | None) -> Candidate:
        return picture.encode(setting.gain, setting.q, value, refined.latents)[0]

    bounds = (0, M_MAX)
    return hierarchical_search(at_m, lambda c: c.squared_error, (0, at_m(0, None)), M_STEPS, bounds)[0]


def sweep_choices(candidates: Iterable[Candidate], slope: float, survivors: int) -> Iterator[Candidate]:
    """The best candidate of each model at a slope, for the models worth refining."""
    best: dict[int, tuple[float, Candidate]] = {}
    for candidate in candidates:
        model = candidate.header.model
        cost = candidate.squared_error + slope * candidate.header.length
        if cost < best.get(model, (math.inf, candidate))[0]:
            best[model] = cost, candidate
    for _, candidate in sorted(best.values(), key=lambda pair: pair[0])[:survivors]:
        yield candidate
