"""What one slope is worth: against the same rate and against the same quality for every picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from .budget import budget_bytes
from .hulls import InfeasibleBudget
from .interpolation import interpolate_candidates
from .limits import constant_quality, constant_rate
from .table import allocate_table, picture_psnr_db, pooled_psnr_db

LEAST_USE = 0.99
"""Share of the budget that a rule must spend to be compared: one that runs out of candidates says nothing."""


def compare_allocations(frame: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    """PSNR of the set in dB under three allocations; empty where one cannot spend the budget.

    All three choose between the same points: the candidates of each picture that no other beats, and PSNR interpolated
    between them, so that no rule loses by what happens to lie between two candidates.
    """
    pixels = int(frame.groupby("image")["pixels"].first().sum())
    dense = interpolate_candidates(_points(frame))
    rows = []
    for target in targets:
        budget = budget_bytes(pixels, target)
        rows.append(
            {
                "target (bpp)": target,
                "one slope": allocate_table(dense, budget).psnr_db,
                "same rate": _psnr(partial(constant_rate, dense, float(target)), budget),
                "same quality": _psnr(partial(constant_quality, dense, budget), budget),
            }
        )
    table = pd.DataFrame(rows)
    for other in ("same rate", "same quality"):
        table[f"gain over {other}"] = table["one slope"] - table[other]
    return table


def _points(frame: pd.DataFrame) -> pd.DataFrame:
    """Candidates of rising rate and rising quality, for interpolation; a lossless one counts as off by one level."""
    lossless = 10 * np.log10(3.0 * 255**2 * frame["pixels"])
    points = pd.DataFrame(
        {
            "image": frame["image"],
            "pixels": frame["pixels"],
            "bpp": 8 * frame["bytes"].clip(lower=1) / frame["pixels"],
            "psnr_db": np.minimum(picture_psnr_db(frame), lossless),
        }
    ).sort_values(["bpp", "psnr_db"], ascending=[True, False])
    best = points.groupby("image")["psnr_db"].cummax()
    points = points[(points["psnr_db"] == best) & ~points.duplicated(["image", "psnr_db"])]
    return points.drop_duplicates(["image", "bpp"])


def _psnr(choose: Callable[[], pd.DataFrame], budget: int) -> float:
    try:
        chosen = choose()
    except InfeasibleBudget:
        return float("nan")
    return pooled_psnr_db(chosen) if chosen["bytes"].sum() >= LEAST_USE * budget else float("nan")
