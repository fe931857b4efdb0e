from __future__ import annotations

import io
import math
from dataclasses import replace

import pytest
from PIL import Image

from eval.metrics import MS_SSIM, PSNR
from eval.published import CLIC_2021_VALIDATION, read_pictures
from eval.report.curve_plots import curves_plot
from eval.report.curves import KODAK_PICTURES, MEAN, PUBLISHED_CURVES, SET, Curve, bjontegaard_delta, published_curves

RATES = (0.1, 0.2, 0.4, 0.8, 1.6)
LEVELS = (26.0, 28.5, 31.2, 34.0, 37.0)
ANCHOR = Curve("anchor", MEAN, RATES, {"psnr": LEVELS, "ms-ssim": (0.90, 0.94, 0.97, 0.985, 0.993)})


def test_half_the_rate_is_minus_fifty_percent() -> None:
    half = replace(ANCHOR, name="half", bpp=tuple(rate / 2 for rate in RATES))
    for metric in (PSNR, MS_SSIM):
        assert bjontegaard_delta(ANCHOR, half, metric).rate_percent == pytest.approx(-50, abs=1e-6)


def test_one_decibel_more_is_one_decibel() -> None:
    better = replace(ANCHOR, values={"psnr": tuple(level + 1 for level in LEVELS)})
    delta = bjontegaard_delta(ANCHOR, better)
    assert delta.quality_db == pytest.approx(1, abs=1e-9)
    assert delta.rate_percent < 0
    assert delta.quality_range == (27.0, 37.0)
    assert delta.rate_range == (0.1, 1.6)


def test_swapped_curves_swap_the_signs() -> None:
    better = replace(ANCHOR, values={"psnr": tuple(level + 1 for level in LEVELS)})
    there, back = bjontegaard_delta(ANCHOR, better), bjontegaard_delta(better, ANCHOR)
    assert there.quality_db == pytest.approx(-back.quality_db)
    assert (1 + there.rate_percent / 100) * (1 + back.rate_percent / 100) == pytest.approx(1)


def test_fewer_than_four_points_are_refused() -> None:
    with pytest.raises(ValueError, match="has 3 points of PSNR"):
        bjontegaard_delta(ANCHOR, ANCHOR.within(0.15, 1.0))


def test_curve_without_ms_ssim_has_no_delta_of_it() -> None:
    with pytest.raises(ValueError, match="0 points of MS-SSIM"):
        bjontegaard_delta(ANCHOR, replace(ANCHOR, values={"psnr": LEVELS}), MS_SSIM)


def test_lossless_points_do_not_count() -> None:
    lossless = replace(ANCHOR, values={"psnr": (*LEVELS[:3], math.inf, math.inf)})
    with pytest.raises(ValueError, match="has 3 points"):
        bjontegaard_delta(ANCHOR, lossless)


def test_curves_that_do_not_overlap_are_refused() -> None:
    far = replace(ANCHOR, name="far", values={"psnr": tuple(level + 20 for level in LEVELS)})
    with pytest.raises(ValueError, match="no range of PSNR"):
        bjontegaard_delta(ANCHOR, far)
    away = replace(ANCHOR, name="away", bpp=tuple(rate * 100 for rate in RATES))
    with pytest.raises(ValueError, match="no range of rate"):
        bjontegaard_delta(ANCHOR, away)


def test_mean_of_pictures_is_not_compared_with_a_whole_set() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        bjontegaard_delta(ANCHOR, replace(ANCHOR, kind=SET))


def test_doubled_and_falling_points_do_not_break_the_interpolation() -> None:
    doubled = Curve("doubled", MEAN, (0.1, 0.1, *RATES[1:], 1.7), {"psnr": (26.0, 25.0, *LEVELS[1:], 36.0)})
    assert bjontegaard_delta(ANCHOR, doubled).rate_percent == pytest.approx(0, abs=1e-9)


def test_published_curves_are_shown_on_the_very_same_pictures_alone() -> None:
    for same in (KODAK_PICTURES, read_pictures(CLIC_2021_VALIDATION)):
        curves = published_curves(same)
        assert {curve.kind for curve in curves} == {MEAN, SET}
        assert all(curve.published for curve in curves)
    for pixels in ({"kodim01": 768 * 512}, KODAK_PICTURES | {"kodim24": 1}, KODAK_PICTURES | {"further": 1}):
        assert published_curves(pixels) == []


def test_every_published_curve_rises_and_is_long_enough() -> None:
    for table in PUBLISHED_CURVES:
        for curve in table.load():
            assert len(curve.bpp) >= 4
            assert sorted(curve.bpp) == list(curve.bpp)
            assert sorted(curve.values["psnr"]) == list(curve.values["psnr"])
            assert all(len(values) == len(curve.bpp) for values in curve.values.values())


def test_picture_is_drawn_with_and_without_measured_curves() -> None:
    published = replace(ANCHOR, published=True, values={"psnr": LEVELS})
    for curves in ([ANCHOR, published], [published], [replace(ANCHOR, values={"psnr": (*LEVELS[:4], math.inf)})]):
        with Image.open(io.BytesIO(curves_plot(curves, "title"))) as picture:
            assert picture.format == "PNG"
