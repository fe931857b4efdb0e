from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rate_control.allocation import InfeasibleBudget, Options, allocate, lower_hull

candidate = st.tuples(st.integers(1, 60), st.integers(0, 1000))
tables = st.lists(st.lists(candidate, min_size=1, max_size=5), min_size=1, max_size=4)


def to_options(table: list[list[tuple[int, int]]]) -> list[Options]:
    return [
        Options(np.array([size for size, _ in rows]), np.array([float(error) for _, error in rows])) for rows in table
    ]


def brute_force(table: list[list[tuple[int, int]]], budget: int) -> float | None:
    totals = [
        sum(error for _, error in choice)
        for choice in itertools.product(*table)
        if sum(size for size, _ in choice) <= budget
    ]
    return min(totals, default=None)


@given(tables, st.integers(1, 250))
def test_budget_is_never_exceeded_and_the_gap_is_honest(table: list[list[tuple[int, int]]], budget: int) -> None:
    best = brute_force(table, budget)
    if best is None:
        with pytest.raises(InfeasibleBudget):
            allocate(to_options(table), budget)
        return
    result = allocate(to_options(table), budget)
    chosen = [rows[index] for rows, index in zip(table, result.choice, strict=True)]
    assert result.bytes == sum(size for size, _ in chosen) <= budget
    assert result.distortion == sum(error for _, error in chosen)
    assert result.distortion == best
    assert result.distortion - result.gap <= best + 1e-6


@given(st.lists(candidate, min_size=1, max_size=12))
def test_hull_is_convex_and_nothing_lies_below(rows: list[tuple[int, int]]) -> None:
    (options,) = to_options([rows])
    hull = lower_hull(options)
    sizes, errors = options.bytes[hull], options.distortion[hull]
    assert sizes[0] == options.bytes.min()
    assert errors[-1] == options.distortion.min()
    slopes = -np.diff(errors) / np.diff(sizes) if len(hull) > 1 else np.array([])
    assert (np.diff(sizes) > 0).all()
    assert (slopes > 0).all()
    assert (np.diff(slopes) < 0).all()
    for size, error in rows:
        if size <= sizes[-1]:
            assert error >= np.interp(size, sizes, errors) - 1e-9


def test_one_slope_beats_one_rate_for_each() -> None:
    easy = Options(np.array([10, 20, 40]), np.array([10.0, 8.0, 7.0]))
    hard = Options(np.array([10, 20, 40]), np.array([1000.0, 600.0, 200.0]))
    result = allocate([easy, hard], 50)
    assert result.choice.tolist() == [0, 2]


def test_generous_budget_takes_the_best_of_each() -> None:
    options = to_options([[(5, 9), (7, 1)], [(3, 4), (9, 2)]])
    result = allocate(options, 1000)
    assert (result.distortion, result.bytes, result.gap) == (3.0, 16, 0.0)
