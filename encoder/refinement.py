"""Refinement of latents, each method a row of one table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .model import round_straight_through
from .objective import Objective

Latents = tuple[Tensor, Tensor]
ADAM_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Method:
    """A refinement method.

    Attributes:
      name: for people and the cache.
      source: paper and section.
      refine: (objective, start, iterations, seed) to refined float latents.
    """

    name: str
    source: str
    refine: Callable[[Objective, Latents, int, int], Latents]


def refine_lopt(objective: Objective, start: Latents, iterations: int, seed: int) -> Latents:
    """L-OPT: rounding with straight-through gradients, a fixed step on the largest gradient, best so far kept."""
    y, z = (part.clone().requires_grad_() for part in start)
    best, kept = math.inf, start
    for iteration in range(iterations + 1):
        loss = objective(y, z, round_straight_through, round_straight_through)
        if loss.item() < best:
            best, kept = loss.item(), (y.detach().clone(), z.detach().clone())
        if iteration == iterations:
            break
        progress = iteration / iterations
        alpha, beta = 0.8 * (1 - progress), 0.25 + 0.5 * progress
        for part, gradient in zip((y, z), torch.autograd.grad(loss, (y, z)), strict=True):
            relative = gradient / gradient.abs().max().clamp(min=1e-12)
            with torch.no_grad():
                part -= alpha * torch.where(relative.abs() > beta, relative, 0.0)
    return kept


def refine_noise(objective: Objective, start: Latents, iterations: int, seed: int) -> Latents:
    """Adam with uniform noise in place of rounding."""
    generator = torch.Generator().manual_seed(seed)

    def noisy(x: Tensor) -> Tensor:
        return x + torch.rand(x.shape, generator=generator) - 0.5

    return _adam(objective, start, iterations, lambda progress: noisy, rate=0.02)


def refine_straight_through(objective: Objective, start: Latents, iterations: int, seed: int) -> Latents:
    """Adam with rounding and straight-through gradients."""
    return _adam(objective, start, iterations, lambda progress: round_straight_through, rate=0.005)


def refine_sga(objective: Objective, start: Latents, iterations: int, seed: int) -> Latents:
    """Stochastic Gumbel annealing: each latent is drawn between its two neighbours, ever more decidedly."""
    generator = torch.Generator().manual_seed(seed)

    def quantiser(progress: float) -> Callable[[Tensor], Tensor]:
        temperature = 0.5 * math.exp(-4.0 * progress)
        return lambda x: gumbel_round(x, temperature, generator)

    return _adam(objective, start, iterations, quantiser, rate=0.02)


def gumbel_round(x: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """A relaxed draw between floor and ceiling (Yang et al. 2020, Eq. 8), differentiable in x.

    Args:
      x: any shape, float.
      temperature: > 0; towards zero the draw becomes rounding.
      generator: source of the Gumbel noise.
    """
    low = x.detach().floor()
    share = (x - low).clamp(1e-4, 1 - 1e-4)
    logit = (torch.atanh(1 - share) - torch.atanh(share)) / temperature
    noise = torch.rand(x.shape, generator=generator).clamp(1e-6, 1 - 1e-6)
    # The difference of two Gumbel variables is logistic.
    logistic = torch.log(noise) - torch.log1p(-noise)
    return low + torch.sigmoid((-logit + logistic) / temperature)


def _adam(
    objective: Objective,
    start: Latents,
    iterations: int,
    quantiser: Callable[[float], Callable[[Tensor], Tensor]],
    rate: float,
) -> Latents:
    y, z = (part.clone().requires_grad_() for part in start)
    optimizer = torch.optim.Adam([y, z], lr=rate, betas=ADAM_BETAS)
    for iteration in range(iterations):
        progress = iteration / iterations
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, 2 * (1 - progress))
        quantise = quantiser(progress)
        loss = objective(y, z, quantise, quantise)
        y.grad, z.grad = torch.autograd.grad(loss, (y, z))
        optimizer.step()
    return y.detach(), z.detach()


METHODS = (
    Method("l-opt", "Zhao et al. 2021, Algorithm 1 and Eq. 2", refine_lopt),
    Method("noise", "Campos et al. 2019, section 3", refine_noise),
    Method("straight-through", "Adam beside Zhao et al. 2021, section 2.1", refine_straight_through),
    Method("sga", "Yang et al. 2020, section 3.2", refine_sga),
)
