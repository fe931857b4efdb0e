"""Search around refined latents: which model and gain to refine, and which quantisation step q is best then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..candidates import Measured
from ..coding import AnalysedPicture
from ..presets import Preset
from ..search import hierarchical_search
from .setting import RefinementSetting
from .tiles import Refined, refine_latents

Start = tuple[AnalysedPicture, RefinementSetting]
"""A picture under one model, and where its refinement begins."""


@dataclass(frozen=True)
class Attempt:
    """Refined latents and the stream made of them; `cost` is its distortion and rate at the Lagrange multiplier."""

    refined: Refined
    measured: Measured
    cost: float


def search_start(starts: Sequence[Start], preset: Preset) -> Start:
    """The picture under a model, and the gain, that cost least after a short refinement.

    Args:
      starts: the sweep's choice of gain and q, and the Lagrange multiplier, under each model to try.
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
    picture: AnalysedPicture, start: RefinementSetting, preset: Preset, code: Callable[[Refined], Measured]
) -> Measured:
    """The stream and q of least cost: Algorithm 2 of Zhao et al. 2021, each step from the best latents so far.

    What counts is the real stream: an estimate knows nothing of the post-filter fitted in the end.

    Args:
      picture: the picture under one model.
      start: gain, first q, and the Lagrange multiplier.
      preset: how much is tried.
      code: makes a stream of refined latents.
    """

    def coded(refined: Refined) -> Attempt:
        measured = code(refined)
        cost = measured.distortion(start.distortion) + start.multiplier * measured.candidate.header.length
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
