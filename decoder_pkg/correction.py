"""The post-filter on pixels: every sample of a decoded picture is corrected by what its neighbourhood says.

The correction is a linear function of the sample's 3x3 neighbourhood in all three colours, and of the same differences
clipped, which tell an edge from noise (as the adaptive loop filter of VVC does).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

REACH = 1
"""How many pixels away a sample can still change another."""

CLIP = 10.0
"""Differences to neighbours are clipped at this many levels."""

MIDDLE = 128.0
STRIP = 64
"""Rows that are corrected at once: a sample has many features."""


def padded_levels(picture: Tensor) -> Tensor:
    """[3, H, W] float, nominally in [0, 1], to levels [3, H + 2, W + 2] with the edge repeated around them."""
    return F.pad(picture.clamp(0, 1)[None] * 255, (REACH,) * 4, mode="replicate")[0]


def features(padded: Tensor) -> Tensor:
    """What corrections are a linear function of.

    Args:
      padded: [3, H + 2, W + 2] float, levels of a picture and of one sample around it.

    Returns:
      [postfilter.FEATURES, H, W] float, levels: a constant 1, the colours less MIDDLE, their differences to the eight
      neighbours, and the same clipped.
    """
    height, width = padded.shape[1] - 2, padded.shape[2] - 2
    centre = padded[:, 1:-1, 1:-1]
    places = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    differences = torch.cat([padded[:, y : y + height, x : x + width] - centre for y, x in places])
    return torch.cat([torch.ones_like(centre[:1]), centre - MIDDLE, differences, differences.clamp(-CLIP, CLIP)])


def correct(picture: Tensor, kernel: NDArray[np.float32]) -> Tensor:
    """Filters a picture.

    Args:
      picture: [3, H, W] float, nominally in [0, 1].
      kernel: [FEATURES, 3], see `postfilter.PostFilter.kernel`.

    Returns:
      [3, H, W] float, nominally in [0, 1].
    """
    padded, weights = padded_levels(picture), torch.from_numpy(kernel.T.copy()).to(picture.device)
    corrected = padded[:, 1:-1, 1:-1].clone()
    for top in range(0, picture.shape[1], STRIP):
        seen = features(padded[:, top : top + STRIP + 2 * REACH])
        corrected[:, top : top + STRIP] += (weights @ seen.flatten(1)).reshape(-1, *seen.shape[1:])
    return corrected / 255
