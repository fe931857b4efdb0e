"""What any linear filter would do to a picture: the normal equations of its features and of what is missing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoder_pkg.pixels.filters import COLOURS, FEATURES
from decoder_pkg.pixels.filters.linear_apply import REACH, features, padded_levels
from decoder_pkg.pixels.render import Tile

from ..pictures import Pixels

ROWS, COLUMNS = 64, 256
"""Of the blocks that are looked at together; columns that are passed over do not count."""

FEW = 40_000
"""Pixels up to which every column is looked at; of a larger picture, one in as many as its side is longer."""


@dataclass(frozen=True)
class NormalEquations:
    """Least squares: x · (2 b - A x) is the squared error that coefficients or taps x save.

    Attributes:
      matrix: A, [K, K] float64.
      vector: b, [K, ...] float64.
    """

    matrix: NDArray[np.float64]
    vector: NDArray[np.float64]


@torch.inference_mode()
def normal_equations(pixels: Pixels, tiles: Iterable[Tile]) -> NormalEquations:
    """What any filter would do to a picture.

    Args:
      pixels: the original, [H, W, 3] uint8.
      tiles: of the decoded picture.

    Returns:
      Equations of the taps [FEATURES, COLOURS].
    """
    height, width = pixels.shape[:2]
    step = _column_step(height * width)
    matrix, vector, seen = np.zeros((FEATURES, FEATURES)), np.zeros((FEATURES, COLOURS)), 0
    for block, original in _blocks(pixels, tiles, step):
        looked_at, shown = original[:, :, ::step], block[:, REACH:-REACH, REACH:-REACH:step]
        rows = block.new_empty(FEATURES + COLOURS, *looked_at.shape[1:])
        features(block, step, out=rows[:FEATURES])
        torch.sub(looked_at, shown, out=rows[FEATURES:])
        products = products_of(rows.flatten(1))
        matrix += products[:FEATURES, :FEATURES]
        vector += products[:FEATURES, FEATURES:]
        seen += rows[0].numel()
    scale = height * width / seen
    return NormalEquations(matrix * scale, vector * scale)


def products_of(rows: Tensor) -> NDArray[np.float64]:
    """Inner products [R, R] of rows [R, n] float32, which are lost.

    Only what rows deviate from a constant is multiplied in float32: in a flat picture what float32 loses of the whole
    looks like something to gain.
    """
    constant = rows.mean(1, keepdim=True)
    deviations = rows.sub_(constant)
    array = deviations.numpy()
    products = torch.from_numpy(array @ array.T).double()  # NumPy sees that it is symmetric, and takes half the time
    constant, sums = constant.double(), deviations.sum(1, keepdim=True).double()
    cross = constant @ sums.T
    whole: NDArray[np.float64] = (products + cross + cross.T + rows.shape[1] * (constant @ constant.T)).numpy()
    return whole


def _column_step(pixels: int) -> int:
    return max(1, math.isqrt(pixels // FEW))


def _blocks(pixels: Pixels, tiles: Iterable[Tile], step: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Parts of the decoded picture in levels, [3, h + 16, w + 16], and of the original, [3, h, w].

    Each row of blocks begins one column further: columns at all places within the 16 that a latent covers are seen.
    """
    height, width = pixels.shape[:2]
    for tile in tiles:
        (rows, columns), (down, across) = tile.inner(height, width), tile.target(height, width)
        padded = padded_levels(tile.picture)[:, rows.start :, columns.start :]
        originals = torch.from_numpy(pixels[down, across].copy()).permute(2, 0, 1).float()
        starts = range(0, originals.shape[1], ROWS), range(0, originals.shape[2], step * COLUMNS)
        for top, first in itertools.product(*starts):
            left = first + top // ROWS % min(step, originals.shape[2])
            original = originals[:, top : top + ROWS, left : left + step * COLUMNS]
            bottom, right = top + original.shape[1] + 2 * REACH, left + original.shape[2] + 2 * REACH
            yield padded[:, top:bottom, left:right], original
