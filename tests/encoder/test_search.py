from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from encoder.search import hierarchical_search


@given(st.integers(1, 255), st.integers(1, 255), st.lists(st.sampled_from([1, 2, 4, 8, 16]), max_size=4))
def test_search_evaluates_each_value_once_and_never_ends_worse(start: int, least: int, steps: Sequence[int]) -> None:
    asked = []

    def evaluate(value: int, best: int) -> int:
        asked.append(value)
        assert (best - least) ** 2 <= (start - least) ** 2
        return value

    order = sorted(steps, reverse=True)
    value, result = hierarchical_search(evaluate, lambda v: (v - least) ** 2, (start, start), order, (1, 255))
    assert value == result
    assert len(set(asked)) == len(asked)
    assert start not in asked
    assert abs(value - least) <= abs(start - least)
    if order and order[-1] == 1:
        assert value == least
