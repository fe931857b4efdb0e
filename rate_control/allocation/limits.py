"""Limits that people set on single pictures, and the two simple allocations to compare with."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eval.metrics import SQUARED_ERROR, Distortion

from .lagrangian import InfeasibleBudget
from .table import TableError, check_table, distortions, picture_groups, picture_psnr_db, take_rows


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

    def __post_init__(self) -> None:
        """Refuses ends of which none lies between them.

        Raises:
          TableError: a lower end is above its upper end, or one is no number.
        """
        for unit, low, high in (("bpp", self.bpp_low, self.bpp_high), ("dB", self.psnr_low, self.psnr_high)):
            if not low <= high:
                raise TableError(f"{low:g} to {high:g} {unit} leaves nothing")

    def __str__(self) -> str:
        ranges = _range(self.bpp_low, self.bpp_high, "bpp", 0.0), _range(self.psnr_low, self.psnr_high, "dB")
        return " and ".join(filter(None, ranges)) + (f" for {self.image}" if self.image is not None else "")


def _range(low: float, high: float, unit: str, least: float = -math.inf) -> str:
    """A range for people; empty where it excludes nothing."""
    if high == math.inf:
        return f"at least {low:g} {unit}" if low > least else ""
    return f"{low:g} to {high:g} {unit}" if low > least else f"at most {high:g} {unit}"


def check_limits(limits: Sequence[Limits], images: Collection[str]) -> None:
    """Refuses limits on pictures that are not there.

    Raises:
      TableError: a limit names a picture that is none of `images`.
    """
    for limit in limits:
        if limit.image is not None and limit.image not in images:
            near = difflib.get_close_matches(limit.image, map(str, images), 1)
            hint = f": is {near[0]} meant?" if near else ""
            raise TableError(f"a limit names {limit.image}, which is none of the {len(images)} pictures{hint}")


def kept_rows(frame: pd.DataFrame, limits: Sequence[Limits]) -> list[NDArray[np.bool_]]:
    """Which rows [rows] keep to each limit; those of pictures that it does not mean do."""
    bpp, psnr = 8 * frame["bytes"] / frame["pixels"], picture_psnr_db(frame)
    kept = []
    for limit in limits:
        meant = (frame["image"] == limit.image) if limit.image is not None else np.ones(len(frame), dtype=bool)
        inside = bpp.between(limit.bpp_low, limit.bpp_high) & (psnr >= limit.psnr_low) & (psnr <= limit.psnr_high)
        kept.append(np.asarray(inside | ~np.asarray(meant)))
    return kept


def lacking(frame: pd.DataFrame, limits: Sequence[Limits]) -> list[str]:
    """Names of the pictures of which no row keeps to all limits."""
    keep = np.logical_and.reduce([np.ones(len(frame), dtype=bool), *kept_rows(frame, limits)])
    return [frame["image"].iloc[rows[0]] for rows in picture_groups(frame) if not keep[rows].any()]


def apply_limits(frame: pd.DataFrame, limits: Sequence[Limits]) -> pd.DataFrame:
    """The rows that keep to all limits.

    Raises:
      TableError: a picture has no such row, or a limit names a picture that is not there; with the figures.
    """
    frame = check_table(frame)
    check_limits(limits, set(frame["image"]))
    kept_by = kept_rows(frame, limits)
    keep = np.logical_and.reduce([np.ones(len(frame), dtype=bool), *kept_by])
    bpp, psnr = 8 * frame["bytes"] / frame["pixels"], picture_psnr_db(frame)
    for rows in picture_groups(frame):
        if not keep[rows].any():
            name, rates, qualities = frame["image"].iloc[rows[0]], bpp.iloc[rows], psnr[rows]
            counts = [f"{kept[rows].sum()} have {limit}" for limit, kept in zip(limits, kept_by, strict=True)]
            raise TableError(
                f"{name}: none of its {len(rows)} candidates keeps to all limits ({', '.join(counts)}): it has "
                f"{rates.min():.4f} to {rates.max():.4f} bpp at {qualities.min():.2f} to {qualities.max():.2f} dB"
            )
    return frame[keep]


def constant_rate(frame: pd.DataFrame, bpp: float, distortion: Distortion = SQUARED_ERROR) -> pd.DataFrame:
    """The best row of each picture that takes at most `bpp`, for comparison.

    Args:
      frame: candidate table.
      bpp: bits per pixel of every picture, as its shortest decimal number says.
      distortion: what is minimised.

    Raises:
      InfeasibleBudget: a picture has no candidate that small.
    """
    frame = check_table(frame)
    groups = picture_groups(frame)
    rate = Fraction(str(bpp))
    room = {pixels: math.floor(pixels * rate / 8) for pixels in frame["pixels"].unique().tolist()}
    allowed = frame["bytes"].to_numpy() <= frame["pixels"].map(room).to_numpy()
    losses = np.where(allowed, distortions(frame, distortion), np.inf)
    for rows in groups:
        if not allowed[rows].any():
            least = (8 * frame["bytes"] / frame["pixels"]).iloc[rows].min()
            raise InfeasibleBudget(f"{frame['image'].iloc[rows[0]]} takes at least {least:.4f} bpp, {bpp} are allowed")
    return take_rows(frame, groups, [int(np.argmin(losses[rows])) for rows in groups])


def constant_quality(frame: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The highest common PSNR whose smallest rows fit the budget, for comparison.

    Raises:
      InfeasibleBudget: no common PSNR fits.
    """
    frame = check_table(frame)
    groups = picture_groups(frame)
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
