from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from decoder_pkg.postfilter import COLOURS, FEATURES
from encoder import refine as refining
from encoder.cache import CandidateCache, Measured
from encoder.encode import AnalysedPicture, Candidate
from encoder.entropy import bits
from encoder.objective import Latents, Objective, Setting
from encoder.presets import PRESETS, Preset
from encoder.rate import estimated_bits
from encoder.refine import FURTHER, Refined, _stages, refine_latents, search_latents, search_start, sweep_choices
from encoder.refinement import METHODS, Method, Stage, atanh_logit, gumbel_round, scaled_sigmoid_logit
from encoder.search import hierarchical_search
from encoder.splice import parts_of, splice
from encoder.sweep import PictureCoder
from encoder.twin import load_float_model
from encoder.weights import Zoo
from eval.metrics import SQUARED_ERROR, Distortion, ms_ssim, squared_error

Pixels = NDArray[np.uint8]
SLOPE = 2000.0
QUICK = Preset("quick", "local", 12, 4, 4, (2,), (16, 8), 2, 0.05)


def small(photo: Pixels) -> Pixels:
    return photo[:96, :117]


def start_of(zoo: Zoo, photo: Pixels, number: int, q: int = 128) -> tuple[Objective, Latents]:
    objective = Objective(load_float_model(zoo.models[number]), small(photo), Setting(24, q, SLOPE))
    return objective, AnalysedPicture(small(photo), zoo.models[number]).latents(24)


def real_cost(picture: AnalysedPicture, setting: Setting, latents: Latents) -> float:
    candidate, pixels = picture.encode(setting.gain, setting.q, latents=latents)
    return 8 * len(candidate.payload) + 8 / setting.slope * squared_error(picture.pixels, pixels)


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("q", [64, 128, 200])
def test_objective_is_what_the_coder_and_the_decoder_yield(golden_zoo: Zoo, photo: Pixels, number: int, q: int) -> None:
    objective, start = start_of(golden_zoo, photo, number, q)
    picture = AnalysedPicture(small(photo), golden_zoo.models[number])
    real = real_cost(picture, objective.setting, start)
    assert float(objective.rounded(start)) == pytest.approx(real, rel=0.01)


def test_shares_of_the_positions_and_the_hyper_latents_make_up_the_whole(golden_zoo: Zoo, photo: Pixels) -> None:
    objective, start = start_of(golden_zoo, photo, 8)
    rounded = objective.rounded_by_cell(start)
    assert rounded.cells.shape[2:] == start[0].shape[2:]
    prior = load_float_model(golden_zoo.models[8]).prior
    hyper = bits(prior.likelihood(torch.round(start[1]), torch.tensor([24])))
    assert (rounded.total - rounded.cells.sum()).item() == pytest.approx(hyper.item(), rel=1e-3)


def test_curvature_is_what_a_moved_latent_costs_beyond_its_gradient(golden_zoo: Zoo, photo: Pixels) -> None:
    objective, start = start_of(golden_zoo, photo, 8)
    y_hat = objective.snapped(start)[0].requires_grad_()

    def error(y: torch.Tensor) -> torch.Tensor:
        return 8 / SLOPE * objective._distortion(objective._synthesis(y))[0].sum()

    (gradient,) = torch.autograd.grad(error(y_hat), y_hat)
    curvature = objective.curvature(start).expand_as(y_hat)
    expected, found = 0.0, 0.0
    with torch.no_grad():
        for index in torch.randperm(y_hat.numel(), generator=torch.Generator().manual_seed(1))[:80]:
            step = torch.zeros(y_hat.numel()).index_fill(0, index, 1.0).view_as(y_hat)
            expected += float((curvature * step).sum())
            found += float(error(y_hat + step) - error(y_hat) - (gradient * step).sum())
    assert found == pytest.approx(expected, rel=0.3)


def test_latents_that_promise_to_pay_do_so_more_often_than_others(golden_zoo: Zoo, photo: Pixels) -> None:
    objective, start = start_of(golden_zoo, photo, 8)
    y, z = objective.snapped(start)
    moving = y.clone().requires_grad_()
    rounded = objective.rounded_by_cell((moving, z))
    (gradient,) = torch.autograd.grad(rounded.total, moving)
    pays = objective.pays(rounded.coded, gradient, objective.curvature((y, z)))
    changes: dict[bool, list[float]] = {True: [], False: []}
    with torch.no_grad():
        for index in torch.randperm(y.numel(), generator=torch.Generator().manual_seed(1))[:120]:
            step = torch.zeros(y.numel()).index_fill(0, index, 1.0).view_as(y)
            moved = objective.rounded((y - step * torch.sign(gradient), z))
            changes[bool(pays.flatten()[index])].append(float(moved - rounded.total))
    # What follows in the context, no latent can promise.
    paying, others = (np.mean(np.array(changes[kind]) < 0) for kind in (True, False))
    assert paying > others + 0.1


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_same_seed_gives_the_same_latents(golden_zoo: Zoo, photo: Pixels, method: Method, number: int) -> None:
    objective, start = start_of(golden_zoo, photo, number)
    first, again = (method.refine(objective, start, Stage(4)) for _ in range(2))
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


@given(st.integers(1, 255), st.integers(1, 255), st.lists(st.sampled_from([1, 2, 4, 8, 16]), max_size=4))
def test_search_evaluates_each_value_once_and_never_ends_worse(start: int, least: int, steps: Sequence[int]) -> None:
    asked = []

    def evaluate(value: int, best: int) -> int:
        asked.append(value)
        assert (best - least) ** 2 <= (start - least) ** 2
        return value

    order = sorted(steps, reverse=True)
    value, result = hierarchical_search(evaluate, lambda v: (v - least) ** 2, (start, start), order, (1, 255))
    assert value == result
    assert len(set(asked)) == len(asked)
    assert start not in asked
    assert abs(value - least) <= abs(start - least)
    if order and order[-1] == 1:
        assert value == least


