from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from encoder.coding.coded_picture import AnalysedPicture
from encoder.refinement.followed_filter import KEPT
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from decoder_pkg.pixels.filters.linear import COLOURS, FEATURES
from encoder.coding.rate import estimated_bits
from encoder.latents import Latents, Setting
from encoder.refinement import tiles as refining
from encoder.refinement.methods import METHODS, Method, Stage, atanh_logit, gumbel_round, scaled_sigmoid_logit
from encoder.refinement.objective import Objective
from encoder.refinement.tiles import FURTHER, _stages, refine_latents
from encoder.weights import Zoo, load_float_model
from eval.metrics import SQUARED_ERROR, Distortion, ms_ssim
from tests.encoder.refining import SLOPE, Pixels, real_cost, small, start_of


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_same_seed_gives_the_same_latents(golden_zoo: Zoo, photo: Pixels, method: Method, number: int) -> None:
    objective, start = start_of(golden_zoo, photo, number)
    kernel = np.full((FEATURES, COLOURS), 1e-3, dtype=np.float32)
    filtered = Objective(objective._model, small(photo), objective.setting, kernel)
    for same in (objective, filtered):
        check_same_latents(*(method.refine(same, start, Stage(KEPT + 1)) for _ in range(2)))


def check_same_latents(first: Latents, again: Latents) -> None:
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
        assert torch.isfinite(one).all()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_no_tensor_is_made_where_the_model_is_not(golden_zoo: Zoo, photo: Pixels, method: Method) -> None:
    """Whatever names no device lies on one that holds no values, and meeting it raises."""
    model, pixels = load_float_model(golden_zoo.models[8]), small(photo)
    picture = AnalysedPicture(pixels, golden_zoo.models[8])
    start, kernel = picture.latents(24), np.full((FEATURES, COLOURS), 1e-3, dtype=np.float32)
    with torch.device("meta"):
        for distortion in (SQUARED_ERROR, Distortion(0.0, 1.0)):
            objective = Objective(model, pixels, Setting(24, 128, SLOPE, distortion), kernel)
            refined = method.refine(objective, start, Stage(2))
            assert {part.device for part in refined} == {objective.device}
        estimated_bits(model, objective.snapped(start), 24)


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("name", ["l-opt", "local"])
def test_refinement_saves_real_bytes_as_it_promised(golden_zoo: Zoo, photo: Pixels, number: int, name: str) -> None:
    picture = AnalysedPicture(small(photo), golden_zoo.models[number])
    setting = Setting(24, 128, SLOPE)
    refined = refine_latents(picture, setting, name, 25)
    before, after = (real_cost(picture, setting, latents) for latents in (picture.latents(24), refined.latents))
    assert after < 0.995 * before
    assert after == pytest.approx(refined.cost, rel=0.01)


@pytest.mark.parametrize("number", [7, 8])
def test_tiles_are_refined_like_the_whole(
    golden_zoo: Zoo, photo: Pixels, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = AnalysedPicture(photo[:170, :200], golden_zoo.models[number])
    setting = Setting(24, 128, SLOPE)
    whole = refine_latents(picture, setting, "local", 20).latents
    monkeypatch.setattr(refining, "TILE", 4)
    monkeypatch.setattr(refining, "REACH", 4)
    refined = refine_latents(picture, setting, "local", 20)
    tiled = refined.latents
    assert [part.shape for part in tiled] == [part.shape for part in whole]
    before, one, other = (real_cost(picture, setting, latents) for latents in (picture.latents(24), whole, tiled))
    assert other < before - 0.5 * (before - one)
    assert refined.cost == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize("logit", [atanh_logit, scaled_sigmoid_logit])
def test_gumbel_draw_becomes_rounding_when_cold(logit: object) -> None:
    assert callable(logit)
    x = torch.tensor([-1.9, -0.2, 0.1, 0.4, 2.8], requires_grad=True)
    generator = torch.Generator().manual_seed(1)
    cold = torch.stack([gumbel_round(x, 0.02, generator, logit) for _ in range(50)])
    assert torch.allclose(cold.mean(0), torch.round(x), atol=0.05)
    warm = gumbel_round(x, 0.5, generator, logit)
    assert ((warm >= x.floor()) & (warm <= x.floor() + 1)).all()
    (gradient,) = torch.autograd.grad(warm.sum(), x)
    assert torch.isfinite(gradient).all()


def test_refinement_for_similarity_buys_similarity(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    picture = AnalysedPicture(photo[:176, :176], golden_zoo.models[8])
    values = []
    for distortion, slope in ((SQUARED_ERROR, SLOPE), (Distortion(0.0, 1.0), 0.5)):
        refined = refine_latents(picture, Setting(24, 128, slope, distortion), "local", 20)
        decoded = picture.encode(24, 128, refined.latents)[1]
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
    picture = AnalysedPicture(small(photo), filtered_zoo.models[8], filtered_zoo.bundle.postfilter)
    fitted: list[Latents | None] = []
    original = picture.kernel

    def kernel(gain: int, q: int, latents: Latents | None = None) -> NDArray[np.float32] | None:
        fitted.append(latents)
        return original(gain, q, latents)

    monkeypatch.setattr(picture, "kernel", kernel)
    setting = Setting(24, 128, SLOPE)
    refined = refine_latents(picture, setting, "local", 50)
    assert fitted[0] is None
    first, second = (latents for latents in fitted[1:] if latents)
    assert not torch.equal(first[0], second[0])
    refine_latents(picture, setting, "local", 50, refined.floats)
    assert fitted[3:] == [refined.floats]


@pytest.mark.parametrize("name", [method.name for method in METHODS])
def test_refinement_that_goes_on_loses_nothing(golden_zoo: Zoo, photo: Pixels, name: str) -> None:
    picture = AnalysedPicture(small(photo), golden_zoo.models[8])
    first = refine_latents(picture, Setting(24, 128, SLOPE), name, 10)
    assert refine_latents(picture, Setting(24, 128, SLOPE), name, 10, first.floats).cost < 1.01 * first.cost
