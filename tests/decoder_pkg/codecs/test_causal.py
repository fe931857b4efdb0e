from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.codecs.causal import wavefront
from decoder_pkg.entropy.integer_layers import CAUSAL_TAPS


@given(st.integers(1, 20), st.integers(1, 20))
def test_no_position_is_decoded_before_its_neighbours_or_twice(height: int, width: int) -> None:
    step_of = {}
    for step, (rows, columns) in enumerate(wavefront(height, width)):
        assert len(rows) > 0
        for position in zip(rows.tolist(), columns.tolist(), strict=True):
            assert position not in step_of
            step_of[position] = step
    assert len(step_of) == height * width
    for (row, column), step in step_of.items():
        for down, across in CAUSAL_TAPS:
            neighbour = row + down, column + across
            if neighbour in step_of:
                assert step_of[neighbour] < step


def test_a_competition_picture_takes_few_steps() -> None:
    assert sum(1 for _ in wavefront(86, 128)) == 383
