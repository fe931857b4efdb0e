"""The loss of training: rate and distortion of a batch at the lambda of each picture's gain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from decoder_pkg.gains import gain_lambda
from encoder.codecs import FloatCodec
from encoder.models import bf16_helps

from ..distortion import DISTORTIONS

REFERENCE_LAMBDA = 0.0032
"""Losses are divided by sqrt(lambda / this), which balances the rates."""


def losses(
    model: FloatCodec[Any],
    picture: Tensor,
    gains: Tensor,
    distortion: str,
    noisy_synthesis: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Balanced Lagrangian of each picture: [B] float32.

    Args:
      model: in training mode, for a loss that has a gradient.
      picture: [B, 3, H, W] float in [0, 1]; H and W multiples of 16.
      gains: [B] int64.
      distortion: a name in `DISTORTIONS`.
      noisy_synthesis: see `FloatCodec.forward`.
      generator: source of the noise.
    """
    with torch.autocast(picture.device.type, torch.bfloat16, enabled=bf16_helps(picture.device)):
        estimate = model(picture, gains, noisy_synthesis, generator)
    weight = gain_lambda(gains.float())
    bpp = estimate.estimated_bits / (picture.shape[2] * picture.shape[3])
    return balanced(weight * DISTORTIONS[distortion](estimate.picture, picture) + bpp, gains)


def balanced(loss: Tensor, gains: Tensor) -> Tensor:
    """Losses [B] float32 of pictures at gains [B] int64, divided such that every rate counts alike."""
    return loss / torch.sqrt(gain_lambda(gains.float()) / REFERENCE_LAMBDA)
