from __future__ import annotations

import numpy as np
import pytest
import torch

from decoder_pkg.codecs import HYPER_LATENTS, LATENTS
from encoder.codecs.hyper_networks import HyperFloatCodec
from encoder.codecs.likelihoods import StaticLikelihood
from encoder.coding import AnalysedPicture
from encoder.models import Zoo, float_model
from tests.encoder.refining import MULTIPLIER, Pixels, real_cost, small, start_of


@pytest.mark.parametrize("number", [7, 8])
@pytest.mark.parametrize("q", [64, 128, 200])
def test_objective_is_what_the_coder_and_the_decoder_yield(golden_zoo: Zoo, photo: Pixels, number: int, q: int) -> None:
    objective, start = start_of(golden_zoo, photo, number, q)
    picture = AnalysedPicture(small(photo), golden_zoo.models[number])
    real = real_cost(picture, objective.setting, start)
    assert float(objective.rounded(start).total) == pytest.approx(real, rel=0.01)


def test_shares_of_the_positions_and_the_hyper_latents_make_up_the_whole(golden_zoo: Zoo, photo: Pixels) -> None:
    objective, start = start_of(golden_zoo, photo, 8)
    rounded = objective.rounded(start)
    assert rounded.cells.shape[2:] == start[LATENTS].shape[2:]
    codec = float_model(golden_zoo.models[8])
    assert isinstance(codec, HyperFloatCodec)
    hyper = StaticLikelihood(codec.prior, torch.tensor([24])).bits(torch.round(start[HYPER_LATENTS])).sum()
    assert (rounded.total - rounded.cells.sum()).item() == pytest.approx(hyper.item(), rel=1e-3)


def test_curvature_is_what_a_moved_latent_costs_beyond_its_gradient(golden_zoo: Zoo, photo: Pixels) -> None:
    objective, start = start_of(golden_zoo, photo, 8)
    y_hat = objective.snapped(start)[LATENTS].requires_grad_()

    def error(y: torch.Tensor) -> torch.Tensor:
        return 8 / MULTIPLIER * objective._distortion(objective._synthesis(y))[0].sum()

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
    snapped = objective.snapped(start)
    y = snapped[LATENTS]
    moving = y.clone().requires_grad_()
    rounded = objective.rounded({**snapped, LATENTS: moving})
    (gradient,) = torch.autograd.grad(rounded.total, moving)
    pays = objective.pays(rounded.coded, gradient, objective.curvature(snapped))
    generator = torch.Generator().manual_seed(1)
    changes: dict[bool, list[float]] = {True: [], False: []}
    for kind, found in changes.items():
        places = torch.nonzero(pays.flatten() == kind).flatten()
        for index in places[torch.randperm(len(places), generator=generator)[:150]]:
            step = torch.zeros(y.numel()).index_fill(0, index, 1.0).view_as(y)
            with torch.no_grad():
                moved = objective.rounded({**snapped, LATENTS: y - step * torch.sign(gradient)}).total
            found.append(float(moved - rounded.total.detach()))
    # What follows in the context, no latent can promise.
    paying, others = (np.mean(np.array(changes[kind]) < 0) for kind in (True, False))
    assert paying > others + 0.1
