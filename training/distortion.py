"""The distortion of training, in units of 255^2 MSE so that one range of lambda serves both kinds."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from eval.metrics import MS_SSIM, differentiable_ms_ssim

MS_SSIM_SCALE = 1333.0
"""1 - MS-SSIM times this counts as one unit of squared 8-bit error: 2.4 / 0.0018, the lowest pair of lambdas for which
Bégaint et al. 2020 ("CompressAI") trained models of both kinds."""


def squared_error(decoded: Tensor, original: Tensor) -> Tensor:
    """Mean squared error in 8-bit scale of pictures [B, 3, H, W] in [0, 1]: [B] float."""
    return 255**2 * (decoded - original).square().mean(dim=(1, 2, 3))


def structural_loss(decoded: Tensor, original: Tensor) -> Tensor:
    """Scaled 1 - MS-SSIM of pictures [B, 3, H, W] in [0, 1]: [B] float."""
    similarity = torch.vmap(differentiable_ms_ssim)(255 * decoded.clamp(0, 1), 255 * original)
    return MS_SSIM_SCALE * (1 - similarity)


DISTORTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": squared_error, MS_SSIM.key: structural_loss}
