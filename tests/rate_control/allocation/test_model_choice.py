from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from eval.command_line import call_module
from rate_control.allocation.lagrangian import InfeasibleBudget
from rate_control.allocation.model_choice import choose_models
from rate_control.allocation.table import COLUMNS, TableError


@pytest.fixture
def table() -> pd.DataFrame:
    """Model 1 is good at low rates, 2 in the middle and never needed, 3 at high rates."""
    rows = []
    for image in ("a", "b"):
        for model, size, error in ((1, 10, 900.0), (1, 40, 500.0), (2, 20, 800.0), (3, 10, 2000.0), (3, 40, 50.0)):
            rows.append((image, f"{model}-{size}", size, error, 0.1, 1000, model))
    return pd.DataFrame(rows, columns=[*COLUMNS, "model"])


def test_model_that_is_missed_least_is_left_out(table: pd.DataFrame) -> None:
    sizes = {1: 100, 2: 100, 3: 100}
    assert choose_models(table, [20, 80], sizes, 300) == [1, 2, 3]
    assert choose_models(table, [20, 80], sizes, 200) == [1, 3]
    assert choose_models(table, [80], sizes, 100) == [3]


def test_limit_that_no_model_meets_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="smallest model takes 100"):
        choose_models(table, [80], {1: 100, 2: 100, 3: 100}, 99)
    with pytest.raises(TableError, match="no size"):
        choose_models(table, [80], {1: 100}, 99)


def test_target_that_no_model_meets_is_refused_with_its_figures(table: pd.DataFrame) -> None:
    with pytest.raises(InfeasibleBudget, match="20 bytes, 1 more than the budget of 19"):
        choose_models(table, [19, 80], {1: 1, 2: 1, 3: 1}, 99)


@pytest.mark.parametrize("model", ["x", 1.5, None])
def test_model_that_is_no_number_is_refused(table: pd.DataFrame, model: str | float | None) -> None:
    table["model"] = table["model"].astype(object)
    table.loc[0, "model"] = model
    with pytest.raises(TableError, match="whole numbers"):
        choose_models(table, [80], {1: 1, 2: 1, 3: 1}, 99)


@pytest.mark.parametrize("change", ["1=-5", "1=inf", "1=nan", "x=5", "1=x", "--total nan", "--total x", "3=7"])
def test_option_that_makes_no_sense_is_refused(table: pd.DataFrame, tmp_path: Path, change: str) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    line = f"{tmp_path / 't.csv'} --budgets 80 --total 200 --sizes 1=100 2=100 3=100"
    with pytest.raises(SystemExit) as stopped:
        call_module("models", "rate_control.commands.models", [*line.split(), *change.split()])
    assert stopped.value.code == 2


def test_command_line_names_the_models_to_ship(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "candidates.csv"
    table.to_csv(file, index=False)
    line = f"{file} --budgets 20 80 --sizes 1=100 2=1e2 3=100 --total 200"
    assert call_module("models", "rate_control.commands.models", line.split()) == 0
    assert capsys.readouterr().out == "1 3\n"
