from __future__ import annotations

import numpy as np
import pytest
import torch

from decoder_pkg.pixels.filters import FilterChain, FilterLink, LinearFilter, LinearParameters
from encoder.codecs import Latents, coding_setting
from encoder.coding import AnalysedPicture
from encoder.coding.rate import estimated_bits
from encoder.filters.linear_gradient import KEPT
from encoder.models import Zoo, float_model, load_zoo
from encoder.refinement import RefinementSetting
from encoder.refinement.methods import METHODS, Method, Stage, atanh_logit, gumbel_round, scaled_sigmoid_logit
from encoder.refinement.objective import Objective
from eval.metrics import SQUARED_ERROR, distortion_of
from tests.encoder.refining import MULTIPLIER, Pixels, small, start_of


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_same_seed_gives_the_same_latents(golden_zoo: Zoo, photo: Pixels, method: Method, number: int) -> None:
    objective, start = start_of(golden_zoo, photo, number)
    shipped = load_zoo().bundle.post_filters[0]
    assert isinstance(shipped, LinearFilter)
    parameters = LinearParameters(20, np.ones(len(shipped.basis), dtype=np.int32), 24)
    chain = FilterChain({0: FilterLink(shipped, parameters)})
    filtered = Objective(float_model(golden_zoo.models[number]), small(photo), objective.setting, chain)
    for same in (objective, filtered):
        check_same_latents(start, *(method.refine(same, start, Stage(KEPT + 1)) for _ in range(2)))


def check_same_latents(start: Latents, first: Latents, again: Latents) -> None:
    assert first.keys() == again.keys() == start.keys()
    for name, grid in first.items():
        assert torch.equal(grid, again[name])
        assert torch.isfinite(grid).all()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_no_tensor_is_made_where_the_model_is_not(filtered_zoo: Zoo, photo: Pixels, method: Method) -> None:
    """Whatever names no device lies on one that holds no values, and meeting it raises."""
    model, pixels = float_model(filtered_zoo.models[8]), small(photo)
    picture = AnalysedPicture(pixels, filtered_zoo.models[8], filtered_zoo.bundle.post_filters)
    setting = coding_setting(24, 128)
    start, chain = picture.latents(setting.gain), picture.fitted_chain(setting)
    assert chain.links
    with torch.device("meta"):
        for distortion in (SQUARED_ERROR, distortion_of("ms-ssim", 1.0)):
            objective = Objective(model, pixels, RefinementSetting(24, 128, MULTIPLIER, distortion), chain)
            refined = method.refine(objective, start, Stage(2))
            assert {part.device for part in refined.values()} == {objective.device}
        estimated_bits(model, objective.snapped(start), 24)


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
