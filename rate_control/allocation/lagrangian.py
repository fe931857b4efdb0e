"""One candidate per picture under a byte budget: convex hulls, one Lagrange multiplier, then the remainder.

The problem is a multiple-choice knapsack. Its relaxation is solved by one Lagrange multiplier for the set (Shoham and
Gersho 1988): no allocation can have less distortion than the relaxed optimum. What it leaves over is filled by a
search over the candidates whose regret at that multiplier is small enough to matter, exact while its states are few
(`remainder.MAX_STATES`); the gap to the relaxed optimum is exact in any case.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .remainder import Alternatives, best_combination

Indices = NDArray[np.intp]


class InfeasibleBudget(Exception):
    """Even the smallest candidates exceed the budget."""


@dataclass(frozen=True)
class OperatingPoints:
    """The candidates of one picture.

    Attributes:
      bytes: [K] int64, what each takes of the budget.
      distortion: [K] float64, additive over pictures.
    """

    bytes: NDArray[np.int64]
    distortion: NDArray[np.float64]


@dataclass(frozen=True)
class Allocation:
    """One candidate for each picture.

    Attributes:
      choice: [N] index of the candidate of each picture.
      bytes: their sum.
      distortion: their sum.
      multiplier: Lagrange multiplier of the relaxed optimum: distortion saved per further byte.
      gap: distortion above the relaxed optimum, which no allocation can beat.
    """

    choice: Indices
    bytes: int
    distortion: float
    multiplier: float
    gap: float


@dataclass(frozen=True)
class _Relaxed:
    """The relaxed optimum: vertices reached before the step that no longer fits, whose slope is the multiplier."""

    choice: Indices
    multiplier: float
    distortion: float


def lower_hull(size: NDArray[np.number], distortion: NDArray[np.float64]) -> Indices:
    """Indices of the candidates on the lower convex hull, by rising size and falling distortion."""
    order = np.lexsort((distortion, size))
    falling = distortion[order]
    better = np.concatenate([[True], falling[1:] < np.minimum.accumulate(falling)[:-1]])
    hull: list[int] = []
    for index in order[better]:
        while len(hull) > 1 and _is_above(size, distortion, hull[-2], hull[-1], index):
            hull.pop()
        hull.append(int(index))
    return np.array(hull, dtype=np.intp)


def multiplier_at(points: OperatingPoints, size: int) -> float:
    """Distortion saved per byte around a size on the lower convex hull: the mean of both sides, in logarithms."""
    hull = lower_hull(points.bytes, points.distortion)
    sizes, distortion = points.bytes[hull], points.distortion[hull]
    if len(hull) < 2:
        return 0.0
    slopes = -np.diff(distortion) / np.diff(sizes)
    vertex = int(np.searchsorted(sizes, size, side="right")) - 1
    before = vertex - 1 if vertex >= 0 and sizes[vertex] == size else vertex
    return float(np.sqrt(slopes[np.clip([before, vertex], 0, len(slopes) - 1)].prod()))


def allocate(pictures: Sequence[OperatingPoints], budget: int) -> Allocation:
    """Minimises the summed distortion within the budget.

    Raises:
      InfeasibleBudget: the smallest candidates together exceed the budget.
      TypeError: the budget is no whole number.
    """
    budget = operator.index(budget)  # a float may be no number at all
    smallest = sum(int(points.bytes.min()) for points in pictures)
    if smallest > budget:
        raise InfeasibleBudget(
            f"the smallest candidates take {smallest} bytes, {smallest - budget} more than the budget of {budget}"
        )
    relaxed = _relax(pictures, budget)
    choice = _fill(pictures, relaxed, budget)
    distortion = float(sum(o.distortion[c] for o, c in zip(pictures, choice, strict=True)))
    size = sum(int(o.bytes[c]) for o, c in zip(pictures, choice, strict=True))
    return Allocation(choice, size, distortion, relaxed.multiplier, max(0.0, distortion - relaxed.distortion))


def _is_above(size: NDArray[np.number], distortion: NDArray[np.float64], first: int, middle: int, last: int) -> bool:
    """Whether the middle candidate lies on or above the line between its neighbours."""
    left = (distortion[first] - distortion[middle]) * (size[last] - size[middle])
    right = (distortion[middle] - distortion[last]) * (size[middle] - size[first])
    return bool(left <= right)


def _relax(pictures: Sequence[OperatingPoints], budget: int) -> _Relaxed:
    """Takes hull steps in order of falling slope until one does not fit; a part of that one would fill the budget."""
    hulls = [lower_hull(points.bytes, points.distortion) for points in pictures]
    choice = np.array([hull[0] for hull in hulls])
    left = budget - sum(int(o.bytes[c]) for o, c in zip(pictures, choice, strict=True))
    distortion = float(sum(o.distortion[c] for o, c in zip(pictures, choice, strict=True)))
    steps = []
    for picture, (points, hull) in enumerate(zip(pictures, hulls, strict=True)):
        slope = math.inf
        for position, (here, there) in enumerate(itertools.pairwise(hull)):
            extra = int(points.bytes[there] - points.bytes[here])
            saved = float(points.distortion[here] - points.distortion[there])
            # Slopes of nearly collinear steps may round the wrong way; a picture's steps keep their order.
            slope = min(slope, saved / extra)
            steps.append((-slope, picture, position, extra, saved, there))
    for negative_slope, picture, _, extra, saved, there in sorted(steps):
        if extra > left:
            return _Relaxed(choice, -negative_slope, distortion + negative_slope * left)
        choice[picture] = there
        left -= extra
        distortion -= saved
    return _Relaxed(choice, 0.0, distortion)


def _fill(pictures: Sequence[OperatingPoints], relaxed: _Relaxed, budget: int) -> Indices:
    """Exchanges choices so that regret and bytes left over, priced at the multiplier, are least in sum."""
    left = budget - sum(int(o.bytes[c]) for o, c in zip(pictures, relaxed.choice, strict=True))
    if relaxed.multiplier == 0 or left == 0:
        return relaxed.choice
    alternatives = [
        _alternatives(points, int(current), relaxed.multiplier, relaxed.multiplier * left)
        for points, current in zip(pictures, relaxed.choice, strict=True)
    ]
    picked = best_combination(alternatives, left, relaxed.multiplier)
    return np.array([row.candidate[index] for row, index in zip(alternatives, picked, strict=True)], dtype=np.intp)


def _alternatives(points: OperatingPoints, current: int, multiplier: float, limit: float) -> Alternatives:
    """Candidates whose regret at the multiplier is below the limit; the current choice comes first."""
    extra = points.bytes - points.bytes[current]
    regret = np.maximum(0.0, points.distortion - points.distortion[current] + multiplier * extra)
    near = np.flatnonzero(regret < limit)
    near = np.concatenate([[current], near[near != current]])
    regret[current] = 0.0
    return Alternatives(near, extra[near], regret[near])
