from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from eval.baselines import Baseline, BaselineCandidate, baseline_candidates, installed, interface
from eval.metrics import SQUARED_ERROR, Metric, distortion_of
from submission.leaderboard.baseline_rows import baseline_rows, fit_baselines, sweep_baselines
from submission.seasons import season


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in (("one", skimage.data.astronaut()[:96, :128]), ("two", skimage.data.coffee()[:90, :80])):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def test_interrupted_baselines_go_on_where_they_stopped(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sweep_baselines(files[:1], tmp_path)
    assert list(first) == [baseline.name for baseline in installed()]
    honest, made = baseline_candidates, []

    def counted(
        baseline: Baseline, pixels: NDArray[np.uint8], metrics: Sequence[Metric]
    ) -> Iterator[BaselineCandidate]:
        made.append(baseline)
        return honest(baseline, pixels, metrics)

    monkeypatch.setattr(import_module("submission.leaderboard.baseline_rows"), "baseline_candidates", counted)
    both = sweep_baselines(files, tmp_path)
    assert len(made) == len(installed())
    for name, table in both.items():
        assert table[table["image"] == "one"].equals(first[name])


def test_codec_that_cannot_code_a_picture_is_left_out_not_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = interface.code

    def picky(baseline: Baseline, pixels: NDArray[np.uint8], settings: Any) -> Any:
        if baseline.name == "WebP" and min(pixels.shape[:2]) < 32:
            raise RuntimeError("encoder could not be opened")
        return honest(baseline, pixels, settings)

    monkeypatch.setattr(interface, "code", picky)
    for name, side in (("large", 40), ("tiny", 20)):
        Image.fromarray(skimage.data.coffee()[:side, :side]).save(tmp_path / f"{name}.png")
    swept = sweep_baselines(sorted(tmp_path.glob("*.png")), tmp_path / "cache", codecs=["JPEG", "WebP"])
    assert list(swept) == ["JPEG"]
    assert set(swept["JPEG"]["image"]) == {"large", "tiny"}
    assert "WebP cannot code tiny.png" in capsys.readouterr().err


def test_conventional_codecs_are_allocated_for_what_was_asked(files: list[Path], tmp_path: Path) -> None:
    swept = sweep_baselines(files, tmp_path, codecs=["JPEG", "WebP"])
    for budget in range(1500, 5000, 500):
        plain, _ = fit_baselines(swept, "0.3", budget, SQUARED_ERROR)
        structural, _ = fit_baselines(swept, "0.3", budget, distortion_of("ms-ssim", 1.0))
        assert all(structural[name].values["ms-ssim"] >= plain[name].values["ms-ssim"] for name in plain)
        assert all(structural[name].values["psnr"] <= plain[name].values["psnr"] for name in plain)
        if any(structural[name].values["ms-ssim"] > plain[name].values["ms-ssim"] for name in plain):
            return
    pytest.fail("no budget tells the two metrics apart")


def test_every_codec_keeps_the_budget_or_has_no_row(files: list[Path], tmp_path: Path) -> None:
    swept = sweep_baselines(files, tmp_path)
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


def test_rows_by_ms_ssim_say_that_codecs_are_tuned_for_it(files: list[Path], tmp_path: Path) -> None:
    for metric, tuning in (("psnr", "psnr"), ("ms-ssim", "ssim")):
        swept = sweep_baselines(files[:1], tmp_path, codecs=["HEVC"], distortion=distortion_of(metric, 1))
        fitted, _ = fit_baselines(swept, "9", 10**6, distortion_of(metric, 1))
        (row,) = baseline_rows(fitted, season(2021))
        assert f"'tune': '{tuning}'" in row.settings
