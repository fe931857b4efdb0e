from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eval.command_line import call_module, call_verb
from eval.metrics import SQUARED_ERROR, Distortion, distortion_of
from rate_control.__main__ import VERBS
from rate_control.allocation.comparison import compare_allocations
from rate_control.allocation.lagrangian import InfeasibleBudget
from rate_control.allocation.limits import Limits, apply_limits, constant_quality, constant_rate
from rate_control.allocation.table import (
    TableError,
    allocate_table,
    distortions,
    load_table,
    picture_psnr_db,
    smallest_rows,
    write_table,
)
from rate_control.options import parse_limit, parse_target
from rate_control.tune import summary
from tests.paths import ROOT
from tests.rate_control.conftest import total_pixels

NAMES = ("psnr", "ms-ssim", "mix")


def test_one_multiplier_is_never_worse_than_simple_rules(table: pd.DataFrame) -> None:
    comparison = compare_allocations(table, ["0.075", "0.15", "0.3"])
    assert (comparison["improvement over same rate"].dropna() > 0).all()
    assert (comparison["improvement over same quality"].dropna() > 0).all()
    assert comparison["one multiplier"].is_monotonic_increasing


@pytest.mark.parametrize(
    "distortion",
    [distortion_of(name, 0.01) for name in ("psnr", "ms-ssim", "mix")],
    ids=lambda distortion: distortion.figure.name,
)
def test_allocations_are_compared_in_the_metric_that_was_asked(table: pd.DataFrame, distortion: Distortion) -> None:
    """What one multiplier gains over simple rules is gained in the metric, near what the candidates give."""
    comparison = compare_allocations(table, ["0.15"], distortion)
    assert (comparison["improvement over same rate"].dropna() > 0).all()
    budget = int(0.15 * total_pixels(table) / 8)
    chosen = allocate_table(table, budget, distortion).chosen
    loss = distortions(chosen, distortion).sum() / chosen["pixels"].sum()
    if distortion == SQUARED_ERROR:
        loss /= 3 * 255**2
    assert comparison["one multiplier"][0] == pytest.approx(-10 * np.log10(loss), abs=0.1)


