from __future__ import annotations

import pytest

from rate_control.allocation.budget import TARGETS, budget_bytes


def test_budgets_are_those_of_the_2021_season() -> None:
    assert [budget_bytes(91_451_931, target) for target in TARGETS] == [857_362, 1_714_724, 3_429_448]


def test_budget_is_not_rounded_by_a_float() -> None:
    assert budget_bytes(80, "0.1") == 1
    assert budget_bytes(81, "0.1") == 2
    assert budget_bytes(80 * 10**15, "0.1") == 10**15


@pytest.mark.parametrize("bpp", ["0", "-0.1", "much"])
def test_senseless_target_is_refused(bpp: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        budget_bytes(100, bpp)
