from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from decoder_pkg.decoder import decode_archive
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.pixels.filters.interface import FilterChain
from decoder_pkg.pixels.filters.linear import COLOURS, FEATURES, LinearFilter, LinearParameters
from decoder_pkg.pixels.render import Tile, to_bytes
from decoder_pkg.pixels.tiles import spans
from encoder.candidates import CandidateCache
from encoder.codecs import ModelSetting, coding_setting, trained_multiplier
from encoder.coding import AnalysedPicture, parts_of
from encoder.filters import linear as linear_fit
from encoder.filters.linear import (
    LinearEncoder,
    NormalEquations,
    fit_filter,
    in_basis,
    normal_equations,
)
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder
from encoder.presets import Preset
from encoder.refinement import RefinementSetting
from encoder.refinement import tiles as refine
from encoder.refinement.tiles import refine_latents
from eval.metrics import SQUARED_ERROR, distortion_of, ms_ssim, squared_error
from tests.encoder.filters.pictures import FLAT, decoded_tiles
from tests.streams import archive_of

Pixels = NDArray[np.uint8]


def analysed(zoo: Zoo, photo: Pixels, model: int = 8) -> AnalysedPicture:
    return AnalysedPicture(np.ascontiguousarray(photo[:96, 100:230]), zoo.models[model], zoo.bundle.post_filters)


def test_fitted_filter_saves_more_than_its_bits(golden_zoo: Zoo, filtered_zoo: Zoo, photo: Pixels) -> None:
    for gain in (0, 24, 48):
        plain, filtered = (
            analysed(zoo, photo).encode(coding_setting(gain, 128))[0] for zoo in (golden_zoo, filtered_zoo)
        )
        assert filtered.header.filters == [0]
        saved = plain.squared_error - filtered.squared_error
        assert saved > trained_multiplier(gain) * (filtered.header.length - plain.header.length)


def test_filtered_picture_decodes_to_what_was_measured(filtered_zoo: Zoo, photo: Pixels) -> None:
    candidate, pixels = analysed(filtered_zoo, photo).encode(coding_setting(16, 128))
    (decoded,) = decode_archive(filtered_zoo.bundle, archive_of(filtered_zoo.bundle, candidate.entry("a")))
    assert decoded.pixels is not None
    assert np.array_equal(decoded.pixels, pixels)
    assert squared_error(photo[:96, 100:230], pixels) == candidate.squared_error


def linear(zoo: Zoo) -> LinearFilter:
    """The only post-filter of a bundle."""
    (shipped,) = zoo.bundle.filters.values()
    assert isinstance(shipped.filter, LinearFilter)
    return shipped.filter


def test_strength_that_costs_least_is_found(filtered_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, gain, post_filter = analysed(filtered_zoo, photo), 16, linear(filtered_zoo)
    multiplier, tiles = trained_multiplier(gain), decoded_tiles(picture, gain)
    equations = normal_equations(picture.pixels, tiles)
    found = fit_filter(post_filter, equations, gain, multiplier)
    assert found is not None

    def cost(fitted: LinearParameters) -> float:
        """Bits and squared error, as if nothing were cut off, less the error without a filter."""
        weights = fitted.coefficients * post_filter.step(fitted.m, gain)
        projected = in_basis(post_filter, equations)
        gained = float(weights @ (2 * projected.vector - projected.matrix @ weights))
        return multiplier * LinearEncoder().bits(post_filter, fitted) / 8 - gained

    monkeypatch.setattr(linear_fit, "M_STEPS", ())
    for m in (found.m - 1, found.m + 1, 1, 255):
        monkeypatch.setattr(linear_fit, "FIRST_M", m)
        other = fit_filter(post_filter, equations, gain, multiplier)
        assert other is None or cost(other) >= cost(found)
    before, after = (float(((p.clamp(0, 1) * 255)[:, :96, :130] - original(picture)).square().sum())
                     for p in (tiles[0].picture, post_filter.apply(tiles[0].picture, found)))  # fmt: skip
    # Samples beyond the picture's range are cut off only afterwards, hence a little leeway.
    bits = LinearEncoder().bits(post_filter, found)
    assert cost(found) == pytest.approx(after - before + multiplier * bits / 8, rel=0.05)


def original(picture: AnalysedPicture) -> torch.Tensor:
    return torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1).float()


