"""Muon: momentum whose matrix is orthogonalised by Newton-Schulz steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from encoder.models import bf16_helps

STEPS = 5
WEIGHT_DECAY = 0.1
"""Times the learning rate. Every direction of a weight gets steps of one size, those without a gradient random ones;
decay keeps these from growing.
"""
STACK = 4
"""Weights of one shape that a CPU orthogonalises in one batch of products; a GPU takes all of them."""

TURNS = 2
"""A weight moves once in as many steps, as far as in all of them: its momentum hardly turns meanwhile."""

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Quintic of the Newton-Schulz iteration X <- (a I + b X X' + c (X X')^2) X (Jordan et al. 2024, Muon)."""


def orthogonalise(matrices: Tensor) -> Tensor:
    """Replaces the singular values of each matrix by values near one.

    Args:
      matrices: [K, rows, columns] float, rows <= columns.

    Returns:
      [K, rows, columns], bf16 where that is fast: five quintic steps correct themselves, so the precision is enough.
    """
    a, b, c = COEFFICIENTS
    kind = torch.bfloat16 if bf16_helps(matrices.device) else matrices.dtype
    x: Tensor = (matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-12)).to(kind)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


class Muon(torch.optim.Optimizer):
    """Muon for convolution weights, flattened to outputs x inputs*k*k.

    The update is scaled by 0.2 * sqrt(max(rows, columns)), which gives it the root mean square of an Adam update.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = WEIGHT_DECAY,
        run: Callable[..., Iterable[Any]] = map,
    ) -> None:
        """Prepares the weights.

        Args:
          params: convolution weights.
          lr: learning rate.
          momentum: decay of the averaged gradient.
          weight_decay: times the learning rate.
          run: maps a function over stacks of weights, in parallel if it can.
        """
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._run = run

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Moves every weight whose turn it is; a few weights of one shape are orthogonalised together."""
        for group in self.param_groups:
            group["turn"] = turn = (group.get("turn", -1) + 1) % TURNS
            by_shape: defaultdict[torch.Size, list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[weight.shape].append(weight)
            stacks = [part for weights in by_shape.values() for part in _stacks(weights)]
            stacks.sort(key=lambda stack: -len(stack) * stack[0].numel() * stack[0].shape[0])
            list(self._run(partial(self._average, group["momentum"]), stacks))
            settings = TURNS * group["lr"], group["momentum"], group["weight_decay"]
            list(self._run(partial(self._step_stack, *settings), stacks[turn::TURNS]))

    @torch.no_grad()
    def _average(self, momentum: float, weights: list[Tensor]) -> None:
        for weight in weights:
            if "momentum" not in self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        torch._foreach_lerp_(self._momenta(weights), _gradients(weights), 1 - momentum)

    @torch.no_grad()
    def _step_stack(self, lr: float | Tensor, momentum: float, weight_decay: float, weights: list[Tensor]) -> None:
        torch._foreach_mul_(weights, 1 - lr * weight_decay)
        nesterov = torch._foreach_lerp(_gradients(weights), self._momenta(weights), momentum)
        stacked = torch.stack([direction.contiguous().flatten(1) for direction in nesterov])
        wide = stacked.shape[1] <= stacked.shape[2]
        update = orthogonalise(stacked if wide else stacked.mT)
        scale = 0.2 * max(stacked.shape[1:]) ** 0.5
        moves = (update if wide else update.mT).to(weights[0].dtype) * (lr * scale)
        torch._foreach_sub_(weights, moves.reshape(-1, *weights[0].shape).unbind())

    def _momenta(self, weights: list[Tensor]) -> list[Tensor]:
        return [self.state[weight]["momentum"] for weight in weights]


def _stacks(weights: list[Tensor]) -> list[list[Tensor]]:
    """Weights of one shape in parts that are orthogonalised at once: all on a GPU, a few for each thread elsewhere."""
    size = len(weights) if weights[0].is_cuda else STACK
    return [weights[i : i + size] for i in range(0, len(weights), size)]


def _gradients(weights: list[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]
