from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eval.leaderboard import Row, leaderboard
from eval.score import score_folder

RNG = np.random.default_rng(1)


def save(path: Path, shape: tuple[int, ...] = (40, 50, 3)) -> None:
    """A slope with a little noise: pictures of one shape are similar, none are equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    slope = np.linspace(0, 240, int(np.prod(shape))).reshape(shape)
    Image.fromarray((slope + RNG.integers(0, 16, shape)).astype(np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        save(tmp_path / "originals" / f"{name}.png")
        save(tmp_path / "decoded" / "images" / f"{name}.png")
    return tmp_path / "originals", tmp_path / "decoded"


def messages(folders: tuple[Path, Path]) -> list[str]:
    score, problems = score_folder(*folders)
    assert score is None
    return [f"{problem.file}: {problem.message}" for problem in problems]


def test_pictures_in_any_subfolder_are_found(folders: tuple[Path, Path]) -> None:
    score, problems = score_folder(*folders)
    assert score is not None
    assert not problems
    assert [p.name for p in score.pictures] == ["a", "b"]
    assert 30 < score.psnr_db < 33
    assert 0.5 < score.ms_ssim < 1


def test_missing_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    (folders[1] / "images" / "a.png").unlink()
    assert messages(folders) == ["a.png: missing"]


def test_extra_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "c.png")
    assert messages(folders) == ["c.png: not among the originals"]


def test_doubled_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "again" / "a.png")
    assert "second picture" in messages(folders)[0]


def test_wrong_size_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "images" / "a.png", (40, 49, 3))
    assert messages(folders) == ["a.png: is 49x40, the original 50x40"]


def test_grey_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "images" / "a.png", (40, 50))
    assert "mode L" in messages(folders)[0]


def test_empty_file_forbids_a_score(folders: tuple[Path, Path]) -> None:
    (folders[1] / "images" / "a.png").write_bytes(b"")
    assert messages(folders)[0].startswith("a.png: cannot be read")


def test_folder_without_originals_forbids_a_score(tmp_path: Path) -> None:
    assert "no original" in messages((tmp_path, tmp_path))[0]


def test_leaderboard_puts_the_best_psnr_first() -> None:
    rows = [Row("worse", 0.99, 30.0, 100), Row("better", 0.9, 31.0, 100, 5, 1.25)]
    table = leaderboard(rows, ("Team", "FID", "Decoder size"))
    assert list(table.columns) == ["Team", "FID", "Decoder size"]
    assert table["Team"].tolist() == ["better", "worse"]
    assert table["Decoder size"].tolist() == ["5", ""]
