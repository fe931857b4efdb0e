from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from eval.baselines import Baseline, BaselineCandidate, BaselineSetting, baseline_candidate, installed, interface
from eval.metrics import SQUARED_ERROR, Metric, distortion_of
from rate_control.allocation import allocate_table
from submission.leaderboard import BaselineSet, fit_baselines

BUDGETS = [1200, 1600, 2500]
Made = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What is coded from now on."""
    found: Made = []

    def counted(
        baseline: Baseline, pixels: NDArray[np.uint8], setting: BaselineSetting, metrics: Sequence[Metric]
    ) -> BaselineCandidate | None:
        found.append((baseline.name, baseline.arguments(setting)))
        return baseline_candidate(baseline, pixels, setting, metrics)

    monkeypatch.setattr(import_module("submission.leaderboard.baseline_jobs"), "baseline_candidate", counted)
    return found


def test_interrupted_baselines_go_on_where_they_stopped(files: list[Path], tmp_path: Path, made: Made) -> None:
    first = BaselineSet(files, tmp_path).choose(BUDGETS)
    assert list(first) == [baseline.name for baseline in installed()]
    before = len(made)
    lost = sorted(tmp_path.iterdir())[::3]
    for path in lost:
        path.unlink()
    again = BaselineSet(files, tmp_path).choose(BUDGETS)
    assert len(made) - before == len(lost)
    assert all(again[name].equals(table) for name, table in first.items())


def test_choice_is_as_good_as_that_of_a_whole_curve_and_codes_little_slowly(
    files: list[Path], tmp_path: Path, made: Made
) -> None:
    swept = BaselineSet(files, tmp_path, codecs=["HEVC", "JPEG XL"]).sweep()
    whole = len(made)
    chosen = BaselineSet(files, tmp_path / "other", codecs=["HEVC", "JPEG XL"]).choose(BUDGETS)
    slow = [settings for _, settings in made[whole:] if "placebo" in str(settings) or settings.get("effort") == 10]
    assert len(slow) < whole / 2
    for name, table in swept.items():
        for budget in BUDGETS:
            best, found = (allocate_table(one, budget).values["psnr"] for one in (table, chosen[name]))
            assert found > best - 0.1


@pytest.mark.parametrize("budget", [3200, 4700])
def test_quick_coding_misses_no_setting_that_curves_think_little_of(tmp_path: Path, budget: int) -> None:
    for name, (row, column) in {
        "astronaut": (0, 100),
        "chelsea": (0, 0),
        "coffee": (100, 100),
        "rocket": (150, 200),
    }.items():
        pixels = getattr(skimage.data, name)()[row : row + 200, column : column + 200]
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    files, distortion = sorted(tmp_path.glob("*.png")), distortion_of("ms-ssim", 1)
    swept = BaselineSet(files, tmp_path / "cache", None, ["WebP"], distortion).sweep()["WebP"]
    chosen = BaselineSet(files, tmp_path / "cache", None, ["WebP"], distortion).choose([budget])["WebP"]
    best, found = (allocate_table(table, budget, distortion).values["ms-ssim"] for table in (swept, chosen))
    assert found > best - 0.0005


def test_rows_never_come_from_predicted_or_quick_settings(files: list[Path], tmp_path: Path) -> None:
    for name, table in BaselineSet(files, tmp_path, codecs=["HEVC", "JPEG XL"]).choose(BUDGETS).items():
        slow = next(baseline.choices for baseline in installed() if baseline.name == name)
        assert all(any(choice.items() <= settings.items() for choice in slow) for settings in table["settings"])
        assert not any(isinstance(candidate, tuple) for candidate in table["candidate"])
        assert (table["ms_ssim_loss"] > 0).all()


def test_quick_codecs_are_slow_nowhere(files: list[Path], tmp_path: Path, made: Made) -> None:
    chosen = BaselineSet(files, tmp_path, codecs=["JPEG XL"], quick=True).choose([1300])
    assert {settings["effort"] for _, settings in made} == {3}
    fitted, _ = fit_baselines(chosen, "0.3", 1300, SQUARED_ERROR)
    assert fitted["JPEG XL"].allocation.bytes > 0.95 * 1300


def test_what_is_minimised_decides_what_is_coded(files: list[Path], tmp_path: Path) -> None:
    structural = distortion_of("ms-ssim", 1)
    values = [
        allocate_table(
            BaselineSet(files, tmp_path, None, ["WebP"], asked).choose([3000])["WebP"], 3000, structural
        ).values["ms-ssim"]
        for asked in (structural, SQUARED_ERROR)
    ]
    assert values[0] >= values[1]


def test_codec_that_cannot_code_a_picture_is_left_out_not_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = interface.code

    def picky(baseline: Baseline, pixels: NDArray[np.uint8], arguments: Any) -> Any:
        if baseline.name == "WebP" and min(pixels.shape[:2]) < 32:
            raise RuntimeError("encoder could not be opened")
        return honest(baseline, pixels, arguments)

    monkeypatch.setattr(interface, "code", picky)
    for name, side in (("large", 40), ("tiny", 20)):
        Image.fromarray(skimage.data.coffee()[:side, :side]).save(tmp_path / f"{name}.png")
    codecs = BaselineSet(sorted(tmp_path.glob("*.png")), tmp_path / "cache", codecs=["JPEG", "WebP"])
    chosen = codecs.choose([3000])
    assert list(chosen) == list(codecs.sweep()) == ["JPEG"]
    assert set(chosen["JPEG"]["image"]) == {"large", "tiny"}
    assert "WebP cannot code tiny.png" in capsys.readouterr().err


def test_setting_that_fails_is_not_tried_again_and_another_takes_its_place(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, refused = interface.code, list[int]()

    def picky(baseline: Baseline, pixels: NDArray[np.uint8], arguments: Any) -> Any:
        if arguments["effort"] == 10 and len(refused) < 2:
            refused.append(arguments["quality"])
            raise RuntimeError("encoder could not be opened")
        return honest(baseline, pixels, arguments)

    monkeypatch.setattr(interface, "code", picky)
    chosen = BaselineSet(files, tmp_path, codecs=["JPEG XL"]).choose([1300])["JPEG XL"]
    assert len(refused) == 2
    assert set(chosen["image"]) == {"one", "two"}
    assert allocate_table(chosen, 1300).allocation.bytes > 0.9 * 1300
