from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from encoder.search import TRIES, hierarchical_search, search_to_fit

FURTHEST = 3.0


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


class Lengths:
    """Lengths between known ones at even distances; remembers what was asked."""

    def __init__(self, known: Sequence[int]) -> None:
        self._known = known
        self.start = 0.0, self._at(0.0)
        self.asked = dict([self.start])

    def _at(self, value: float) -> int:
        return round(float(np.interp(value, np.linspace(-FURTHEST, FURTHEST, len(self._known)), self._known)))

    def __call__(self, value: float) -> int:
        assert value not in self.asked
        assert abs(value) <= FURTHEST
        self.asked[value] = self._at(value)
        return self.asked[value]


@given(
    st.lists(st.integers(0, 300), min_size=2, max_size=9),
    st.floats(0.5, 500),
    st.integers(-50, 2500),
    st.integers(1, 40),
)
def test_length_found_fits_where_any_tried_one_did(rises: list[int], growth: float, least: int, wide: int) -> None:
    length, room = Lengths(np.cumsum(rises).tolist()), range(least, least + wide)
    found = search_to_fit(length, length.start, growth, room, FURTHEST)
    tried = list(length.asked.values())
    assert len(tried) - 1 <= TRIES
    fitting = [size for size in tried if size < room.stop]
    assert length.asked[found] == (max(fitting) if fitting else min(tried))
    assert length.asked[found] in room or not any(size in room for size in tried)


@given(st.integers(200, 20_000), st.floats(0.4, 1.6), st.floats(-0.8, 0.8), st.integers(1, 3))
def test_steadily_rising_length_is_found_whatever_its_growth_was_thought_to_be(
    plain: int, doubt: float, place: float, wide: int
) -> None:
    slope = 0.03 * plain
    length = Lengths([round(plain - FURTHEST * slope), round(plain + FURTHEST * slope)])
    least = round(plain + place * FURTHEST * slope)
    room = range(least, least + wide)
    found = search_to_fit(length, length.start, slope * doubt, room, FURTHEST)
    assert length.asked[found] in room


@given(st.integers(100, 900))
def test_length_that_fits_already_is_left_alone(plain: int) -> None:
    length = Lengths([plain - 90, plain + 90])
    room = range(length.start[1], length.start[1] + 1)
    assert search_to_fit(length, length.start, 3.0, room, FURTHEST) == 0.0
    assert len(length.asked) == 1


def test_room_out_of_reach_ends_at_the_furthest_value() -> None:
    for room, furthest in ((range(5000, 5003), FURTHEST), (range(3), -FURTHEST)):
        length = Lengths([400, 500])
        assert search_to_fit(length, length.start, 10.0, room, FURTHEST) == furthest
