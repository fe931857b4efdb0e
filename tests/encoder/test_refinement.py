from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from decoder_pkg.render import render
from encoder.encode import squared_error
from encoder.latent_encoder import ideal_bits, quantise
from encoder.model import round_straight_through
from encoder.objective import Objective, Setting
from encoder.refinement import METHODS, Method, gumbel_round
from encoder.twin import load_float_model
from encoder.weights import Zoo, to_grid

SLOPE = 2000.0


def make_objective(zoo: Zoo, photo: NDArray[np.uint8], q: int = 128) -> Objective:
    return Objective(load_float_model(zoo.models[7]), photo[:96, :117], Setting(24, q, SLOPE))


@pytest.mark.parametrize("q", [64, 128, 200])
def test_objective_is_what_the_integer_coder_and_the_decoder_yield(
    golden_zoo: Zoo, photo: NDArray[np.uint8], q: int
) -> None:
    objective, model = make_objective(golden_zoo, photo, q), golden_zoo.models[7]
    y, z = objective.start()
    estimated = float(objective(y, z, round_straight_through, round_straight_through))
    quantised = quantise(model.decoder.entropy, to_grid(y), to_grid(z), q)
    pixels = render(model.decoder.synthesis, model.decoder.arch, quantised.latents, 24, 96, 117)
    error = squared_error(photo[:96, :117], pixels)
    real = ideal_bits(model.decoder.entropy, quantised, 24) + 8 / SLOPE * error
    assert estimated == pytest.approx(real, rel=0.01)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_same_seed_gives_the_same_latents(golden_zoo: Zoo, photo: NDArray[np.uint8], method: Method) -> None:
    objective = make_objective(golden_zoo, photo)
    first, again = (method.refine(objective, objective.start(), 4, 1) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
        assert torch.isfinite(one).all()


def test_lopt_keeps_the_best_so_far(golden_zoo: Zoo, photo: NDArray[np.uint8]) -> None:
    objective = make_objective(golden_zoo, photo)
    start = objective.start()
    refined = METHODS[0].refine(objective, start, 25, 1)
    before, after = (
        float(objective(*latents, round_straight_through, round_straight_through)) for latents in (start, refined)
    )
    assert after < 0.99 * before


def test_gumbel_draw_becomes_rounding_when_cold() -> None:
    x = torch.tensor([-1.9, -0.2, 0.1, 0.4, 2.8], requires_grad=True)
    generator = torch.Generator().manual_seed(1)
    cold = torch.stack([gumbel_round(x, 0.02, generator) for _ in range(50)])
    assert torch.allclose(cold.mean(0), torch.round(x), atol=0.05)
    warm = gumbel_round(x, 0.5, generator)
    assert ((warm >= x.floor()) & (warm <= x.floor() + 1)).all()
    (gradient,) = torch.autograd.grad(warm.sum(), x)
    assert torch.isfinite(gradient).all()
