from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import skimage.data
from PIL import Image

from eval.command_line import call_module
from eval.score import score_folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, pixels in (("a", skimage.data.coffee()[:70, :90]), ("b", skimage.data.rocket()[:80, :60])):
        for folder, shift in (("originals", 0), ("decoded", 3)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels // 2 + shift).save(tmp_path / folder / f"{name}.png")
    return tmp_path / "originals", tmp_path / "decoded"


def run(*arguments: Path | str) -> int:
    return call_module("eval", "eval.command", [*map(str, arguments)])


def test_scores_that_are_printed_are_those_of_the_set(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(*folders, "--csv", tmp_path / "scores.csv") == 0
    score, _ = score_folder(*folders)
    assert score is not None
    assert f"set: PSNR {score.values['psnr']:.6f}, MS-SSIM {score.values['ms-ssim']:.6f}" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "scores.csv")
    assert list(table["image"]) == ["a", "b"]
    assert {"commit", "bundle_sha256", "torch", "threads", "device", "date"} < set(table.columns)
    assert list(table["PSNR"]) == pytest.approx([38.588] * 2, abs=1e-3)


def test_scores_are_shown_where_their_table_cannot_be_written(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert run(*folders, "--csv", tmp_path / "file" / "scores.csv") == 1
    shown = capsys.readouterr()
    assert "set: PSNR" in shown.out
    assert shown.err.startswith(("NotADirectoryError: ", "FileExistsError: "))


def test_table_never_takes_a_picture_s_place(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    for picture in (folders[0] / "a.png", folders[1] / "b.png"):
        before = picture.read_bytes()
        assert run(*folders, "--csv", picture) == 1
        assert "is the input" in capsys.readouterr().err
        assert picture.read_bytes() == before


def test_missing_picture_ends_without_a_score(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    (folders[1] / "a.png").unlink()
    assert run(*folders) == 1
    shown = capsys.readouterr()
    assert not shown.out
    assert "a.png: missing" in shown.err
