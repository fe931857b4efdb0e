"""Rate and distortion of a picture as float networks see them: neither range coder nor post-filter is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from decoder_pkg.entropy import Q_ONE
from decoder_pkg.gains import GainField
from decoder_pkg.grids import LATENT_STRIDE
from decoder_pkg.pixels.render import to_bytes
from decoder_pkg.pixels.tiles import Span
from eval.metrics import Metric

from ..codecs import Relaxation, each
from ..models import float_model
from .analysed_picture import AnalysedPicture
from .rounding import THRESHOLD, as_rdoq

WINDOW, MARGIN = 12, 2
"""Side of a window whose pixels are looked at, and what is synthesised around it, in latents."""

LEAST_WINDOWS, SHARE = 2, 0.1
"""How many windows there are at least, and their share of the pixels of large pictures."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it modulo one fill the unit interval as evenly as can be, however many there are."""

ESTIMATION = THRESHOLD, WINDOW, MARGIN, LEAST_WINDOWS, SHARE
"""What estimates depend on beside picture and weights; a part of every key under which they are kept."""


@dataclass(frozen=True)
class Estimate:
    """What a picture is expected to take at a setting of a model, and to lose.

    Attributes:
      gain: gain index.
      q: quantisation step in 1/Q_ONE.
      bits: of the latents.
      losses: by the metrics' columns.
    """

    gain: int
    q: int
    bits: float
    losses: dict[str, float]


def estimate(picture: AnalysedPicture, gain: int, metrics: Sequence[Metric], q: int = Q_ONE) -> Estimate:
    """Bits of the whole picture, and losses that a few windows of a large one stand for.

    Args:
      picture: the picture under one model.
      gain: gain index.
      metrics: to be measured.
      q: quantisation step in 1/Q_ONE.
    """
    model = float_model(picture.model)
    device = next(model.parameters()).device
    gains, (height, width) = torch.tensor([gain], device=device), picture.size
    with torch.inference_mode():
        latents = each(picture.latents(GainField(gain)), lambda grid: grid.to(device))
        coded = model.code(latents, gains, q / Q_ONE, Relaxation(as_rdoq))
        bits = float(coded.position_bits().sum() + coded.side_bits.sum())
        measured, pixels = [], []
        for down, across in windows(*coded.y_hat.shape[2:]):
            rows, columns = down.target(LATENT_STRIDE, height), across.target(LATENT_STRIDE, width)
            decoded = to_bytes(model.synthesis(coded.y_hat[:, :, down.outer, across.outer], gains)[0].float())
            seen = decoded[down.source(LATENT_STRIDE, height), across.source(LATENT_STRIDE, width)]
            original = picture.pixels[rows, columns]
            measured.append([metric.measure(original, np.ascontiguousarray(seen)) for metric in metrics])
            pixels.append(original.shape[0] * original.shape[1])
    losses = {}
    for metric, values in zip(metrics, zip(*measured, strict=True), strict=True):
        loss = metric.mean(values, pixels)
        losses[metric.column] = loss * height * width if metric.is_sum else loss
    return Estimate(gain, q, bits, losses)


def windows(height: int, width: int) -> Iterator[tuple[Span, Span]]:
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
