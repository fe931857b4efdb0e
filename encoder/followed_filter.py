"""The post-filter while latents are refined: what it adds follows the picture, and so does its gradient.

Latents refined under a fixed correction come to rely on it, and the filter that is fitted to them in the end has less
to give. A correction and what comes back through it take as long as the synthesis, so both are kept for a while.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.correction import REACH, correction, features

EVERY = 4
"""Evaluations with a gradient for which a correction is kept."""

STRIP = 2**16
"""Samples of a colour through whose filter gradients are sent back at once: each has many features."""


class FollowedFilter:
    """A filter of fixed numbers behind a synthesis whose latents change a little from one evaluation to the next."""

    def __init__(self, kernel: NDArray[np.float32]) -> None:
        """Takes a filter [FEATURES, 3], see `PostFilter.kernel`."""
        self._kernel = kernel
        self._evaluations = 0
        self._added: Tensor | None = None
        self._through: Tensor | None = None

    def __call__(self, levels: Tensor) -> Tensor:
        """The filtered picture [3, H, W] of levels [3, H, W] float in 0 to 255; anew each time without gradients."""
        if not torch.is_grad_enabled():
            return levels + correction(levels / 255, self._kernel)
        if self._added is None or self._evaluations % EVERY == 0:
            self._added, self._through = correction(levels.detach() / 255, self._kernel), None
        self._evaluations += 1
        filtered: Tensor = _Filtered.apply(levels, self._added, self)  # type: ignore[no-untyped-call]
        return filtered

    def through(self, levels: Tensor, gradient: Tensor) -> Tensor:
        """What comes back through the correction [3, H, W] of a gradient in the filtered picture; kept as that is."""
        if self._through is None:
            self._through = gradient_through(levels, self._kernel, gradient)
        return self._through


class _Filtered(torch.autograd.Function):
    """Adds a kept correction; sends the gradient back both ways."""

    @staticmethod
    def forward(ctx, levels, added, followed):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(levels)
        ctx.followed = followed
        return levels + added

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (levels,) = ctx.saved_tensors
        return gradient + ctx.followed.through(levels, gradient), None, None


def gradient_through(levels: Tensor, kernel: NDArray[np.float32], gradient: Tensor) -> Tensor:
    """The gradient in a picture of what depends on its correction alone.

    Args:
      levels: [3, H, W] float in 0 to 255.
      kernel: [FEATURES, 3], the filter.
      gradient: [3, H, W] float, in the correction.

    Returns:
      [3, H, W] float.
    """
    weights = torch.from_numpy(kernel.T.copy()).to(levels.device)
    rows = max(1, STRIP // levels.shape[2])
    with torch.enable_grad():
        picture = levels.detach()[None].requires_grad_()
        padded = F.pad(picture, (REACH,) * 4, mode="replicate")
        below = torch.zeros_like(padded[0])
        for top in range(0, levels.shape[1], rows):
            strip = padded[0, :, top : top + rows + 2 * REACH].detach().requires_grad_()
            known = features(strip)
            added = (weights @ known.flatten(1)).view(-1, *known.shape[1:])
            (back,) = torch.autograd.grad(added, strip, gradient[:, top : top + rows])
            below[:, top : top + rows + 2 * REACH] += back
        (found,) = torch.autograd.grad(padded, picture, below[None])
    return found[0]
