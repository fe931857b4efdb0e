"""PSNR and MS-SSIM exactly as the competition's server computes them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .threads import one_thread

Pixels = NDArray[np.uint8]
Number = TypeVar("Number", float, NDArray[np.float64])

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales (Wang et al. 2003, section 3.2)."""

WINDOW = 11
SIGMA = 1.5
LUMINANCE_CONSTANT = (0.01 * 255) ** 2
CONTRAST_CONSTANT = (0.03 * 255) ** 2
STRIP_ROWS = 64
"""Rows of a channel's similarity map that a CPU computes at once: few enough to stay in its cache."""


@dataclass(frozen=True)
class Distortion:
    """What is minimised: error * squared error + loss * pixels * (1 - MS-SSIM), summed over pictures.

    Attributes:
      error: weight of the squared error, summed over all samples of 8-bit scale.
      loss: weight of 1 - MS-SSIM, counted once a pixel.
    """

    error: float
    loss: float

    def of(self, squared_error: Number, ms_ssim_loss: Number, pixels: Number) -> Number:
        """The distortion of one picture, or of each of several, given 1 - MS-SSIM."""
        return self.error * squared_error + self.loss * pixels * ms_ssim_loss


SQUARED_ERROR = Distortion(1.0, 0.0)


def squared_error(original: Pixels, decoded: Pixels) -> int:
    """Sum over all samples of the squared difference, exact.

    Raises:
      ValueError: the shapes differ.
    """
    _check_shapes(original, decoded)
    difference = original.astype(np.int32) - decoded
    return int(np.square(difference).sum(dtype=np.int64))


def psnr_db(squared_error: Number, samples: Number) -> Number:
    """PSNR in dB of summed squared errors of 8-bit scale over so many samples; infinite where nothing was lost."""
    with np.errstate(divide="ignore"):
        found: Number = 10 * np.log10(255**2 * np.divide(samples, squared_error))
    return found


def pooled_psnr(squared_errors: Sequence[int], samples: Sequence[int]) -> float:
    """PSNR in dB from one mean squared error over the whole set (CLIC FAQ 2021); infinite where nothing was lost.

    Args:
      squared_errors: summed squared error per picture, 8-bit scale.
      samples: 3 * H * W per picture, positive.

    Raises:
      ValueError: the lengths differ or are zero.
    """
    if len(squared_errors) != len(samples) or not samples or min(samples) <= 0:
        raise ValueError(f"{len(squared_errors)} errors and {len(samples)} sizes: one positive size per picture needed")
    return float(psnr_db(float(sum(squared_errors)), float(sum(samples))))


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
    _check_shapes(original, decoded)
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


def pooled_ms_ssim(values: Sequence[float], pixels: Sequence[int], by_pixels: bool = True) -> float:
    """Mean weighted by pixels, as the server pools MS-SSIM since 2020; the plain mean of before without `by_pixels`.

    Raises:
      ValueError: the lengths differ or are zero.
    """
    if len(values) != len(pixels) or not pixels or min(pixels) <= 0:
        raise ValueError(f"{len(values)} values and {len(pixels)} sizes: one positive size per picture needed")
    return float(np.average(values, weights=pixels if by_pixels else None))


def _check_shapes(original: Pixels, decoded: Pixels) -> None:
    if original.shape != decoded.shape or original.ndim != 3 or original.shape[2] != 3:
        raise ValueError(f"shapes {original.shape} and {decoded.shape}: two equal [H, W, 3] pictures needed")


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
