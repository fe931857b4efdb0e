"""Relaxations of rounding: a differentiable proxy for a rounded latent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Quantiser = Callable[[Tensor], Tensor]
"""Float residuals in units of the quantisation step to (nearly) integers, differentiable."""


def round_straight_through(x: Tensor) -> Tensor:
    """Rounds forward; the gradient passes as if by the identity."""
    return x + (torch.round(x) - x).detach()


def uniform_noise(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Adds noise uniform in [-1/2, 1/2)."""
    return x + torch.rand(x.shape, generator=generator, device=x.device) - 0.5


@dataclass(frozen=True)
class Relaxation:
    """How symbols are relaxed, of every grid.

    Attributes:
      quantise: what contexts and the synthesis see.
      noise: what the rate is computed of, where that is not what they see.
    """

    quantise: Quantiser
    noise: Quantiser | None = None


ROUNDED = Relaxation(torch.round)
STRAIGHT_THROUGH = Relaxation(round_straight_through)
