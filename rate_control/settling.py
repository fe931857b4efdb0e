"""Predicted settings give way to coded ones, but only where allocations choose them, whatever codec codes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from eval.metrics import Distortion

from .allocation import InfeasibleBudget, allocate_table, cheapest_rows, smallest_rows

ROUNDS = 6
"""Times that what goals choose is coded, at most."""

DOUBT = 0.002
"""Share by which losses that are only predicted count as larger: what is coded is left for a real improvement."""

Goal = Callable[[pd.DataFrame], pd.DataFrame]
"""Chooses a row of each picture from a candidate table, predicted ones among them: their candidate is a setting."""

Wanted = dict[str, list[tuple[int, ...]]]
"""Settings to be coded, by the name of the picture."""


def within(available: int, distortion: Distortion) -> Goal:
    """The goal of least distortion in so many bytes; of least bytes where nothing fits."""

    def goal(table: pd.DataFrame) -> pd.DataFrame:
        try:
            return allocate_table(table, available, distortion).chosen
        except InfeasibleBudget:
            return smallest_rows(table)

    return goal


def near(available: int, distortion: Distortion) -> Goal:
    """The goal of least cost where so many bytes are about full: what fills the last of them is not looked for."""

    def goal(table: pd.DataFrame) -> pd.DataFrame:
        try:
            multiplier = allocate_table(table, available, distortion).allocation.multiplier
        except InfeasibleBudget:
            return smallest_rows(table)
        return cheapest_rows(table, multiplier, distortion)

    return goal


def at(multiplier: float, distortion: Distortion) -> Goal:
    """The goal of least cost at a Lagrange multiplier."""
    return lambda table: cheapest_rows(table, multiplier, distortion)


def is_predicted(candidate: object) -> bool:
    """Whether a table's candidate is a setting, a tuple of numbers, that was not coded."""
    return isinstance(candidate, tuple)


def settle(
    tables: Callable[[], Sequence[pd.DataFrame]],
    goals: Sequence[Goal],
    code: Callable[[Sequence[Wanted]], None],
    rounds: int = ROUNDS,
) -> None:
    """Codes what goals choose until they choose nothing that is only predicted.

    Args:
      tables: candidate tables as they are known now; each round corrects the predictions of the next.
      goals: choose from each of the tables.
      code: codes settings, given those of each table.
      rounds: at most.
    """
    for _ in range(rounds):
        wanted = [_wanted(table, goals) for table in tables()]
        if not any(wanted):
            break
        code(wanted)


def _wanted(table: pd.DataFrame, goals: Sequence[Goal]) -> Wanted:
    found: dict[str, dict[tuple[int, ...], None]] = {}
    for goal in goals:
        chosen = goal(table)
        for image, candidate in zip(chosen["image"], chosen["candidate"], strict=True):
            if is_predicted(candidate):
                found.setdefault(image, {})[candidate] = None
    return {image: list(settings) for image, settings in found.items()}
