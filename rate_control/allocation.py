"""One candidate per picture under a byte budget: convex hulls, one slope, then the remainder."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class InfeasibleBudget(Exception):
    """Even the smallest candidates exceed the budget."""


@dataclass(frozen=True)
class Options:
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
      slope: distortion saved per further byte at the optimum of the relaxed problem.
      gap: distortion above the relaxed optimum, which no allocation can beat.
    """

    choice: NDArray[np.intp]
    bytes: int
    distortion: float
    slope: float
    gap: float


@dataclass(frozen=True)
class _Step:
    """From one hull vertex of a picture to the next."""

    slope: float
    picture: int
    order: int
    target: int
    extra_bytes: int
    gain: float


def lower_hull(options: Options) -> NDArray[np.intp]:
    """Indices of the candidates on the lower convex hull, by rising bytes and falling distortion."""
    order = np.lexsort((options.distortion, options.bytes))
    hull: list[int] = []
    for index in order:
        size, distortion = options.bytes[index], options.distortion[index]
        if hull and distortion >= options.distortion[hull[-1]]:
            continue
        while len(hull) > 1 and _is_above(options, hull[-2], hull[-1], index):
            hull.pop()
        if hull and options.bytes[hull[-1]] == size:
            hull.pop()
        hull.append(int(index))
    return np.array(hull, dtype=np.intp)


def allocate(pictures: Sequence[Options], budget: int) -> Allocation:
    """Minimises the summed distortion within the budget.

    Steps along the pictures' convex hulls are taken in order of falling slope while they fit (Shoham and Gersho 1988);
    what is left is spent on the best single replacements that fit.

    Raises:
      InfeasibleBudget: the smallest candidates together exceed the budget.
    """
    hulls = [lower_hull(options) for options in pictures]
    choice = np.array([hull[0] for hull in hulls])
    spent = sum(int(o.bytes[c]) for o, c in zip(pictures, choice, strict=True))
    if spent > budget:
        raise InfeasibleBudget(f"the smallest candidates take {spent} bytes, {spent - budget} more than the budget")
    bound = sum(float(o.distortion[c]) for o, c in zip(pictures, choice, strict=True))
    slope, stopped = 0.0, set[int]()
    relaxed: float | None = None
    for step in _steps(pictures, hulls):
        if spent + step.extra_bytes > budget and relaxed is None:
            slope, relaxed = step.slope, bound - step.slope * (budget - spent)
        if step.picture in stopped or spent + step.extra_bytes > budget:
            stopped.add(step.picture)
            continue
        choice[step.picture] = step.target
        spent += step.extra_bytes
        bound -= step.gain
    spent = _spend(pictures, choice, budget, spent)
    distortion = sum(float(o.distortion[c]) for o, c in zip(pictures, choice, strict=True))
    gap = 0.0 if relaxed is None else max(0.0, distortion - relaxed)
    return Allocation(choice, spent, distortion, slope, gap)


def _is_above(options: Options, first: int, middle: int, last: int) -> bool:
    """Whether the middle candidate lies on or above the line between its neighbours."""
    size, distortion = options.bytes, options.distortion
    left = (distortion[first] - distortion[middle]) * (size[last] - size[middle])
    right = (distortion[middle] - distortion[last]) * (size[middle] - size[first])
    return bool(left <= right)


def _steps(pictures: Sequence[Options], hulls: Sequence[NDArray[np.intp]]) -> list[_Step]:
    steps = []
    for picture, (options, hull) in enumerate(zip(pictures, hulls, strict=True)):
        for order, (here, there) in enumerate(itertools.pairwise(hull)):
            extra = int(options.bytes[there] - options.bytes[here])
            gain = float(options.distortion[here] - options.distortion[there])
            steps.append(_Step(gain / extra, picture, order, int(there), extra, gain))
    return sorted(steps, key=lambda step: (-step.slope, step.picture, step.order))


def _spend(pictures: Sequence[Options], choice: NDArray[np.intp], budget: int, spent: int) -> int:
    """Replaces single choices, best first, while something better fits; returns the bytes spent."""
    while True:
        best: tuple[float, int, int] | None = None
        for picture, (options, current) in enumerate(zip(pictures, choice, strict=True)):
            extra = options.bytes - options.bytes[current]
            gain = np.where(extra <= budget - spent, options.distortion[current] - options.distortion, 0.0)
            target = int(np.argmax(gain))
            if gain[target] > 0 and (best is None or gain[target] > best[0]):
                best = float(gain[target]), picture, target
        if best is None:
            return spent
        _, picture, target = best
        spent += int(pictures[picture].bytes[target] - pictures[picture].bytes[choice[picture]])
        choice[picture] = target
