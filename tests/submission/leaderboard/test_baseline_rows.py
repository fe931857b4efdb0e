from __future__ import annotations

from pathlib import Path

import pytest

from eval.metrics import SQUARED_ERROR, distortion_of
from submission.leaderboard import BaselineSet
from submission.leaderboard.baseline_rows import baseline_rows, fit_baselines
from submission.seasons import season


def test_conventional_codecs_are_allocated_for_what_was_asked(files: list[Path], tmp_path: Path) -> None:
    swept = BaselineSet(files, tmp_path, codecs=["JPEG", "WebP"]).sweep()
    for budget in range(1500, 5000, 500):
        plain, _ = fit_baselines(swept, "0.3", budget, SQUARED_ERROR)
        structural, _ = fit_baselines(swept, "0.3", budget, distortion_of("ms-ssim", 1.0))
        assert all(structural[name].values["ms-ssim"] >= plain[name].values["ms-ssim"] for name in plain)
        assert all(structural[name].values["psnr"] <= plain[name].values["psnr"] for name in plain)
        if any(structural[name].values["ms-ssim"] > plain[name].values["ms-ssim"] for name in plain):
            return
    pytest.fail("no budget tells the two metrics apart")


def test_every_codec_keeps_the_budget_or_has_no_row(files: list[Path], tmp_path: Path) -> None:
    swept = BaselineSet(files, tmp_path).choose([10, 2500])
    fitted, unfit = fit_baselines(swept, "0.3", 2500, SQUARED_ERROR)
    table = baseline_rows(fitted, season(2021))
    assert {row.team for row in table} | {problem.where.split("/")[0] for problem in unfit} == set(swept)
    assert {row.team for row in table} >= {"AVIF", "WebP"}
    assert all(row.data_bytes is not None and row.data_bytes <= 2500 for row in table)
    assert all(row.settings and row.provenance for row in table)
    chosen = fitted["AVIF"].chosen
    early = next(row for row in baseline_rows(fitted, season(2018)) if row.team == "AVIF")
    assert early.values["ms-ssim"] == pytest.approx(1 - chosen["ms_ssim_loss"].mean())
    assert early.values["ms-ssim"] != pytest.approx(fitted["AVIF"].values["ms-ssim"])
    nothing, unfit = fit_baselines(swept, "0.1", 10, SQUARED_ERROR)
    assert not nothing
    assert len(unfit) == len(swept)
    assert "more than the budget of 10" in str(unfit[0])


def test_rows_tell_tuning_and_effort(files: list[Path], tmp_path: Path) -> None:
    for metric, quick, told in (("psnr", True, "'ultrafast', 'tune': 'psnr'"), ("ms-ssim", False, "'tune': 'ssim'")):
        distortion = distortion_of(metric, 1)
        chosen = BaselineSet(files[:1], tmp_path, None, ["HEVC"], distortion, quick).choose([10**6])
        fitted, _ = fit_baselines(chosen, "9", 10**6, distortion)
        (row,) = baseline_rows(fitted, season(2021))
        assert told in row.settings
