from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eval.metrics import distortion_of
from rate_control.allocation.limits import Limits, apply_limits
from rate_control.allocation.table import COLUMNS, TableError, allocate_table, check_table, load_table
from tests.rate_control.conftest import total_pixels


@pytest.mark.parametrize("column", COLUMNS)
def test_missing_column_is_named(table: pd.DataFrame, column: str) -> None:
    with pytest.raises(TableError, match=column):
        check_table(table.drop(columns=column))


@pytest.mark.parametrize(
    ("column", "value"), [("bytes", -1), ("squared_error", np.nan), ("pixels", 7), ("ms_ssim_loss", np.inf)]
)
def test_senseless_value_is_refused(table: pd.DataFrame, column: str, value: float) -> None:
    table[column] = table[column].astype(float)
    table.loc[3, column] = value
    with pytest.raises(TableError):
        check_table(table)


def test_file_that_is_no_table_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    for name in ("empty.csv", "torn.parquet"):
        with pytest.raises(TableError, match=name):
            load_table(tmp_path / name)


@pytest.mark.parametrize(
    ("bytes_type", "pixels_type"), [("uint16", "int32"), ("int32", "uint32"), ("Int64", "float32")]
)
def test_narrow_columns_do_not_overflow(table: pd.DataFrame, bytes_type: str, pixels_type: str) -> None:
    narrow = table.astype({"bytes": bytes_type, "pixels": pixels_type, "squared_error": "float32"})
    limits = [Limits(bpp_high=0.9, psnr_low=5)]
    wanted = apply_limits(table, limits)
    assert apply_limits(narrow, limits)["candidate"].tolist() == wanted["candidate"].tolist()
    assert (
        allocate_table(narrow, total_pixels(table)).allocation.bytes
        == allocate_table(table, total_pixels(table)).allocation.bytes
    )


@pytest.mark.parametrize(
    "change",
    [{"ms_ssim_loss": 2.5}, {"bytes": 1 + 2j}, {"pixels": pd.Timestamp(0)}, {"image": 1.5}],
    ids=["no similarity", "complex", "date", "name"],
)
def test_column_of_another_kind_is_refused(table: pd.DataFrame, change: dict[str, Any]) -> None:
    with pytest.raises(TableError):
        check_table(table.assign(**change))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,candidate,bytes,squared_error,ms_ssim_loss,pixels\na,1,10,5,0.1,100,7\n", "more fields"),
        ("image,candidate,bytes,bytes,squared_error,ms_ssim_loss,pixels\na,1,10,9,5,0.1,100\n", "several columns"),
        ("image;candidate;bytes;squared_error;ms_ssim_loss;pixels\na;1;10;5;0.1;100\n", "this one .*;"),
    ],
    ids=["fields", "columns", "separator"],
)
def test_file_that_would_be_misread_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(TableError, match=message):
        load_table(tmp_path / "t.csv")


@pytest.mark.parametrize(("name", "weight"), [("vmaf", 0.1), ("mix", 0.0), ("mix", float("nan")), ("mix", 1e300)])
def test_unknown_metric_or_senseless_weight_is_refused(name: str, weight: float) -> None:
    with pytest.raises(ValueError, match=r"is no metric|a weight of"):
        distortion_of(name, weight)


def test_names_in_a_csv_file_stay_as_they_are(table: pd.DataFrame, tmp_path: Path) -> None:
    names = ["01", "NA", "1e3", "null", "007", "p5"]
    table["image"] = [names[int(name[1])] for name in table["image"]]
    table.to_csv(tmp_path / "t.csv", index=False)
    chosen = allocate_table(load_table(tmp_path / "t.csv"), total_pixels(table) // 40).chosen
    assert chosen["image"].tolist() == names


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("bytes", 10.5, "whole"),
        ("bytes", "many", "numbers"),
        ("bytes", "1_0", "text"),
        ("bytes", 2**63, "at most"),
        pytest.param("bytes", 10**400, "numbers", id="beyond float64"),
        ("squared_error", None, "missing in some rows"),
        ("image", None, "name"),
        ("pixels", 0.5, "whole"),
    ],
)
def test_value_that_no_candidate_has_is_refused(
    table: pd.DataFrame, column: str, value: float | str | None, message: str
) -> None:
    table[column] = table[column].astype(object)
    table.loc[table.index[table["image"] == "p0"] if column == "pixels" else table.index[:1], column] = value
    with pytest.raises(TableError, match=message):
        check_table(table)


def test_field_that_is_too_long_for_a_reader_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("image" * 10**5)
    with pytest.raises(TableError, match="cannot be read as a table"):
        load_table(tmp_path / "table.csv")
