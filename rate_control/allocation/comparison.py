"""What one Lagrange multiplier for the set gains over the same rate, or the same quality, for every picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from eval.metrics import PSNR, SQUARED_ERROR, Distortion

from .budget import budget_bytes
from .interpolation import interpolate_candidates
from .lagrangian import InfeasibleBudget
from .limits import constant_quality, constant_rate
from .table import allocate_table, decibels, pooled_values

LEAST_USE = 0.99
"""Share of the budget that a rule must spend to be compared: one that runs out of candidates says nothing."""


def compare_allocations(
    frame: pd.DataFrame, targets: Sequence[str], distortion: Distortion = SQUARED_ERROR
) -> pd.DataFrame:
    """Quality of the set in dB under three allocations; empty where one cannot spend the budget.

    All three choose between the same points: the candidates of each picture that no other beats, and the quality
    interpolated between them, so that no rule loses by what happens to lie between two candidates. It is PSNR, or
    what `Distortion.decibels` says.
    """
    pixels = int(frame.groupby("image")["pixels"].first().sum())
    # From here on every metric's decibels are treated as if they were those of PSNR.
    dense = interpolate_candidates(_points(frame, distortion))
    rows = []
    for target in targets:
        budget = budget_bytes(pixels, target)
        least = LEAST_USE * budget
        rows.append(
            {
                "target (bpp)": target,
                "one multiplier": _level(partial(_one_multiplier, dense, budget), 0),
                "same rate": _level(partial(constant_rate, dense, float(target)), least),
                "same quality": _level(partial(constant_quality, dense, budget), least),
            }
        )
    table = pd.DataFrame(rows)
    for other in ("same rate", "same quality"):
        table[f"improvement over {other}"] = table["one multiplier"] - table[other]
    return table


def _points(frame: pd.DataFrame, distortion: Distortion) -> pd.DataFrame:
    """Candidates of rising rate and rising quality, for interpolation."""
    points = pd.DataFrame(
        {
            "image": frame["image"],
            "pixels": frame["pixels"],
            "bpp": 8 * frame["bytes"].clip(lower=1) / frame["pixels"],
            "psnr_db": decibels(frame, distortion),
        }
    ).sort_values(["bpp", "psnr_db"], ascending=[True, False])
    best = points.groupby("image")["psnr_db"].cummax()
    points = points[(points["psnr_db"] == best) & ~points.duplicated(["image", "psnr_db"])]
    return points.drop_duplicates(["image", "bpp"])


def _one_multiplier(frame: pd.DataFrame, budget: int) -> pd.DataFrame:
    return allocate_table(frame, budget).chosen


def _level(choose: Callable[[], pd.DataFrame], least: float) -> float:
    """Decibels of what a rule chooses; no number where that does not fit the budget, or takes too few bytes."""
    try:
        chosen = choose()
    except InfeasibleBudget:
        return float("nan")
    return pooled_values(chosen)[PSNR.key] if chosen["bytes"].sum() >= least else float("nan")
