"""Likelihoods of latents under one distribution."""

from __future__ import annotations

import torch

from encoder.codecs.likelihoods import LEAST_SIGMA, GaussianLikelihood


def test_standard_deviation_below_the_least_counts_as_the_least_and_can_rise() -> None:
    sigma = torch.tensor([-1.0, 0.0, LEAST_SIGMA], requires_grad=True)
    likelihood = GaussianLikelihood.of(sigma, 1.0)
    assert torch.allclose(likelihood.log2_sigma, torch.tensor(LEAST_SIGMA).log2())
    (gradient,) = torch.autograd.grad(likelihood.noisy_bits(torch.full((3,), 0.8)).sum(), sigma)
    assert (gradient < 0).all()  # a larger one would take fewer bits


def test_standard_deviation_is_counted_in_quantisation_steps() -> None:
    symbols = torch.tensor([0.0, 1.0, -3.0])
    one, half = GaussianLikelihood.of(torch.ones(3), 1.0), GaussianLikelihood.of(torch.full((3,), 0.5), 0.5)
    assert torch.equal(one.bits(symbols), half.bits(symbols))