def test_result_has_one_row_per_picture_in_order(table: pd.DataFrame) -> None:
    result = allocate_table(table, total_pixels(table) // 40)
    assert result.chosen["image"].tolist() == [f"p{i}" for i in range(6)]
    assert result.chosen["bytes"].sum() == result.allocation.bytes <= total_pixels(table) // 40


def test_metrics_ask_for_different_pictures(table: pd.DataFrame) -> None:
    budget = total_pixels(table) // 40
    chosen = {
        name: allocate_table(table, budget, distortion_of(name, 0.01)).chosen for name in ("psnr", "ms-ssim", "mix")
    }
    errors = {name: rows["squared_error"].sum() for name, rows in chosen.items()}
    losses = {name: (rows["pixels"] * rows["ms_ssim_loss"]).sum() for name, rows in chosen.items()}
    assert errors["psnr"] <= errors["mix"] <= errors["ms-ssim"]
    assert losses["ms-ssim"] <= losses["mix"] <= losses["psnr"]
    assert errors["psnr"] < errors["ms-ssim"]


@pytest.mark.parametrize(
    "limit",
    [Limits(bpp_low=0.05), Limits(bpp_high=0.3), Limits(psnr_low=38.3, image="p3"), Limits(psnr_high=35.0, image="p0")],
    ids=["bpp-low", "bpp-high", "psnr-low", "psnr-high"],
)
def test_limits_hold_for_every_picture_meant(table: pd.DataFrame, limit: Limits) -> None:
    free = allocate_table(table, total_pixels(table) // 30).chosen
    chosen = allocate_table(apply_limits(table, [limit]), total_pixels(table) // 30).chosen
    assert free["candidate"].tolist() != chosen["candidate"].tolist()
    meant = chosen if limit.image is None else chosen[chosen["image"] == limit.image]
    bpp, psnr = 8 * meant["bytes"] / meant["pixels"], picture_psnr_db(meant)
    assert bpp.between(limit.bpp_low, limit.bpp_high).all()
    assert ((psnr >= limit.psnr_low) & (psnr <= limit.psnr_high)).all()


def test_impossible_limit_shows_what_is_possible(table: pd.DataFrame) -> None:
    counts = r"none of its 20 candidates keeps to all limits \(0 have at most 0.01 bpp\)"
    with pytest.raises(TableError, match=rf"p0: {counts}.* 0\.02\d* to 1\.5"):
        apply_limits(table, [Limits(bpp_high=0.01)])
    with pytest.raises(TableError, match=r"\d+ have 0.03 to 0.1 bpp, \d+ have at least 90 dB for p2"):
        apply_limits(table, [Limits(bpp_low=0.03, bpp_high=0.1), Limits(psnr_low=90, image="p2")])
    with pytest.raises(TableError, match="p9, which is none of"):
        apply_limits(table, [Limits(image="p9")])


def test_limits_that_exceed_the_budget_are_refused_with_numbers(table: pd.DataFrame) -> None:
    with pytest.raises(InfeasibleBudget, match=r"take \d+ bytes, \d+ more than the budget of \d+"):
        allocate_table(apply_limits(table, [Limits(bpp_low=0.5)]), total_pixels(table) // 80)


def test_same_rate_gives_no_picture_more(table: pd.DataFrame) -> None:
    chosen = constant_rate(table, 0.15)
    assert (chosen["bytes"] <= np.ceil(chosen["pixels"] * 0.15 / 8)).all()
    with pytest.raises(InfeasibleBudget, match="bpp"):
        constant_rate(table, 0.001)


def test_same_quality_keeps_to_the_budget_and_to_its_level(table: pd.DataFrame) -> None:
    budget = total_pixels(table) // 20
    chosen = constant_quality(table, budget)
    assert chosen["bytes"].sum() <= budget
    level = picture_psnr_db(chosen).min()
    for row in chosen.itertuples():
        rows = table[(table["image"] == row.image) & (picture_psnr_db(table) >= level)]
        assert row.bytes == rows["bytes"].min()


def test_file_and_frame_give_the_same_allocation(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "table.csv", index=False)
    table.to_parquet(tmp_path / "table.parquet")
    budget = total_pixels(table) // 40
    for name in ("table.csv", "table.parquet"):
        assert allocate_table(load_table(tmp_path / name), budget).allocation.bytes == (
            allocate_table(table, budget).allocation.bytes
        )


def test_budget_that_is_no_whole_number_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(TypeError):
        allocate_table(table, float("nan"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["chosen.csv", "chosen.parquet"])
def test_written_choice_can_be_read_again(table: pd.DataFrame, tmp_path: Path, name: str) -> None:
    chosen = allocate_table(table, total_pixels(table)).chosen
    write_table(chosen, tmp_path / name)
    assert load_table(tmp_path / name)["bytes"].tolist() == chosen["bytes"].tolist()


def test_same_rate_rounds_no_byte_up(table: pd.DataFrame) -> None:
    table.loc[table["candidate"] == 0, "bytes"] = 15  # of 1000 pixels at 0.12 bpp
    table["pixels"] = 1000
    assert (constant_rate(table, 0.12)["candidate"] == 0).all()
    table.loc[table["candidate"] == 0, "bytes"] = 16
    with pytest.raises(InfeasibleBudget):
        constant_rate(table, 0.12)


def test_limit_is_read_as_it_is_written() -> None:
    assert parse_limit("bpp=0.02:0.6") == Limits(bpp_low=0.02, bpp_high=0.6)
    assert parse_limit("rocket:psnr=30:") == Limits(psnr_low=30, image="rocket")
    for text in ("bpp", "bpp=3", "size=1:2", "bpp=a:b", "bpp=nan:", "bpp=0.5:0.1"):
        with pytest.raises(Exception, match=r"limit|number|leaves nothing"):
            parse_limit(text)


def test_command_line_allocates_any_table(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "table.csv", index=False)
    command = [sys.executable, "-m", "rate_control", "allocate", str(tmp_path / "table.csv")]
    for amount in ("--budget", "9000"), ("--each", "1.0"):
        good = subprocess.run([*command, *amount], capture_output=True, text=True, cwd=ROOT)
        assert good.returncode == 0, good.stderr
        assert "PSNR" in good.stdout
    bad = subprocess.run([*command, "--budget", "9"], capture_output=True, text=True, cwd=ROOT)
    assert bad.returncode == 1
    assert "InfeasibleBudget" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_same_rate_keeps_to_the_metric(table: pd.DataFrame) -> None:
    table.loc[table["candidate"] == 3, "ms_ssim_loss"] = 0.0
    assert (constant_rate(table, 0.15, distortion_of("ms-ssim", 1.0))["candidate"] == 3).all()


def test_plain_pictures_do_not_stop_the_comparison(table: pd.DataFrame) -> None:
    """One candidate, a lossless one, equal quality at every rate, and nothing at all to code."""
    rows = {"one": [(20, 900)], "lossless": [(20, 900), (40, 0)], "same": [(20, 900), (40, 900)], "empty": [(0, 0)]}
    plain = pd.DataFrame(
        [(name, n, *row, 0.0, 1024) for name, pairs in rows.items() for n, row in enumerate(pairs)],
        columns=["image", "candidate", "bytes", "squared_error", "ms_ssim_loss", "pixels"],
    )
    comparison = compare_allocations(pd.concat([table, plain]), ["0.15"])
    assert np.isfinite(comparison["one multiplier"]).all()


def test_budget_too_small_for_what_is_interpolated_is_no_end_of_the_report(table: pd.DataFrame) -> None:
    assert compare_allocations(table, ["0.01"]).iloc[0, 1:].isna().all()


def test_rule_that_leaves_the_budget_unspent_is_not_compared(table: pd.DataFrame) -> None:
    easy = table[(table["image"] != "p0") | (table["candidate"] < 4)]
    comparison = compare_allocations(easy, ["0.3"])
    assert np.isnan(comparison["same quality"][0])
    assert np.isnan(comparison["same rate"][0])


@pytest.mark.parametrize(
    "arguments", ["--each 0", "--budget 9 --weight -1", "--each many", "--budget 0", "--budget 1e3"]
)
def test_option_that_makes_no_sense_is_refused(arguments: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        call_module("allocate", "rate_control.commands.allocate", ["t.csv", *arguments.split()])
    assert stopped.value.code == 2


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1e-1", ".", "inf", ""])
def test_target_that_names_no_rate_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no target"):
        parse_target(text)


def test_lossless_choice_has_no_gap(table: pd.DataFrame) -> None:
    table["squared_error"] = 0.0
    assert "0.0000 % above" in summary(allocate_table(table, total_pixels(table)), 9)


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    return call_verb("rate_control", VERBS, list(map(str, arguments)))


def test_chosen_rows_never_take_the_table_s_place(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    before = path.read_bytes()
    (tmp_path / "link.csv").symlink_to(path)
    for output in (path, tmp_path / "link.csv"):
        assert run_command(monkeypatch, "allocate", path, "--budget", 10**6, "--output", output) == 1
        assert "is the input" in capsys.readouterr().err
        assert path.read_bytes() == before


def test_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(TableError, match="is no file"):
        load_table(tmp_path / "t.csv")


def test_suffix_of_a_parquet_file_may_have_any_case(table: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the tables extra is not installed")
    write_table(table, tmp_path / "t.PARQUET")
    assert (tmp_path / "t.PARQUET").read_bytes().startswith(b"PAR1")
    assert len(load_table(tmp_path / "t.PARQUET")) == len(table)


def test_smallest_rows_are_those_of_fewest_bytes_in_the_order_of_the_pictures(table: pd.DataFrame) -> None:
    shuffled = table.sample(frac=1, random_state=1)
    found = smallest_rows(shuffled)
    assert found["image"].tolist() == shuffled["image"].unique().tolist()
    assert found.set_index("image")["bytes"].to_dict() == table.groupby("image")["bytes"].min().to_dict()
