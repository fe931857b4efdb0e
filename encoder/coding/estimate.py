"""Estimates of rate and distortion, and the windows of a picture whose losses stand for those of the whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decoder_pkg.grids import LATENT_STRIDE, latent_size
from decoder_pkg.pixels.tiles import Span
from eval.metrics import Metric

from ..pictures import Pixels
from .rounding import THRESHOLD

WINDOW, MARGIN = 12, 2
"""Side of a window whose pixels are looked at, and what is synthesised around it, in latents."""

LEAST_WINDOWS, SHARE = 2, 0.1
"""How many windows there are at least, and their share of the pixels of large pictures."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it modulo one fill the unit interval as evenly as can be, however many there are."""

ESTIMATION = "sampled", THRESHOLD, WINDOW, MARGIN, LEAST_WINDOWS, SHARE
"""What estimates depend on beside picture and weights; a part of every key under which they are kept."""

Window = tuple[Span, Span]
"""Latents down and across."""


@dataclass(frozen=True)
class Estimate:
    """What a picture is expected to take at a setting of a model, and to lose.

    Attributes:
      position: of the setting, on the scale of gains.
      bits: of the integers.
      losses: by the metrics' columns; of a whole picture that is like its windows.
      samplings: by which they are to be multiplied, since the picture is not: about the same under every model, so
        that models compare best by the losses themselves.
    """

    position: float
    bits: float
    losses: dict[str, float]
    samplings: dict[str, float] = field(default_factory=dict)

    def whole(self, column: str) -> float:
        """The loss of the whole picture, as far as is known."""
        return self.losses[column] * self.samplings.get(column, 1.0)


def windowed_losses(pixels: Pixels, decoded: Callable[[Window], Pixels], metrics: Sequence[Metric]) -> dict[str, float]:
    """Losses of a whole picture that its windows stand for: the same ones under every model, so that they compare.

    Args:
      pixels: [H, W, 3] uint8.
      decoded: what a window, without its margins, decodes to.
      metrics: to be measured.
    """
    height, width = pixels.shape[:2]
    measured, counts = [], []
    for window in windows(*latent_size(height, width)):
        original = pixels[window[0].target(LATENT_STRIDE, height), window[1].target(LATENT_STRIDE, width)]
        shown = decoded(window)
        measured.append([metric.measure(original, shown) for metric in metrics])
        counts.append(original.shape[0] * original.shape[1])
    losses = {}
    for metric, values in zip(metrics, zip(*measured, strict=True), strict=True):
        loss = metric.mean(values, counts)
        losses[metric.column] = loss * height * width if metric.is_sum else loss
    return losses


def sampling(errors: NDArray[np.float64], weights: NDArray[np.floating]) -> float:
    """How much larger squared errors are in the whole picture than in its windows, on average.

    Errors of pixels are nearly proportional to those that quantisation makes in the latents, which are known everywhere
    (a ratio estimator: of photographs, its error is a sixth of that of windows alone).

    Args:
      errors: [h, w] squared errors of the latents of each position.
      weights: [h, w] share of each position's pixels that lie within the picture.
    """
    parts = [np.s_[down.start : down.stop, across.start : across.stop] for down, across in windows(*errors.shape)]
    weighted = errors * weights
    inside = sum(float(weighted[part].sum()) for part in parts) / sum(float(weights[part].sum()) for part in parts)
    return float(weighted.sum() / weights.sum()) / inside if inside else 1.0


def windows(height: int, width: int) -> Iterator[Window]:
    """Windows spread over a grid of latents, each a span down and one across; of a small grid the whole."""
    count = max(LEAST_WINDOWS, round(SHARE * height * width / WINDOW**2))
    if count * (WINDOW + 2 * MARGIN) ** 2 >= height * width:
        yield Span(0, height, 0, height), Span(0, width, 0, width)
        return
    for number in range(count):
        yield _window(height, (number + 0.5) / count), _window(width, (0.5 + number * GOLDEN) % 1)


def _window(side: int, share: float) -> Span:
    """A window at a share of the way along a side."""
    start = math.floor(share * (max(0, side - WINDOW) + 1))
    stop = min(side, start + WINDOW)
    return Span(start, stop, max(0, start - MARGIN), min(side, stop + MARGIN))
