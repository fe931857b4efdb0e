from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from decoder_pkg.codecs import LATENTS, CodingSetting
from decoder_pkg.pixels.filters.interface import FilterChain
from encoder.codecs import Latents
from encoder.coding import AnalysedPicture
from encoder.models import Zoo
from encoder.refinement import RefinementSetting
from encoder.refinement import tiles as refining
from encoder.refinement.methods import METHODS
from encoder.refinement.tiles import FURTHER, _stages, refine_latents
from eval.metrics import SQUARED_ERROR, distortion_of, ms_ssim
from tests.encoder.refining import MULTIPLIER, Pixels, real_cost, small


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("name", ["l-opt", "local"])
def test_refinement_saves_real_bytes_as_it_promised(golden_zoo: Zoo, photo: Pixels, number: int, name: str) -> None:
    picture = AnalysedPicture(small(photo), golden_zoo.models[number])
    setting = RefinementSetting(24, 128, MULTIPLIER)
    refined = refine_latents(picture, setting, name, 25)
    start = picture.latents(setting.coding.gain)
    before, after = (real_cost(picture, setting, latents) for latents in (start, refined.latents))
    assert after < 0.995 * before
    assert after == pytest.approx(refined.cost, rel=0.01)


@pytest.mark.parametrize("number", [7, 8])
def test_tiles_are_refined_like_the_whole(
    golden_zoo: Zoo, photo: Pixels, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = AnalysedPicture(photo[:170, :200], golden_zoo.models[number])
    setting = RefinementSetting(24, 128, MULTIPLIER)
    whole = refine_latents(picture, setting, "local", 20).latents
    monkeypatch.setattr(refining, "TILE", 4)
    monkeypatch.setattr(refining, "REACH", 4)
    refined = refine_latents(picture, setting, "local", 20)
    tiled = refined.latents
    assert {name: grid.shape for name, grid in tiled.items()} == {name: grid.shape for name, grid in whole.items()}
    start = picture.latents(setting.coding.gain)
    before, one, other = (real_cost(picture, setting, latents) for latents in (start, whole, tiled))
    assert other < before - 0.5 * (before - one)
    assert refined.cost == pytest.approx(other, rel=0.02)


def test_refinement_for_similarity_buys_similarity(golden_zoo: Zoo, photo: Pixels) -> None:
    picture = AnalysedPicture(photo[:176, :176], golden_zoo.models[8])
    values = []
    for distortion, multiplier in ((SQUARED_ERROR, MULTIPLIER), (distortion_of("ms-ssim", 1.0), 0.5)):
        setting = RefinementSetting(24, 128, multiplier, distortion)
        decoded = picture.encode(setting.coding, refine_latents(picture, setting, "local", 20).latents)[1]
        values.append(ms_ssim(picture.pixels, decoded))
    assert values[1] > values[0]


@given(st.integers(1, 2000), st.sampled_from([0.0, FURTHER, 0.9]))
def test_stages_make_up_the_rest_of_a_schedule(iterations: int, begin: float) -> None:
    stages = list(_stages(iterations, begin))
    assert sum(stage.iterations for stage in stages) == iterations
    assert min(stage.iterations for stage in stages) > 0
    assert [stage.begin for stage in stages] == [begin, *(stage.end for stage in stages[:-1])]
    assert stages[-1].end == 1


def test_filter_is_fitted_again_on_the_way_to_the_latents_there(
    filtered_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = AnalysedPicture(small(photo), filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    fitted: list[Latents | None] = []
    original = picture.fitted_chain

    def fitted_chain(setting: CodingSetting, latents: Latents | None = None) -> FilterChain:
        fitted.append(latents)
        return original(setting, latents)

    monkeypatch.setattr(picture, "fitted_chain", fitted_chain)
    setting = RefinementSetting(24, 128, MULTIPLIER)
    refined = refine_latents(picture, setting, "local", 50)
    assert fitted[0] is None
    first, second = (latents for latents in fitted[1:] if latents)
    assert not torch.equal(first[LATENTS], second[LATENTS])
    refine_latents(picture, setting, "local", 50, refined.floats)
    assert fitted[3:] == [refined.floats]


@pytest.mark.parametrize("name", [method.name for method in METHODS])
def test_refinement_that_goes_on_loses_nothing(golden_zoo: Zoo, photo: Pixels, name: str) -> None:
    picture = AnalysedPicture(small(photo), golden_zoo.models[8])
    first = refine_latents(picture, RefinementSetting(24, 128, MULTIPLIER), name, 10)
    assert (
        refine_latents(picture, RefinementSetting(24, 128, MULTIPLIER), name, 10, first.floats).cost < 1.01 * first.cost
    )