def test_picture_without_error_needs_no_filter(filtered_zoo: Zoo) -> None:
    pixels = np.full((32, 48, 3), 90, dtype=np.uint8)
    flat = torch.full((3, 32, 48), 90 / 255)
    tile = Tile(flat, next(iter(spans(2, 8, 0))), next(iter(spans(3, 8, 0))))
    assert np.array_equal(to_bytes(flat), pixels)
    assert fit_filter(linear(filtered_zoo), normal_equations(pixels, [tile]), 24, trained_multiplier(24)) is None


def test_equations_of_a_single_filter_are_those_of_its_numbers(filtered_zoo: Zoo, photo: Pixels) -> None:
    post_filter = linear(filtered_zoo)
    rng = np.random.default_rng(1)
    matrix = np.cov(rng.normal(size=(FEATURES, 200)))
    equations = NormalEquations(matrix, rng.normal(size=(FEATURES, COLOURS)))
    for k in (0, 5):
        single = copy.copy(post_filter)
        single.basis = post_filter.basis[k : k + 1]
        inside = in_basis(single, equations)
        weights = post_filter.basis[k].astype(np.float64)
        assert inside.vector[0] == pytest.approx((weights * equations.vector).sum())
        assert inside.matrix[0, 0] == pytest.approx(np.trace(weights.T @ matrix @ weights), rel=1e-3)


def test_spliced_stream_keeps_the_smaller_ones_filter(filtered_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    pixels = np.ascontiguousarray(photo[:96, 100:230])
    coder = PictureCoder(pixels, filtered_zoo, CandidateCache(tmp_path))
    preset = Preset("once", "local", 20)
    start = [ModelSetting(8, 24, Q_ONE)]
    large, small = (coder.refine(start, multiplier, preset, kept=True).candidate for multiplier in (50.0, 800.0))
    wanted = (small.header.length + large.header.length) // 2
    model = filtered_zoo.models[small.header.model]
    expected = parts_of(model, small, filtered_zoo.bundle.post_filters)[1].links[0].parameters
    found = next(coder.between(small, large, range(wanted - 1, wanted + 1))).candidate
    assert wanted - 1 <= found.header.length <= wanted
    fitted = parts_of(model, found, filtered_zoo.bundle.post_filters)[1].links[0].parameters
    assert fitted.m == expected.m
    assert np.array_equal(fitted.coefficients, expected.coefficients)


def test_stream_of_a_given_filter_is_the_same_again(filtered_zoo: Zoo, photo: Pixels) -> None:
    picture = analysed(filtered_zoo, photo)
    setting = coding_setting(20, 97)
    candidate, _ = picture.encode(setting)
    latents, chain = parts_of(picture.model, candidate, picture.filters)
    assert chain.links
    assert picture.encode(setting, latents, chain)[0] == candidate
    without, _ = picture.encode(setting, chain=FilterChain())
    assert without.header.filters == []
    assert without.squared_error > candidate.squared_error


def test_results_with_another_filter_are_other_results(
    golden_zoo: Zoo, filtered_zoo: Zoo, photo: Pixels, tmp_path: Path
) -> None:
    cache = CandidateCache(tmp_path)
    first, second = (PictureCoder(photo[:64, :64], zoo, cache).encode(8, 24) for zoo in (golden_zoo, filtered_zoo))
    assert (first.candidate.header.filters, second.candidate.header.filters) == ([], [0])


def test_refinement_counts_on_the_filter(filtered_zoo: Zoo, photo: Pixels) -> None:
    """Refined without regard to it, latents would pay for what the filter does anyway."""
    picture, multiplier = analysed(filtered_zoo, photo), trained_multiplier(24)
    setting = RefinementSetting(24, 128, multiplier)
    blind = AnalysedPicture(picture.pixels, picture.model)
    costs = [
        candidate.squared_error + multiplier * candidate.header.length
        for latents in (refine_latents(p, setting, "local", 30).latents for p in (picture, blind))
        for candidate in (picture.encode(setting.coding, latents)[0],)
    ]
    assert costs[0] < costs[1]


@pytest.mark.parametrize("gain", [0, 24, 48])
@pytest.mark.parametrize("pixels", FLAT.values(), ids=FLAT)
def test_filter_never_makes_a_flat_picture_worse(filtered_zoo: Zoo, pixels: NDArray[np.generic], gain: int) -> None:
    """Features that hardly vary leave the equations nearly singular."""
    picture = AnalysedPicture(pixels.astype(np.uint8), filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    setting = coding_setting(gain, 128)
    with_it, without = picture.encode(setting)[0], picture.encode(setting, chain=FilterChain())[0]
    multiplier = trained_multiplier(gain)
    costs = [candidate.squared_error + multiplier * candidate.header.length for candidate in (with_it, without)]
    assert costs[0] <= costs[1] + 2 * multiplier


def test_no_filter_promises_more_than_there_is_to_win(filtered_zoo: Zoo) -> None:
    post_filter = linear(filtered_zoo)
    for pixels in FLAT.values():
        original = pixels.astype(np.uint8)
        decoded = torch.from_numpy(original.copy()).permute(2, 0, 1) / 255 + 0.004
        tile = Tile(decoded, next(iter(spans(6, 8, 0))), next(iter(spans(8, 8, 0))))
        error = float(((decoded.clamp(0, 1) * 255).permute(1, 2, 0) - torch.from_numpy(original)).square().sum())
        equations, multiplier = in_basis(post_filter, normal_equations(original, [tile])), trained_multiplier(48)
        fitted = fit_filter(post_filter, normal_equations(original, [tile]), 48, multiplier)
        if fitted:
            weights = fitted.coefficients * post_filter.step(fitted.m, 48)
            assert weights @ (2 * equations.vector - equations.matrix @ weights) <= error


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (17, 15)])
def test_any_size_can_be_filtered_and_refined(filtered_zoo: Zoo, photo: Pixels, size: tuple[int, int]) -> None:
    pixels = np.ascontiguousarray(photo[: size[0], : size[1]])
    picture = AnalysedPicture(pixels, filtered_zoo.models[7], filtered_zoo.bundle.post_filters)
    setting = RefinementSetting(24, 128, trained_multiplier(24))
    for latents in (None, refine_latents(picture, setting, "local", 2).latents):
        candidate, expected = picture.encode(setting.coding, latents)
        (decoded,) = decode_archive(filtered_zoo.bundle, archive_of(filtered_zoo.bundle, candidate.entry("a")))
        assert decoded.pixels is not None
        assert np.array_equal(decoded.pixels, expected)


