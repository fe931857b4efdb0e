"""A model fine-tuned at low rank, stored as the factors of its delta."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from decoder_pkg.weight_files import LARGEST, LEFT, MAX_SHIFT, RIGHT, SCALE_SUFFIX, SHIFTS

from .deltas import LEAST_SQUARE, Arrays, Goal

CODE_COST = 5e-13
"""What rounding a factor's element adds to the squared gradient of the loss, for every tensor; measured in
training/README.md."""

FINER = 4
"""An 8-bit weight's grid is halved as many times: the sum needs more than 8 bits."""

MOST = 0.97 * LARGEST
"""Of a 16-bit weight: factors come near it, and do not meet it."""


def factors(goals: Mapping[str, Goal], base: Arrays, rank: int) -> dict[str, NDArray[np.generic]]:
    """The tensors that a delta file holds for these goals, each a product of `rank` columns and rows away."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, goal in goals.items():
        finer = FINER if base[name].dtype == np.int8 else -_halvings(goal.value)
        change = np.ldexp(goal.value, finer) - np.floor(np.ldexp(base[name].astype(np.float64), finer))
        # Outputs first, or last: the other axes belong together.
        matrix = change.reshape(len(change), -1) if goal.outputs == 0 else change.reshape(-1, change.shape[-1])
        left, right, shift = _codes(matrix, rank, max(goal.squared_gradient, LEAST_SQUARE) / 4.0**finer)
        arrays |= {name + LEFT: left, name + RIGHT: right}
        arrays[name + SHIFTS] = np.array([finer, shift], dtype=np.int8)
        if finer and name + SCALE_SUFFIX in base:
            scale = base[name + SCALE_SUFFIX].astype(np.float32)
            arrays[name + SCALE_SUFFIX] = np.ldexp(scale, -finer)
    return arrays


def _halvings(value: NDArray[np.float64]) -> int:
    """How often 16-bit weights must be halved until they fit."""
    return max(0, math.ceil(math.log2(max(np.abs(value).max(), 1.0) / MOST)))


def _codes(
    matrix: NDArray[np.float64], rank: int, squared_gradient: float
) -> tuple[NDArray[np.generic], NDArray[np.generic], int]:
    """Integers [rows, rank] and [rank, columns] whose product over 2^shift is near a matrix, and the shift.

    Both factors share the sizes of the components evenly, so that rounding an element of either costs the same: the
    squared gradient times a component's size over 2^shift.
    """
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    wanted = round(math.log2(squared_gradient * max(sizes[:rank].mean(), 1.0) / CODE_COST))
    shift = min(max(wanted, 0), MAX_SHIFT)
    roots = np.sqrt(sizes[:rank] * 2.0**shift)
    return _small(left[:, :rank] * roots), _small(right[:rank] * roots[:, None]), shift


def _small(values: NDArray[np.float64]) -> NDArray[np.generic]:
    codes = np.ascontiguousarray(np.round(values))
    return codes.astype(np.int8 if np.abs(codes).max() < 128 else np.int16)
