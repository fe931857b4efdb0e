"""Refinement of latents, each method a row of one table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decoder_pkg.codecs import LATENTS

from ..codecs import Latents, Quantiser, Relaxation, each, round_straight_through, stride_of
from ..models import seeded
from .objective import Objective
from .regions import BestRegions, Seen

REFINEMENT_VERSION = 6
"""Raised whenever a method would find other latents under the same settings."""

ALPHA, ALPHA_LOCAL = 0.8, 0.5
BETA, BETA_LOCAL = (0.25, 0.75), (0.25, 0.9)
"""Step of L-OPT at the start, and share of the largest gradient that moves a latent, at start and end.

Where every neighbourhood moves at once, the paper's step is too long: smooth pictures at low rates never recover.
"""

WINDOW, COARSE_WINDOW = 5, 3
"""Side of the neighbourhood, in latents and in a coarser grid, whose largest gradient the local step is relative to."""

GATHERING = 10
"""Iterations after which the local method goes on from the best of every region, of these and of the best whole."""

ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 10.0
"""In bits per unit: a latent whose gradient is far below this hardly moves, so that zeros stay zeros."""

TEMPERATURE = (0.5, 4.0)
"""Of stochastic Gumbel annealing: start, and exponent of its fall (Yang et al. 2020, section 3.2)."""

LEAST_TEMPERATURE = 0.02


@dataclass(frozen=True)
class Stage:
    """A part of a method's schedule.

    Attributes:
      iterations: of this part.
      begin, end: shares of the schedule that lie behind when it starts and when it is over; an analysis's latents
        have none behind them.
      seed: of its noise.
    """

    iterations: int
    begin: float = 0.0
    end: float = 1.0
    seed: int = 1

    def progress(self, iteration: int) -> float:
        """Share of the whole schedule that lies behind."""
        return self.begin + (self.end - self.begin) * iteration / self.iterations


@dataclass(frozen=True)
class Method:
    """A refinement method.

    Attributes:
      name: for people and the cache.
      source: paper and section.
      refine: (objective, start, stage) to refined float latents of the start's shapes; all are on the objective's
        device.
    """

    name: str
    source: str
    refine: Callable[[Objective, Latents, Stage], Latents]


def refine_lopt(objective: Objective, start: Latents, stage: Stage) -> Latents:
    """L-OPT: straight-through gradients, a fixed step for the largest of them, best so far kept."""
    return _largest_gradients(objective, start, _Schedule(stage, ALPHA, BETA), _largest_of_all)


def refine_local(objective: Objective, start: Latents, stage: Stage) -> Latents:
    """L-OPT region by region: the largest gradient is the neighbourhood's, and each region's best so far is kept.

    Only latents move whose next integer is predicted to lower the Lagrangian.
    """
    schedule = _Schedule(stage, ALPHA_LOCAL, BETA_LOCAL)
    return _largest_gradients(objective, start, schedule, _largest_nearby, regional=objective.is_local)


def _largest_of_all(size: Tensor, _stride: int) -> Tensor:
    return size.amax()


def _largest_nearby(size: Tensor, stride: int) -> Tensor:
    window = WINDOW if stride == 1 else COARSE_WINDOW
    return F.max_pool2d(size.amax(1, keepdim=True), window, stride=1, padding=window // 2)


@dataclass(frozen=True)
class _Schedule:
    """Length of the step and share of the largest gradient over the iterations, see ALPHA and BETA."""

    stage: Stage
    alpha: float
    beta: tuple[float, float]

    def at(self, iteration: int) -> tuple[float, float]:
        progress = self.stage.progress(iteration)
        return self.alpha * (1 - progress), self.beta[0] + (self.beta[1] - self.beta[0]) * progress


def _largest_gradients(
    objective: Objective,
    start: Latents,
    schedule: _Schedule,
    largest: Callable[[Tensor, int], Tensor],
    regional: bool = False,
) -> Latents:
    """Algorithm 1 of Zhao et al. 2021.

    `largest` yields what the gradients of a grid are relative to, given their size and the grid's stride. If regional,
    only latents move for which that is predicted to pay, and the best of each region is remembered.
    """
    objective.restart()
    parts = each(start, lambda grid: grid.clone().requires_grad_())
    curvature = objective.curvature(start) if regional else None
    regions = BestRegions()
    least, best = math.inf, Seen(start, torch.zeros(()))
    last = schedule.stage.iterations
    for iteration in range(last + 1):
        rounded = objective.rounded(parts)
        seen = Seen(each(parts, Tensor.detach), rounded.cells.detach())
        if rounded.total.item() < least:
            least, best = rounded.total.item(), seen
        if iteration == last:
            break
        if curvature is not None:
            regions.see(seen)
            if iteration % GATHERING == GATHERING - 1 or iteration == last - 1:
                _set(parts, regions.gather())
                regions.see(best)
                continue
        gradients = gradients_of(rounded.total, parts)
        if curvature is not None:
            gradients[LATENTS] *= objective.pays(rounded.coded, gradients[LATENTS], curvature)
        _move(parts, gradients, largest, schedule.at(iteration))
    return best.latents


def _move(
    parts: Latents, gradients: Latents, largest: Callable[[Tensor, int], Tensor], pace: tuple[float, float]
) -> None:
    for name, gradient in gradients.items():
        change = _step(gradient, largest(gradient.abs(), stride_of(parts, name)), *pace)
        parts[name].data = parts[name].data - change


def _set(parts: Latents, values: Latents) -> None:
    for name, part in parts.items():
        part.data = values[name]


def gradients_of(total: Tensor, latents: Latents) -> dict[str, Tensor]:
    """The gradient of a scalar in each grid."""
    return dict(zip(latents, torch.autograd.grad(total, list(latents.values())), strict=True))


def _step(gradient: Tensor, largest: Tensor, alpha: float, beta: float) -> Tensor:
    """Zhao et al. 2021, Eq. 2: a share of alpha for each gradient that is not far below the largest."""
    relative = gradient / largest.clamp(min=1e-12)
    return alpha * torch.where(relative.abs() > beta, relative, 0.0)


def refine_noise(objective: Objective, start: Latents, stage: Stage) -> Latents:
    """Adam with uniform noise in place of rounding."""
    generator = seeded(stage.seed)

    def noisy(x: Tensor) -> Tensor:
        return x + _uniform(x, generator) - 0.5

    return _adam(objective, start, stage, lambda progress: noisy, rate=0.02)


def _uniform(x: Tensor, generator: torch.Generator) -> Tensor:
    """Noise in [0, 1) of a tensor's shape, the same on every device."""
    return torch.rand(x.shape, generator=generator, device=generator.device).to(x.device)


