from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from decoder_pkg.gains import GAIN_COUNT
from encoder.picture_coder import SWEEP
from rate_control.jobs import neighbours


class Recorder:
    """Stands for a picture's coder; its candidates are gains."""

    def __init__(self, gains: range) -> None:
        self._gains = gains

    def gains(self, model: int) -> range:
        return self._gains

    def encode(self, model: int, gain: int) -> int:
        return gain


def tried(gains: range, gain: int, q: int) -> list[Any]:
    coder: Any = Recorder(gains)
    chosen: Any = SimpleNamespace(header=SimpleNamespace(model=3, gain=gain, q=q))
    return list(neighbours(coder, chosen))


@pytest.mark.parametrize(
    ("gain", "q", "expected"),
    [(0, 128, [1]), (24, 128, [23, 25]), (GAIN_COUNT - 1, 128, [47]), (0, 202, []), (GAIN_COUNT - 1, 101, [])],
)
def test_gains_between_those_of_the_sweep_are_tried(gain: int, q: int, expected: list[int]) -> None:
    assert (gain, q) in SWEEP
    assert tried(range(GAIN_COUNT), gain, q) == expected


def test_no_gain_is_tried_that_a_model_was_not_trained_for() -> None:
    assert tried(range(24, 36), 24, 128) == [25]
