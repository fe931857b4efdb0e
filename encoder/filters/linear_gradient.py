"""The linear post-filter as a part of the differentiable decoder that refinement sees.

Latents refined under a fixed residual come to rely on it, and the filter that is fitted to them in the end has less
to give. The gradient through a filter takes a third as long as all the rest of an iteration, and is kept for a while.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from decoder_pkg.pixels.filters import COLOURS, DIFFERENCES, MEANS, PAIRS, TONES
from decoder_pkg.pixels.filters.linear_apply import (
    CLIP,
    MIDDLE,
    REACH,
    mean,
    pair,
    repeated_edges,
    residual,
    square_sums,
    strip_rows,
    surroundings,
    tones,
    weighted,
)

KEPT = 4
"""Gradients in a row to which the same is added for what comes back through the residual."""


class DifferentiableLinearFilter:
    """A filter of fixed taps behind a synthesis whose latents change a little from one evaluation to the next."""

    def __init__(self, taps: NDArray[np.float32]) -> None:
        """Takes the taps [FEATURES, 3], see `LinearFilter.taps`."""
        self._taps = taps
        self._gradients = 0
        self._through = torch.zeros(())

    def restart(self) -> None:
        """Forgets what came back before."""
        self._gradients = 0

    def __call__(self, levels: Tensor) -> Tensor:
        """The filtered picture [3, H, W] of levels [3, H, W] float in 0 to 255."""
        filtered: Tensor = _Filtered.apply(levels, self)  # type: ignore[no-untyped-call]
        return filtered

    def added(self, levels: Tensor) -> Tensor:
        """The residual of levels."""
        return residual(levels / 255, self._taps)

    def through(self, levels: Tensor, gradient: Tensor) -> Tensor:
        """What comes back through the residual [3, H, W] of a gradient in the filtered picture, or did lately."""
        if self._gradients % KEPT == 0:
            self._through = gradient_through(levels, self._taps, gradient)
        self._gradients += 1
        return self._through


class _Filtered(torch.autograd.Function):
    """Adds the residual; sends the gradient back both ways."""

    @staticmethod
    def forward(ctx, levels, post_filter):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(levels)
        ctx.post_filter = post_filter
        return levels + post_filter.added(levels)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (levels,) = ctx.saved_tensors
        return gradient + ctx.post_filter.through(levels, gradient), None


def gradient_through(levels: Tensor, taps: NDArray[np.float32], gradient: Tensor) -> Tensor:
    """The gradient in a picture of what depends on its residual alone.

    Args:
      levels: [3, H, W] float in 0 to 255.
      taps: [FEATURES, 3].
      gradient: [3, H, W] float, in the residual.

    Returns:
      [3, H, W] float.
    """
    weights = torch.from_numpy(taps).to(levels.device)
    rows = strip_rows(levels)
    padded = repeated_edges(levels)
    back = torch.zeros_like(padded)
    for top in range(0, levels.shape[1], rows):
        strip = slice(top, top + rows + 2 * REACH)
        _add_strip(back[:, strip], padded[:, strip], weighted(gradient[:, top : top + rows], weights))
    return _folded(_folded(back, 1), 2)


def _add_strip(back: Tensor, padded: Tensor, wanted: Tensor) -> None:
    """Adds to back [3, H + 16, W + 16] what gradients [FEATURES, H, W] in `features` of padded are in padded.

    Automatic differentiation takes twice as long: it fills a picture with zeros for each neighbour.
    """
    _, colours, plain, clipped, toned = torch.split(wanted, [1, COLOURS, DIFFERENCES, DIFFERENCES, TONES])
    both = list(zip(torch.split(plain, COLOURS), torch.split(clipped, COLOURS), strict=True))
    centre = padded[:, REACH:-REACH, REACH:-REACH]
    at_centre = colours + _through_tones(centre, toned)
    for offset, (always, within) in zip(PAIRS, both[: len(PAIRS)], strict=True):
        for neighbour, target in zip(pair(padded, offset), pair(back, offset), strict=True):
            passed = _passed(neighbour - centre, always, within)
            target += passed
            at_centre -= passed
    for distance, (always, within) in zip(MEANS, both[len(PAIRS) :], strict=True):
        passed = _passed(mean(padded, distance) - centre, always, within)
        surroundings(back, distance).add_(_spread(passed, distance))
        at_centre -= passed
    back[:, REACH:-REACH, REACH:-REACH] += at_centre


def _passed(differences: Tensor, always: Tensor, within: Tensor) -> Tensor:
    """Gradients in differences, which are lost, of those in what they are plain and clipped; all [3, H, W]."""
    # In place, so that it is a number: choosing by a truth value takes three times as long.
    return torch.addcmul(always, within, differences.abs_().le_(CLIP))


def _spread(gradient: Tensor, distance: int) -> Tensor:
    """The gradient [3, H + 2 * distance, W + 2 * distance] in samples of one in their means [3, H, W]."""
    side = 2 * distance + 1
    return square_sums(F.pad(gradient, (2 * distance,) * 4), distance) / side**2


def _through_tones(centre: Tensor, wanted: Tensor) -> Tensor:
    """The gradient in samples [3, H, W] of one in their tones."""
    with torch.enable_grad():
        moving = centre.detach().requires_grad_()
        found = torch.cat([*tones(moving - MIDDLE)])
    (back,) = torch.autograd.grad(found, moving, wanted)
    return back


def _folded(x: Tensor, axis: int) -> Tensor:
    """Adds what lies within REACH of both ends of an axis to the first and last sample between.

    The library's own gradient of repeated edges adds in no fixed order on a GPU.
    """
    size = x.shape[axis] - 2 * REACH
    inner = x.narrow(axis, REACH, size).clone()
    inner.select(axis, 0).add_(x.narrow(axis, 0, REACH).sum(axis))
    inner.select(axis, size - 1).add_(x.narrow(axis, REACH + size, REACH).sum(axis))
    return inner