def test_model_and_gain_that_cost_least_after_a_trial_are_refined(golden_zoo: Zoo, photo: Pixels) -> None:
    starts = [
        (AnalysedPicture(small(photo), golden_zoo.models[number]), Setting(gain, 128, SLOPE))
        for number, gain in ((7, 24), (8, 24))
    ]

    def cost(picture: AnalysedPicture, setting: Setting) -> float:
        return refine_latents(picture, setting, QUICK.method, QUICK.trial_iterations).cost

    picture, chosen = search_start(starts, QUICK)
    near = [(picture, replace(setting, gain=setting.gain + by)) for picture, setting in starts for by in (-2, 0, 2)]
    assert cost(picture, chosen) <= min(cost(*start) for start in near)
    assert search_start(starts[:1], replace(QUICK, gain_steps=())) == starts[0]


@pytest.mark.parametrize("part", range(2))
def test_search_over_q_never_ends_worse_than_its_start_in_real_bytes(
    filtered_zoo: Zoo, photo: Pixels, part: int
) -> None:
    pixels = np.ascontiguousarray(photo[60 * part :][:96, 100:230])
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.postfilter)
    setting = Setting(24, 128, SLOPE)

    def code(refined: Refined) -> Measured:
        return Measured(picture.encode(24, refined.setting.q, refined.latents)[0])

    def cost(measured: Measured) -> float:
        return measured.candidate.squared_error + SLOPE * measured.candidate.header.length

    plain = code(refine_latents(picture, setting, QUICK.method, QUICK.iterations))
    assert search_latents(picture, setting, replace(QUICK, q_steps=()), code) == plain
    tried: list[Measured] = []

    def noted(refined: Refined) -> Measured:
        tried.append(code(refined))
        return tried[-1]

    found = search_latents(picture, setting, QUICK, noted)
    assert cost(found) == min(map(cost, tried)) <= cost(plain)
    # Whoever is compared with a neighbour has had its further iterations.
    assert [measured.candidate.header.q for measured in tried[:3]] == [128, 128, 144]


def test_choices_keep_the_best_candidate_of_the_best_models(golden_zoo: Zoo, photo: Pixels) -> None:
    candidates: list[Measured] = []
    for number in (7, 8):
        picture = AnalysedPicture(small(photo), golden_zoo.models[number])
        candidates += [Measured(picture.encode(gain)[0]) for gain in (0, 16, 32, 48)]

    def cost(candidate: Candidate) -> float:
        return candidate.squared_error + SLOPE * candidate.header.length

    (best,) = sweep_choices(candidates, SLOPE, SQUARED_ERROR, 1)
    assert cost(best) == min(cost(measured.candidate) for measured in candidates)
    both = list(sweep_choices(candidates, SLOPE, SQUARED_ERROR, 2))
    assert both[0] == best
    assert {candidate.header.model for candidate in both} == {7, 8}


def test_refined_candidates_are_kept(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CandidateCache(tmp_path)
    preset = Preset("once", "local", 4, 2, survivors=2)
    refined = PictureCoder(small(photo), golden_zoo, cache).refine(SLOPE, preset)

    def fail(*arguments: object) -> None:
        raise AssertionError("refined again")

    monkeypatch.setattr("encoder.sweep.search_latents", fail)
    assert PictureCoder(small(photo), golden_zoo, cache).refine(SLOPE, preset) == refined
    with pytest.raises(AssertionError, match="refined again"):
        PictureCoder(small(photo), golden_zoo, cache).refine(2 * SLOPE, preset)


def test_latents_of_a_stream_are_coded_to_the_same_stream(golden_zoo: Zoo, photo: Pixels) -> None:
    for number in (7, 8):
        picture = AnalysedPicture(small(photo), golden_zoo.models[number])
        candidate, _ = picture.encode(20, 97)
        again, _ = picture.encode(20, 97, parts_of(golden_zoo.models[number], candidate, None)[0])
        assert again == candidate


def test_stream_between_two_others_has_the_wanted_size(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    coder = PictureCoder(small(photo), golden_zoo, CandidateCache(tmp_path))
    preset = Preset("once", "local", 20)
    large = coder.refine(SLOPE / 4, preset).candidate
    tiny = coder.refine(SLOPE * 4, preset, like=large.header).candidate
    assert tiny.header.setting == large.header.setting
    sizes = [candidate.header.length for candidate in (tiny, large)]
    assert sizes[0] < sizes[1]
    wanted = sum(sizes) // 2
    several = [found.candidate for found in coder.between(tiny, large, range(wanted - 1, wanted + 1))]
    for found in several:
        assert wanted - 1 <= found.header.length <= wanted
        assert large.squared_error < found.squared_error < tiny.squared_error
    assert len({found.payload for found in several}) > 1


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


def test_presets_name_methods_that_exist() -> None:
    assert {preset.method for preset in PRESETS} <= {"", *(method.name for method in METHODS)}


def test_splice_takes_what_is_asked_and_nothing_else() -> None:
    def latents(value: float) -> Latents:
        return torch.full((1, 4, 6, 3), value).contiguous(memory_format=torch.channels_last), torch.full(
            (1, 2, 2, 1), value
        )

    y, z = splice(latents(1.0), latents(0.0), [1], 0, 5)
    assert z.flatten().tolist() == [0, 1, 0, 1]
    assert (y[:, :, 4:] == 1).all()
    assert y.permute(0, 2, 3, 1).flatten()[:7].tolist() == [1] * 5 + [0] * 2
    assert y[:, :, :4].sum() == 5
