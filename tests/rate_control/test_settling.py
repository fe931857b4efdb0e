from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from eval.metrics import SQUARED_ERROR
from rate_control.allocation import allocate_table
from rate_control.settling import ROUNDS, Wanted, at, settle, within

TRUE = {(quality,): (100 + 13 * quality, 90_000 / (quality + 1)) for quality in range(20)}
"""Bytes and squared errors by setting."""


class Picture:
    """Predictions are off by a factor until a setting is coded; then by nothing."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.coded: dict[tuple[int, ...], None] = {}

    def table(self) -> pd.DataFrame:
        rows = []
        for setting, (size, error) in TRUE.items():
            known = setting in self.coded
            size = size if known else round(size * (1.0 if self.coded else self.factor))
            candidate = "coded" if known else setting
            rows.append(("one", candidate, size, error, 0.1, 1000))
        return pd.DataFrame(rows, columns=["image", "candidate", "bytes", "squared_error", "ms_ssim_loss", "pixels"])

    def code(self, wanted: Sequence[Wanted]) -> None:
        self.coded |= dict.fromkeys(wanted[0]["one"])


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_choice_is_that_of_all_settings_coded(factor: float) -> None:
    picture = Picture(factor)
    settle(lambda: [picture.table()], [within(250, SQUARED_ERROR)], picture.code)
    table = picture.table()
    coded = allocate_table(table[table["candidate"] == "coded"], 250)
    assert coded.allocation.bytes == max(size for size, _ in TRUE.values() if size <= 250)
    assert len(picture.coded) <= 2


def test_budget_that_nothing_fits_has_the_smallest_coded() -> None:
    picture = Picture(0.9)
    settle(lambda: [picture.table()], [within(50, SQUARED_ERROR)], picture.code)
    assert min(picture.coded) == (0,)


def test_goals_of_one_choice_code_it_once() -> None:
    picture, calls = Picture(1.0), list[Wanted]()

    def code(wanted: Sequence[Wanted]) -> None:
        calls.append(wanted[0])
        picture.code(wanted)

    settle(lambda: [picture.table()], [at(30.0, SQUARED_ERROR)] * 3, code)
    assert [len(call["one"]) for call in calls] == [1]


def test_tables_that_never_agree_with_their_predictions_end() -> None:
    calls = list[Sequence[Wanted]]()
    settle(lambda: [Picture(1.0).table()], [within(250, SQUARED_ERROR)], calls.append)
    assert len(calls) == ROUNDS
