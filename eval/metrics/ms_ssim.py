"""MS-SSIM exactly as the competition's server computes it, and as refinement and training follow it."""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from torch import Tensor

from ..machine import one_thread
from .interface import Metric, Pixels, check_shapes

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales (Wang et al. 2003, section 3.2)."""

WINDOW = 11
SIGMA = 1.5
LUMINANCE_CONSTANT = (0.01 * 255) ** 2
CONTRAST_CONSTANT = (0.03 * 255) ** 2
LEAST_SIMILARITY = 1e-4
"""Of a scale that is followed: a negative one has no fractional power."""

STRIP_ROWS = 64
"""Rows of a channel's similarity map that a CPU computes at once: few enough to stay in its cache."""


def ms_ssim(original: Pixels, decoded: Pixels) -> float:
    """Multi-scale structural similarity of two pictures (Wang et al. 2003, Eq. 7, with the server's conventions).

    All scales pool the three channels at once; the window has no padding and shrinks with the picture; a product
    that is not a number counts as 0, with a warning.

    Args:
      original: [H, W, 3] uint8.
      decoded: the same shape.

    Raises:
      ValueError: the shapes differ.
    """
    check_shapes(original, decoded)
    with one_thread():
        return _ms_ssim(original, decoded)


def _ms_ssim(original: Pixels, decoded: Pixels) -> float:
    first, second = (torch.from_numpy(np.array(p.transpose(2, 0, 1), order="C")).double() for p in (original, decoded))
    with torch.inference_mode():
        factors = similarity_factors(first, second)
    if min(factors) < 0:
        warnings.warn("a negative similarity has no fractional power: MS-SSIM counts as 0", stacklevel=3)
        return 0.0
    product = 1.0
    for factor, weight in zip(factors, WEIGHTS, strict=True):
        product *= float(factor) ** weight
    return product


def similarity_factors(first: Tensor, second: Tensor) -> list[Tensor]:
    """What MS-SSIM multiplies: the contrast term at each scale and, at the last, SSIM itself; differentiable.

    Args:
      first: [3, H, W] float, 8-bit scale.
      second: the same shape.

    Returns:
      One scalar per scale, to be raised to its weight in WEIGHTS.
    """
    factors = []
    for scale in range(len(WEIGHTS)):
        if scale:
            first, second = _halve(first), _halve(second)
        similarity, contrast = _similarity(first, second)
        factors.append(similarity if scale == len(WEIGHTS) - 1 else contrast)
    return factors


def differentiable_ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """MS-SSIM of two pictures [3, H, W] float in 8-bit scale, a scalar whose gradient exists everywhere."""
    factors = torch.stack(similarity_factors(first, second)).clamp(min=LEAST_SIMILARITY)
    return factors.pow(factors.new_tensor(WEIGHTS)).prod()


def _window(size: int) -> list[float]:
    """Normalised Gaussian taps; sigma shrinks with the size."""
    sigma = size * SIGMA / WINDOW
    taps = [math.exp(-((position - (size - 1) / 2) ** 2) / (2 * sigma**2)) for position in range(size)]
    return [tap / sum(taps) for tap in taps]


def _similarity(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Means over pixels and channels of SSIM and of its contrast term: [3, H, W] float each."""
    height, width = first.shape[1:]
    taps = _window(min(WINDOW, height, width))
    rows = height - len(taps) + 1
    channels, strip_rows = (1, STRIP_ROWS) if first.device.type == "cpu" else (3, rows)
    sums = first.new_zeros(2)
    for top in range(0, rows, strip_rows):
        strip = slice(top, min(top + strip_rows, rows) + len(taps) - 1)
        for channel in range(0, 3, channels):
            part = slice(channel, channel + channels), strip
            sums = sums + _strip_sums(first[part], second[part], taps)
    similarity, contrast = sums / (3 * rows * (width - len(taps) + 1))
    return similarity, contrast


def _strip_sums(x: Tensor, y: Tensor, taps: list[float]) -> Tensor:
    """Sums of SSIM and contrast over one strip [C, h, w]."""
    mean_x, mean_y, power, product = _filter(torch.stack([x, y, x * x + y * y, x * y]), taps)
    means = mean_x * mean_y
    squares = mean_x.square() + mean_y.square()
    contrast = (2 * (product - means) + CONTRAST_CONSTANT) / (power - squares + CONTRAST_CONSTANT)
    luminance = (2 * means + LUMINANCE_CONSTANT) / (squares + LUMINANCE_CONSTANT)
    return torch.stack([(luminance * contrast).sum(), contrast.sum()])


def _filter(maps: Tensor, taps: list[float]) -> Tensor:
    """Separable window over [..., h, w], without padding."""
    if maps.device.type != "cpu":
        return _filter_by_products(maps, taps)
    for axis in (-2, -1):
        length = maps.shape[axis] - len(taps) + 1
        filtered = maps.narrow(axis, 0, length) * taps[0]
        for position, tap in enumerate(taps[1:], start=1):
            filtered.add_(maps.narrow(axis, position, length), alpha=tap)
        maps = filtered
    return maps


def _filter_by_products(maps: Tensor, taps: list[float]) -> Tensor:
    """The same as two matrix products (not in TF32, much cancels later): a tenth of the passes over a GPU's memory."""
    rows, columns = (_band(taps, maps.shape[axis], maps) for axis in (-2, -1))
    return rows @ maps @ columns.mT


def _band(taps: list[float], length: int, like: Tensor) -> Tensor:
    """[length - taps + 1, length]: what each output of the window takes from each input."""
    places = torch.arange(length, device=like.device)
    offset = places - places[: length - len(taps) + 1, None]
    band = like.new_zeros(offset.shape)
    for position, tap in enumerate(taps):
        band = band + tap * (offset == position).to(like.dtype)
    return band


def _halve(x: Tensor) -> Tensor:
    """2x2 means; an odd last row or column is repeated."""
    height, width = x.shape[1:]
    complete = torch.nn.functional.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    return torch.nn.functional.avg_pool2d(complete, 2)


MS_SSIM = Metric(
    key="ms-ssim",
    name="MS-SSIM",
    unit="MS-SSIM",
    form=".5f",
    sign=1,
    field="ms_ssim",
    column="ms_ssim_loss",
    largest=2.0,
    peak=1.0,
    measure=lambda original, decoded: 1 - ms_ssim(original, decoded),
    value=lambda loss: 1 - loss,
    loss=lambda value: 1 - value,
    axis="MS-SSIM, −10 log10(1 − x) (dB)",
    is_cheap=True,
    relaxed=lambda original, decoded: 1 - differentiable_ms_ssim(original, decoded),
)
"""Weighted by pixels over a set, as the server pools it since 2020; the plain mean before."""
