from __future__ import annotations

import pytest

from rate_control.allocation.budget import budget_bytes
from submission.seasons import SEASONS, season


def test_known_budgets_follow_from_pixels_and_targets() -> None:
    for rules in SEASONS:
        for known in rules.sets:
            assert set(known.budgets) <= set(rules.targets)
            if known.pixels is not None:
                assert known.budgets == {target: budget_bytes(known.pixels, target) for target in known.budgets}


def test_unknown_rules_are_not_taken_for_no_rules() -> None:
    assert season(2025).decoder_limit is None
    assert not season(2025).decoder_limit_known
    assert season(2018).decoder_limit is None
    assert season(2018).decoder_limit_known


def test_year_without_rules_names_those_that_have() -> None:
    with pytest.raises(KeyError, match="2021"):
        season(1999)