def test_tiles_with_a_filter_are_refined_like_the_whole(
    filtered_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.ascontiguousarray(photo[:160, :192])
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    setting = RefinementSetting(24, 128, trained_multiplier(24))

    def cost() -> float:
        candidate, _ = picture.encode(setting.coding, refine_latents(picture, setting, "local", 12).latents)
        return candidate.squared_error + setting.multiplier * candidate.header.length

    whole, plain = cost(), picture.encode(setting.coding)[0]
    monkeypatch.setattr(refine, "TILE", 8)
    monkeypatch.setattr(refine, "REACH", 4)
    assert cost() == pytest.approx(whole, rel=0.01)
    assert whole < plain.squared_error + setting.multiplier * plain.header.length


def test_refinement_for_similarity_with_a_filter_buys_similarity(filtered_zoo: Zoo, photo: Pixels) -> None:
    picture = AnalysedPicture(photo[:176, :176].copy(), filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    values = []
    for distortion, multiplier in ((SQUARED_ERROR, trained_multiplier(24)), (distortion_of("ms-ssim", 1.0), 0.5)):
        setting = RefinementSetting(24, 128, multiplier, distortion)
        refined = refine_latents(picture, setting, "local", 20)
        values.append(ms_ssim(picture.pixels, picture.encode(setting.coding, refined.latents)[1]))
    assert values[1] > values[0]


def test_filter_of_which_nothing_is_coded_is_none(filtered_zoo: Zoo, photo: Pixels) -> None:
    silent = copy.copy(linear(filtered_zoo))
    silent.scale_bins = np.full_like(silent.scale_bins, -5000)
    picture = AnalysedPicture(np.ascontiguousarray(photo[:64, :64]), filtered_zoo.models[8], {0: silent})
    assert picture.encode(coding_setting(24, 128))[0].header.filters == []
