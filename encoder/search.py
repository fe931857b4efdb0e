"""Searches over one number: the cheapest integer, coarse steps first, and the value that fills a room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TypeVar

Result = TypeVar("Result")

TRIES = 8
"""Lengths that are looked at in a search for one that fits."""

LEAST_SHARE = 0.05
"""Of a bracket, that a step takes off at least."""

OVERSHOOT = 1.2
"""Factor of a first step, so that it rather passes the room and leaves a bracket."""


def hierarchical_search(
    evaluate: Callable[[int, Result], Result],
    cost: Callable[[Result], float],
    start: tuple[int, Result],
    steps: Sequence[int],
    bounds: tuple[int, int],
) -> tuple[int, Result]:
    """Walks to a local minimum with each step size in turn (Zhao et al. 2021, Algorithm 2).

    Args:
      evaluate: the result at a value, given the best result so far (to start from). Called once per value.
      cost: what is minimised.
      start: a value and its result.
      steps: falling step sizes.
      bounds: smallest and largest value.

    Returns:
      The best value and its result.
    """
    best, result = start
    seen = {best}
    for step in steps:
        for direction in (1, -1):
            while bounds[0] <= best + direction * step <= bounds[1] and best + direction * step not in seen:
                value = best + direction * step
                seen.add(value)
                tried = evaluate(value, result)
                if cost(tried) >= cost(result):
                    break
                best, result = value, tried
    return best, result


def search_to_fit(
    length: Callable[[float], int], start: tuple[float, int], growth: float, room: range, furthest: float
) -> float:
    """A value whose length lies in a room; lengths roughly rise with the value.

    Args:
      length: of a value.
      start: a value and its length.
      growth: of the length with the value, roughly, > 0.
      room: lengths that are good enough; its end is not reached.
      furthest: how far from the start the value may lie.

    Returns:
      The value found, else the one with the largest length that is short enough, else the one with the least.
    """
    points, wanted = [start], (room.start + room.stop - 1) / 2
    for _ in range(TRIES):
        value, size = points[-1]
        if size in room:
            return value
        step = _step(points, wanted, growth, room)
        value = min(max(step, start[0] - furthest), start[0] + furthest)
        if value in dict(points):
            break
        points.append((value, length(value)))
    fitting = [point for point in points if point[1] < room.stop]
    best = max(fitting, key=itemgetter(1)) if fitting else min(points, key=itemgetter(1))
    return best[0]


def _step(points: Sequence[tuple[float, int]], wanted: float, growth: float, room: range) -> float:
    """Where the wanted length is expected: within the bracket there is, else beyond the last point."""
    low = max((point for point in points if point[1] < room.start), default=None)
    high = min((point for point in points if point[1] >= room.stop), default=None)
    if low and high and low[0] < high[0]:
        share = (wanted - low[1]) / (high[1] - low[1])
        return low[0] + (high[0] - low[0]) * min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)
    (value, size), slope = points[-1], growth
    if len(points) > 1 and (size - points[-2][1]) * (value - points[-2][0]) > 0:
        slope = (size - points[-2][1]) / (value - points[-2][0])
    return value + OVERSHOOT * (wanted - size) / slope
