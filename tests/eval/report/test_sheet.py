from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from eval.metrics import MS_SSIM
from eval.report import sheet as module
from eval.report.sheet import Contestant, comparison_sheet, picture_table, telling_crop
from eval.score import flatten_pngs, score_folder

RNG = np.random.default_rng(1)


def noisy(pixels: NDArray[np.uint8], amplitude: int) -> NDArray[np.uint8]:
    noise = RNG.integers(-amplitude, amplitude + 1, pixels.shape)
    result: NDArray[np.uint8] = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return result


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Originals and two codecs: the first is worse on the even pictures, better on the odd ones."""
    folder = tmp_path_factory.mktemp("sheet")
    for number in range(8):
        pixels = skimage.data.coffee()[20 * number :][:200, : 200 + 20 * number]
        pictures = {
            "originals": pixels,
            "ours": noisy(pixels, 9 + number if number % 2 == 0 else 5),
            "other": noisy(pixels, 5 if number % 2 == 0 else 9 + number),
        }
        for name, picture in pictures.items():
            (folder / name).mkdir(exist_ok=True)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


def contestant(folders: Path, name: str) -> Contestant:
    score, problems = score_folder(folders / "originals", folders / name)
    assert score is not None, problems
    return Contestant(name, score, flatten_pngs(folders / name)[0])


def test_table_begins_where_we_are_furthest_behind(folders: Path) -> None:
    table = picture_table(contestant(folders, "ours").score, contestant(folders, "other").score)
    assert table["image"].tolist() == ["6", "4", "2", "0", "1", "3", "5", "7"]
    assert table["gain (dB)"].tolist() == pytest.approx((table["PSNR"] - table["PSNR, other"]).tolist())


def test_table_is_ordered_by_the_quality_that_was_asked(folders: Path) -> None:
    table = picture_table(contestant(folders, "ours").score, contestant(folders, "other").score, MS_SSIM)
    assert table["gain (MS-SSIM)"].is_monotonic_increasing
    assert table["gain (MS-SSIM)"].tolist() == pytest.approx((table["MS-SSIM"] - table["MS-SSIM, other"]).tolist())


def test_scores_of_different_sets_are_not_compared(folders: Path) -> None:
    ours, other = (contestant(folders, name).score for name in ("ours", "other"))
    with pytest.raises(ValueError, match="different sets"):
        picture_table(ours, type(other)(other.pictures[1:]))


def test_sheet_shows_original_pixels_one_to_one(folders: Path) -> None:
    ours, other = contestant(folders, "ours"), contestant(folders, "other")
    with Image.open(io.BytesIO(comparison_sheet(folders / "originals", ours, other))) as picture:
        page = np.asarray(picture)
    original, decoded, theirs = (np.asarray(Image.open(folders / n / "6.png")) for n in ("originals", "ours", "other"))
    rows, columns = telling_crop(original, decoded, theirs, find_worst=True)
    top, step = module.MARGIN + module.LINE, module.CROP + module.MARGIN
    for number, source in enumerate((original, decoded, theirs)):
        crop = source[rows, columns]
        left = module.MARGIN + number * step
        assert np.array_equal(page[top : top + crop.shape[0], left : left + crop.shape[1]], crop)
    assert page.shape[0] == 2 * module.SHOWN * (200 + module.LINE + 2 * module.MARGIN)


def test_equal_results_and_a_set_of_one_still_make_a_sheet(folders: Path, tmp_path: Path) -> None:
    Image.open(folders / "originals" / "0.png").save(tmp_path / "0.png")
    score, _ = score_folder(tmp_path, tmp_path)
    assert score is not None
    same = Contestant("same", score, flatten_pngs(tmp_path)[0])
    with Image.open(io.BytesIO(comparison_sheet(tmp_path, same, same))) as picture:
        assert picture.height == 200 + module.LINE + 2 * module.MARGIN


def test_crop_is_where_the_codecs_differ_most() -> None:
    original = np.full((700, 900, 3), 128, np.uint8)
    ours, other = original.copy(), original.copy()
    ours[500:520, 600:620] += 50
    other[100:120, 50:70] += 40
    for find_worst, row, column in ((True, 510, 610), (False, 110, 60)):
        rows, columns = telling_crop(original, ours, other, find_worst)
        assert rows.stop - rows.start == columns.stop - columns.start == module.CROP
        assert rows.start <= row < rows.stop
        assert columns.start <= column < columns.stop
