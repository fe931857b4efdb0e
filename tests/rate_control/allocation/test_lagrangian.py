from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from rate_control.allocation import remainder
from rate_control.allocation.lagrangian import InfeasibleBudget, OperatingPoints, allocate, lower_hull, multiplier_at

candidate = st.tuples(st.integers(1, 60), st.integers(0, 1000))
tables = st.lists(st.lists(candidate, min_size=1, max_size=5), min_size=1, max_size=4)


def operating_points(table: list[list[tuple[int, int]]]) -> list[OperatingPoints]:
    return [
        OperatingPoints(np.array([size for size, _ in rows]), np.array([float(error) for _, error in rows]))
        for rows in table
    ]


def brute_force(table: list[list[tuple[int, int]]], budget: int) -> float | None:
    totals = [
        sum(error for _, error in choice)
        for choice in itertools.product(*table)
        if sum(size for size, _ in choice) <= budget
    ]
    return min(totals, default=None)


def relaxed_optimum(table: list[list[tuple[int, int]]], budget: int) -> float:
    """Least distortion where candidates may be mixed in any shares, as a linear programme."""
    rows = [(picture, *pair) for picture, candidates in enumerate(table) for pair in candidates]
    shares = np.array([[picture == row[0] for row in rows] for picture in range(len(table))], dtype=float)
    sizes, errors = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    return float(linprog(errors, sizes[None], [budget], shares, np.ones(len(table))).fun)


@given(tables, st.integers(1, 250))
def test_budget_is_never_exceeded_and_the_gap_is_honest(table: list[list[tuple[int, int]]], budget: int) -> None:
    best = brute_force(table, budget)
    if best is None:
        with pytest.raises(InfeasibleBudget):
            allocate(operating_points(table), budget)
        return
    result = allocate(operating_points(table), budget)
    chosen = [rows[index] for rows, index in zip(table, result.choice, strict=True)]
    assert result.bytes == sum(size for size, _ in chosen) <= budget
    assert result.distortion == sum(error for _, error in chosen)
    assert result.distortion == best
    assert result.distortion - result.gap == pytest.approx(relaxed_optimum(table, budget), abs=1e-6)
    assert result.distortion - result.gap <= best + 1e-6


@given(st.lists(st.tuples(st.floats(0.1, 3.0), st.integers(2, 9)), min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_budget_holds_where_slopes_differ_by_less_than_a_rounding(lines: list[tuple[float, int]], share: float) -> None:
    points = []
    for slope, count in lines:
        size = np.cumsum(np.arange(1, count + 1))
        points.append(OperatingPoints(size, np.array([100.0 - slope * float(one) for one in size])))
    least, most = (sum(int(pick(row.bytes)) for row in points) for pick in (np.min, np.max))
    budget = least + int(share * (most - least))
    assert allocate(points, budget).bytes <= budget


@given(tables, st.integers(1, 250))
def test_few_states_give_no_more_than_the_budget_and_no_less_than_the_hull(
    table: list[list[tuple[int, int]]], budget: int
) -> None:
    if brute_force(table, budget) is None:
        return
    points = operating_points(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remainder, "MAX_STATES", 2)
        result = allocate(points, budget)
    hulls = [
        [rows[index] for index in lower_hull(row.bytes, row.distortion)]
        for rows, row in zip(table, points, strict=True)
    ]
    steps = sorted(
        ((hull[i + 1][1] - hull[i][1]) / (hull[i + 1][0] - hull[i][0]), number, i)
        for number, hull in enumerate(hulls)
        for i in range(len(hull) - 1)
    )
    place = [0] * len(hulls)
    for _, number, i in steps:
        moved = [i + 1 if other == number else place[other] for other in range(len(hulls))]
        if sum(hull[at][0] for hull, at in zip(hulls, moved, strict=True)) > budget:
            break
        place = moved
    assert result.bytes <= budget
    assert result.distortion <= sum(hull[at][1] for hull, at in zip(hulls, place, strict=True)) + 1e-9


def test_collinear_tables_are_as_fast_as_others() -> None:
    """Where all regrets are zero nothing may be pruned; the search must end at the first exact fit."""
    lines = [
        [(size * (number % 7 + 1), 1000 - size * (number % 7 + 1)) for size in range(1, 101)] for number in range(60)
    ]
    points = operating_points(lines)
    assert allocate(points, 9000).bytes == 9000


def test_budget_that_no_ties_can_fill_ends_at_the_least_left_over() -> None:
    """Exchanges in steps of 100 bytes at no price: the search finds no end, and must find what no other beats."""
    size = np.round(np.interp(np.arange(80), [0, 20, 60, 79], [1000, 5000, 20000, 60000]) / 100).astype(int) * 100
    line = OperatingPoints(size, np.interp(size, [1000, 5000, 20000, 60000], [1e6, 5e5, 2e5, 1e5]))
    result = allocate([line] * 60, 60 * 12345 + 55)
    assert (60 * 12345 + 55 - result.bytes) == 55
    assert result.gap == pytest.approx(55 * result.multiplier, rel=1e-6)


def test_multiplier_at_a_vertex_lies_between_its_sides() -> None:
    points = OperatingPoints(np.array([10, 20, 40]), np.array([100.0, 60.0, 40.0]))
    assert multiplier_at(points, 20) == pytest.approx(2.0)
    assert multiplier_at(points, 15) == multiplier_at(points, 10) == multiplier_at(points, 1) == pytest.approx(4.0)
    assert multiplier_at(points, 40) == multiplier_at(points, 99) == pytest.approx(1.0)


@given(st.lists(candidate, min_size=1, max_size=12))
def test_hull_is_convex_and_nothing_lies_below(rows: list[tuple[int, int]]) -> None:
    (points,) = operating_points([rows])
    hull = lower_hull(points.bytes, points.distortion)
    sizes, errors = points.bytes[hull], points.distortion[hull]
    assert sizes[0] == points.bytes.min()
    assert errors[-1] == points.distortion.min()
    slopes = -np.diff(errors) / np.diff(sizes) if len(hull) > 1 else np.array([])
    assert (np.diff(sizes) > 0).all()
    assert (slopes > 0).all()
    assert (np.diff(slopes) < 0).all()
    for size, error in rows:
        if size <= sizes[-1]:
            assert error >= np.interp(size, sizes, errors) - 1e-9


def test_one_multiplier_beats_one_rate_for_each() -> None:
    easy = OperatingPoints(np.array([10, 20, 40]), np.array([10.0, 8.0, 7.0]))
    hard = OperatingPoints(np.array([10, 20, 40]), np.array([1000.0, 600.0, 200.0]))
    result = allocate([easy, hard], 50)
    assert result.choice.tolist() == [0, 2]


def test_generous_budget_takes_the_best_of_each() -> None:
    points = operating_points([[(5, 9), (7, 1)], [(3, 4), (9, 2)]])
    result = allocate(points, 1000)
    assert (result.distortion, result.bytes, result.gap) == (3.0, 16, 0.0)
