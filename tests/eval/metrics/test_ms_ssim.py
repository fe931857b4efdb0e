from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from eval.metrics import MS_SSIM, PSNR, ms_ssim, squared_error
from eval.metrics.ms_ssim import WINDOW, _filter, _filter_by_products, _window
from tests.conftest import SHARED

IMAGES = SHARED / "reference" / "images"
HERE = Path(__file__).parents[1] / "reference"
REFERENCE: dict[str, Any] = json.loads((HERE / "metrics_reference.json").read_text())

CROPS = [row for row in REFERENCE["edge_cases"]["crops"] if "note" not in row]


def load(name: str) -> NDArray[np.uint8]:
    path = HERE / name if (HERE / name).exists() else IMAGES / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine: the crops beside this test are checked instead")
    return np.asarray(Image.open(path).convert("RGB"))


def psnr(original: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    return PSNR.pooled([squared_error(original, decoded)], [original.size // 3])


@pytest.mark.parametrize("row", REFERENCE["per_image"], ids=lambda row: f"{row['image']}-{row['quality']}")
def test_scores_are_the_organisers(row: dict[str, Any]) -> None:
    original, decoded = load(f"{row['image']}.png"), load(f"{row['image']}_q{row['quality']}.png")
    assert squared_error(original, decoded) == row["sse"]
    assert psnr(original, decoded) == pytest.approx(row["psnr_db"], abs=1e-5)
    assert ms_ssim(original, decoded) == pytest.approx(row["ms_ssim"], abs=1e-6)


@pytest.mark.parametrize(
    "row", [r for r in REFERENCE["edge_cases"]["crops"] if "note" not in r], ids=lambda r: r["original"]
)
def test_scores_of_small_and_odd_pictures_are_the_organisers(row: dict[str, Any]) -> None:
    original, decoded = load(row["original"]), load(row["decoded"])
    assert psnr(original, decoded) == pytest.approx(row["psnr_db"], abs=1e-5)
    assert ms_ssim(original, decoded) == pytest.approx(row["ms_ssim"], abs=1e-6)


def test_similarity_that_is_no_number_counts_as_zero(photo: NDArray[np.uint8]) -> None:
    with pytest.warns(UserWarning, match="fractional power"):
        assert ms_ssim(photo, 255 - photo) == 0.0


def test_equal_pictures_have_the_best_scores(photo: NDArray[np.uint8]) -> None:
    assert psnr(photo, photo) == math.inf
    assert ms_ssim(photo, photo) == 1.0


@pytest.mark.parametrize("key", ["q10", "q30", "q60"])
def test_set_scores_are_the_organisers(key: str) -> None:
    expected = REFERENCE["aggregate"][key]
    rows = [row for row in REFERENCE["per_image"] if f"q{row['quality']}" == key]
    pixels = [row["width"] * row["height"] for row in rows]
    assert PSNR.pooled([row["sse"] for row in rows], pixels) == pytest.approx(expected["psnr_db"], abs=1e-5)
    losses = [1 - row["ms_ssim"] for row in rows]
    assert MS_SSIM.pooled(losses, pixels) == pytest.approx(expected["ms_ssim"], abs=1e-6)


def test_psnr_of_one_picture_is_scikit_images(photo: NDArray[np.uint8]) -> None:
    noisy = np.clip(photo + np.random.default_rng(1).normal(0, 9, photo.shape), 0, 255).astype(np.uint8)
    assert psnr(photo, noisy) == pytest.approx(peak_signal_noise_ratio(photo, noisy, data_range=255), abs=1e-9)


def test_psnr_of_a_set_is_scikit_images_over_all_pixels(photo: NDArray[np.uint8]) -> None:
    noisy = np.clip(photo + np.random.default_rng(1).normal(0, 9, photo.shape), 0, 255).astype(np.uint8)
    noisy[:100] = photo[:100]
    parts = [(photo[rows], noisy[rows]) for rows in (slice(0, 120), slice(120, 150), slice(150, None))]
    errors, pixels = [squared_error(*part) for part in parts], [part[0].size // 3 for part in parts]
    assert PSNR.pooled(errors, pixels) == pytest.approx(peak_signal_noise_ratio(photo, noisy, data_range=255), abs=1e-9)


@pytest.mark.parametrize("size", [WINDOW, 4])
def test_window_of_a_gpu_is_that_of_a_cpu(photo: NDArray[np.uint8], size: int) -> None:
    maps, taps = torch.from_numpy(photo[:40, :50].transpose(2, 0, 1).astype(np.float64)), _window(size)
    torch.testing.assert_close(_filter_by_products(maps, taps), _filter(maps, taps))


def test_ms_ssim_leaves_the_callers_threads_alone(photo: NDArray[np.uint8]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        ms_ssim(photo, photo)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


rows = st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**7)), min_size=2, max_size=9)


@given(rows, st.randoms(use_true_random=False), st.integers(1, 8))
def test_psnr_depends_on_neither_order_nor_cuts(table: list[tuple[int, int]], random: Any, cut: int) -> None:
    def pooled(rows: list[tuple[int, int]]) -> float:
        return PSNR.pooled([error for error, _ in rows], [pixels for _, pixels in rows])

    whole = pooled(table)
    shuffled = list(table)
    random.shuffle(shuffled)
    assert pooled(shuffled) == whole
    position = min(cut, len(table) - 1)
    parts = [
        (sum(error for error, _ in part), sum(pixels for _, pixels in part))
        for part in (table[:position], table[position:])
    ]
    assert pooled(parts) == whole


def test_sizes_that_differ_are_refused(photo: NDArray[np.uint8]) -> None:
    for metric in (squared_error, ms_ssim):
        with pytest.raises(ValueError, match="shapes"):
            metric(photo, photo[:-1])
    for row in (PSNR, MS_SSIM):
        for values, sizes in (([], []), ([1], [1, 2]), ([1], [0])):
            with pytest.raises(ValueError, match="size a picture"):
                row.pooled(values, sizes)
