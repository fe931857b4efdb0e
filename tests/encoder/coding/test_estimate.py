from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.grids import latent_size
from decoder_pkg.pixels.filters import FilterChain
from decoder_pkg.pixels.tiles import Span, tiles
from encoder.codecs import coding_setting
from encoder.coding import AnalysedPicture, Estimate
from encoder.coding.estimate import LEAST_WINDOWS, MARGIN, SHARE, WINDOW, sampling, windows
from encoder.models import Zoo, load_zoo
from eval.metrics import MS_SSIM, PSNR

METRICS = PSNR, MS_SSIM
MODULE = importlib.import_module(windows.__module__)
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def shipped() -> Zoo:
    return load_zoo()


@pytest.mark.parametrize(("model", "gain"), [(1, 0), (1, 24), (1, 48), (3, 23), (3, 35)])
def test_estimate_lies_near_the_coded_stream(
    shipped: Zoo, photo: Pixels, model: int, gain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else too many settings would have to be coded before a choice is one of what is known."""
    monkeypatch.setattr(MODULE, "LEAST_WINDOWS", 1000)
    picture = AnalysedPicture(photo, shipped.models[model], shipped.bundle.post_filters)
    found = picture.estimate(coding_setting(gain, Q_ONE), METRICS)
    coded, decoded = picture.encode(coding_setting(gain, Q_ONE), chain=FilterChain())
    assert found.position == gain
    assert found.bits == pytest.approx(8 * coded.header.length, rel=0.03)
    assert found.losses[PSNR.column] == pytest.approx(coded.squared_error, rel=0.05)
    assert found.losses[MS_SSIM.column] == pytest.approx(MS_SSIM.measure(photo, decoded), rel=0.1)


PHOTOGRAPHS = skimage.data.astronaut, skimage.data.coffee, skimage.data.rocket


@pytest.fixture(scope="module")
def estimates(golden_zoo: Zoo) -> list[tuple[Estimate, Estimate]]:
    """Of photographs by their windows, and by the whole."""
    pictures = [AnalysedPicture(photograph(), golden_zoo.models[8]) for photograph in PHOTOGRAPHS]
    by_windows = [picture.estimate(coding_setting(24, Q_ONE), METRICS) for picture in pictures]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "LEAST_WINDOWS", 1000)
        return list(
            zip(by_windows, (picture.estimate(coding_setting(24, Q_ONE), METRICS) for picture in pictures), strict=True)
        )


@pytest.mark.parametrize("column", [PSNR.column, MS_SSIM.column])
def test_losses_of_windows_stand_for_those_of_the_whole(
    estimates: list[tuple[Estimate, Estimate]], column: str
) -> None:
    ratios = np.array([by_windows.losses[column] / whole.losses[column] for by_windows, whole in estimates])
    assert (ratios != 1).all()
    assert (abs(np.log(ratios)) < np.log(1.5)).all()
    assert abs(np.log(ratios).mean()) < np.log(1.15)


def test_bits_are_those_of_the_whole_picture_not_of_its_windows(estimates: list[tuple[Estimate, Estimate]]) -> None:
    assert all(by_windows.bits == whole.bits for by_windows, whole in estimates)


def test_window_is_decoded_as_within_the_whole_picture(golden_zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that tile a picture lose what the picture loses, up to what little their margins lack."""
    picture = AnalysedPicture(skimage.data.astronaut()[:185, :380], golden_zoo.models[7])
    whole = picture.estimate(coding_setting(24, Q_ONE), [PSNR]).losses[PSNR.column]
    parts = list(tiles((12, 24), WINDOW, MARGIN))
    assert len(parts) == 2
    monkeypatch.setattr(MODULE, "windows", lambda height, width: parts)
    assert picture.estimate(coding_setting(24, Q_ONE), [PSNR]).losses[PSNR.column] == pytest.approx(whole, rel=1e-3)


sides = st.integers(1, 300)


@given(sides, sides)
def test_windows_lie_within_the_grid_and_are_the_same_every_time(height: int, width: int) -> None:
    found = list(windows(height, width))
    assert found == list(windows(height, width))
    for pair in found:
        for span, side in zip(pair, (height, width), strict=True):
            assert 0 <= span.outer_start <= span.start < span.stop <= span.outer_stop <= side
            if len(found) > 1:
                assert span.stop - span.start == min(side, WINDOW)
                assert span.outer_start == max(0, span.start - MARGIN)
                assert span.outer_stop == min(side, span.stop + MARGIN)
    if len(found) > 1:
        assert len(found) >= max(LEAST_WINDOWS, round(SHARE * height * width / WINDOW**2))
        assert len(set(found)) > 1
        assert len(found) * (WINDOW + 2 * MARGIN) ** 2 < height * width
    else:
        whole = tuple((span.start, span.stop) for span in found[0])
        assert whole == ((0, height), (0, width))


def test_windows_of_a_large_picture_are_spread_over_all_of_it() -> None:
    found = list(windows(*latent_size(2048, 3072)))
    starts = [(4 * down.start // 128, 4 * across.start // 192) for down, across in found]
    assert {quarter for quarter, _ in starts} == {quarter for _, quarter in starts} == set(range(4))
    assert {(down // 2, across // 2) for down, across in starts} == set(itertools.product(range(2), range(2)))


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (700, 3), (17, 15), (15, 20000)])
def test_picture_of_any_size_is_estimated(golden_zoo: Zoo, size: tuple[int, int]) -> None:
    ramp = np.arange(size[0] * size[1] * 3).reshape(*size, 3) // 7 % 256
    picture = AnalysedPicture(ramp.astype(np.uint8), golden_zoo.models[7])
    found = picture.estimate(coding_setting(24, Q_ONE), [PSNR])
    assert found.bits > 0
    assert np.isfinite(found.losses[PSNR.column])


def test_metric_that_is_a_sum_is_scaled_to_the_picture_and_a_mean_is_not(golden_zoo: Zoo, photo: Pixels) -> None:
    small, large = photo[:96, :128], np.tile(photo[:96, :128], (2, 3, 1))
    one, six = (
        AnalysedPicture(p, golden_zoo.models[7]).estimate(coding_setting(24, Q_ONE), METRICS).losses
        for p in (small, large)
    )
    assert six[PSNR.column] == pytest.approx(6 * one[PSNR.column], rel=0.2)
    assert six[MS_SSIM.column] == pytest.approx(one[MS_SSIM.column], rel=0.2)


def test_loss_of_a_picture_that_is_not_like_its_windows_is_known_from_its_latents(
    shipped: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else pictures with calm windows would seem to need no bytes, and be coded again and again."""
    pixels = np.concatenate([photo[:96, :128] // 4, photo[:96, :128]])
    picture = AnalysedPicture(pixels, shipped.models[1])
    expected = picture.estimate(coding_setting(24, Q_ONE), METRICS).losses
    for half in (0, 6), (6, 12):
        window = Span(*half, *half), Span(0, 8, 0, 8)
        monkeypatch.setattr(MODULE, "windows", lambda height, width, window=window: [window])
        found = picture.estimate(coding_setting(24, Q_ONE), METRICS)
        assert abs(np.log(found.losses[PSNR.column] / expected[PSNR.column])) > 0.4
        assert found.whole(PSNR.column) == pytest.approx(expected[PSNR.column], rel=0.25)
        assert found.whole(MS_SSIM.column) == found.losses[MS_SSIM.column]


def test_flat_windows_tell_nothing_of_the_whole() -> None:
    errors = np.zeros((64, 64))
    assert sampling(errors, np.ones((64, 64))) == 1
    assert sampling(errors + 1, np.ones((64, 64))) == 1
