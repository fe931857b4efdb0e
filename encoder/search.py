"""Searches over one number: the cheapest integer, coarse steps first, and the value that fills a room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    found = dict([start])
    value = start[0]
    wanted = (room.start + room.stop - 1) / 2
    for _ in range(TRIES):
        if found[value] in room:
            return value
        low = max((v for v in found if found[v] < room.start), default=None)
        high = min((v for v in found if found[v] >= room.stop), default=None)
        if low is not None and high is not None and low < high:
            share = (wanted - found[low]) / (found[high] - found[low])
            value = low + (high - low) * min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)
        else:
            value += OVERSHOOT * (wanted - found[value]) / growth
        value = min(max(value, start[0] - furthest), start[0] + furthest)
        if value in found:
            break
        found[value] = length(value)
    fitting = {v: size for v, size in found.items() if size < room.stop}
    return max(fitting, key=lambda v: fitting[v]) if fitting else min(found, key=lambda v: found[v])
