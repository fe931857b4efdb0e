"""Limits that people set on single pictures, and the two simple allocations to compare with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .allocation import InfeasibleBudget
from .table import TableError, check_table, picture_groups, picture_psnr_db, take_rows


@dataclass(frozen=True)
class Limits:
    """What every picture, or one, must keep to.

    Attributes:
      bpp_low, bpp_high: bits per pixel of a picture.
      psnr_low, psnr_high: PSNR in dB of a picture by itself.
      image: name of the picture; None means every picture.
    """

    bpp_low: float = 0.0
    bpp_high: float = math.inf
    psnr_low: float = -math.inf
    psnr_high: float = math.inf
    image: str | None = None


def apply_limits(frame: pd.DataFrame, limits: Sequence[Limits]) -> pd.DataFrame:
    """The rows that keep to all limits.

    Raises:
      TableError: a picture has no such row, or a limit names a picture that is not there; with the figures.
    """
    check_table(frame)
    bpp, psnr = 8 * frame["bytes"] / frame["pixels"], picture_psnr_db(frame)
    keep = np.ones(len(frame), dtype=bool)
    for limit in limits:
        if limit.image is not None and limit.image not in set(frame["image"]):
            raise TableError(f"a limit names {limit.image}, which is not in the table")
        meant = (frame["image"] == limit.image) if limit.image is not None else np.ones(len(frame), dtype=bool)
        inside = bpp.between(limit.bpp_low, limit.bpp_high) & (psnr >= limit.psnr_low) & (psnr <= limit.psnr_high)
        keep &= np.asarray(inside | ~np.asarray(meant))
    for rows in picture_groups(frame):
        if not keep[rows].any():
            name, rates, qualities = frame["image"].iloc[rows[0]], bpp.iloc[rows], psnr[rows]
            raise TableError(
                f"{name}: no candidate keeps to the limits; it has {rates.min():.4f} to {rates.max():.4f} bpp "
                f"at {qualities.min():.2f} to {qualities.max():.2f} dB"
            )
    return frame[keep]


def constant_rate(frame: pd.DataFrame, bpp: float) -> pd.DataFrame:
    """The best row of each picture within its own `bpp`, for comparison.

    Raises:
      InfeasibleBudget: a picture has no candidate that small.
    """
    groups = picture_groups(check_table(frame))
    allowed = frame["bytes"].to_numpy() <= np.ceil(frame["pixels"].to_numpy() * bpp / 8)
    error = np.where(allowed, frame["squared_error"].to_numpy(np.float64), np.inf)
    for rows in groups:
        if not allowed[rows].any():
            least = (8 * frame["bytes"] / frame["pixels"]).iloc[rows].min()
            raise InfeasibleBudget(f"{frame['image'].iloc[rows[0]]} takes at least {least:.4f} bpp, {bpp} are allowed")
    return take_rows(frame, groups, [int(np.argmin(error[rows])) for rows in groups])


def constant_quality(frame: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The highest common PSNR whose smallest rows fit the budget, for comparison.

    Raises:
      InfeasibleBudget: no common PSNR fits.
    """
    groups = picture_groups(check_table(frame))
    psnr, size = picture_psnr_db(frame), frame["bytes"].to_numpy(np.float64)

    def choose(level: float) -> list[int] | None:
        choice = []
        for rows in groups:
            sizes = np.where(psnr[rows] >= level, size[rows], np.inf)
            choice.append(int(np.argmin(sizes)))
            if not np.isfinite(sizes[choice[-1]]):
                return None
        total = sum(size[rows[index]] for rows, index in zip(groups, choice, strict=True))
        return choice if total <= budget else None

    levels = np.unique(psnr)
    low, high = -1, len(levels)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if choose(float(levels[middle])) else (low, middle)
    best = choose(float(levels[low])) if low >= 0 else None
    if best is None:
        raise InfeasibleBudget(f"no common PSNR fits {budget} bytes; the smallest candidates have other qualities")
    return take_rows(frame, groups, best)