def refine_straight_through(objective: Objective, start: Latents, stage: Stage) -> Latents:
    """Adam with rounding and straight-through gradients."""
    return _adam(objective, start, stage, lambda progress: round_straight_through, rate=0.005)


def atanh_logit(share: Tensor, temperature: float) -> Tensor:
    """Log-odds of rounding up at a distance `share` in (0, 1) above the floor, any shape (Yang et al. 2020, Eq. 8)."""
    return (torch.atanh(share) - torch.atanh(1 - share)) / temperature


def scaled_sigmoid_logit(share: Tensor, temperature: float) -> Tensor:
    """As `atanh_logit`, with a milder gradient at the integers (Perugachi-Diaz et al. 2024, SSL, a = 4/3)."""
    scale = 4 / 3
    odds = scale * torch.logit(share)
    return (torch.sigmoid(odds) - torch.sigmoid(-odds)) / temperature


def refine_sga(objective: Objective, start: Latents, stage: Stage) -> Latents:
    """Stochastic Gumbel annealing: each latent is drawn between its two neighbours, ever more decidedly."""
    return _anneal(objective, start, stage, atanh_logit)


def refine_ssl(objective: Objective, start: Latents, stage: Stage) -> Latents:
    """Stochastic Gumbel annealing with the scaled sigmoid logit."""
    return _anneal(objective, start, stage, scaled_sigmoid_logit)


def _anneal(
    objective: Objective,
    start: Latents,
    stage: Stage,
    logit: Callable[[Tensor, float], Tensor],
) -> Latents:
    generator = seeded(stage.seed)

    def quantiser(progress: float) -> Quantiser:
        temperature = max(LEAST_TEMPERATURE, TEMPERATURE[0] * math.exp(-TEMPERATURE[1] * progress))
        return lambda x: gumbel_round(x, temperature, generator, logit)

    return _adam(objective, start, stage, quantiser, rate=0.02)


def gumbel_round(
    x: Tensor,
    temperature: float,
    generator: torch.Generator,
    logit: Callable[[Tensor, float], Tensor] = atanh_logit,
) -> Tensor:
    """A relaxed draw between floor and ceiling, differentiable in x.

    Args:
      x: any shape, float.
      temperature: > 0; towards zero the draw becomes rounding.
      generator: source of the Gumbel noise, on the CPU.
      logit: log-odds of rounding up, given the distance to the floor and the temperature.
    """
    low = x.detach().floor()
    share = (x - low).clamp(1e-4, 1 - 1e-4)
    noise = _uniform(x, generator).clamp(1e-6, 1 - 1e-6)
    # The difference of two Gumbel variables is logistic.
    logistic = torch.log(noise) - torch.log1p(-noise)
    return low + torch.sigmoid((logit(share, temperature) + logistic) / temperature)


def _adam(
    objective: Objective,
    start: Latents,
    stage: Stage,
    quantiser: Callable[[float], Quantiser],
    rate: float,
) -> Latents:
    objective.restart()
    parts = each(start, lambda grid: grid.clone().requires_grad_())
    optimizer = torch.optim.Adam(list(parts.values()), lr=rate, betas=ADAM_BETAS, eps=ADAM_EPSILON)
    for iteration in range(stage.iterations):
        progress = stage.progress(iteration)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, 2 * (1 - progress))
        loss = objective(parts, Relaxation(quantiser(progress)))
        for name, gradient in gradients_of(loss, parts).items():
            parts[name].grad = gradient
        optimizer.step()
    return each(parts, Tensor.detach)


METHODS = (
    Method("l-opt", "Zhao et al. 2021, Algorithm 1 and Eq. 2", refine_lopt),
    Method(
        "local", "the same region by region, for latents predicted to pay (Taylor series, rate exact)", refine_local
    ),
    Method("noise", "Campos et al. 2019, section 3", refine_noise),
    Method("straight-through", "Adam beside Zhao et al. 2021, section 2.1", refine_straight_through),
    Method("sga", "Yang et al. 2020, section 3.2", refine_sga),
    Method("sga-ssl", "Perugachi-Diaz et al. 2024, section 3.1", refine_ssl),
)


def method(name: str) -> Method:
    """The method of this name.

    Raises:
      KeyError: there is none.
    """
    return {row.name: row for row in METHODS}[name]
