"""Search over one integer setting, coarse steps first (Zhao et al. 2021, Algorithm 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def hierarchical_search(
    evaluate: Callable[[int, Result], Result],
    cost: Callable[[Result], float],
    start: tuple[int, Result],
    steps: Sequence[int],
    bounds: tuple[int, int],
) -> tuple[int, Result]:
    """Walks to a local minimum with each step size in turn.

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
