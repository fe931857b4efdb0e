"""What one slope is worth: against the same rate and against the same quality for every picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pandas as pd

from .allocation import InfeasibleBudget
from .budget import budget_bytes
from .limits import constant_quality, constant_rate
from .table import allocate_table, pooled_psnr_db

Limit = TypeVar("Limit", int, float)


def compare_allocations(frame: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    """PSNR of the set in dB under three allocations of the same candidates; empty where one is impossible."""
    pixels = int(frame.groupby("image")["pixels"].first().sum())
    rows = []
    for target in targets:
        budget = budget_bytes(pixels, target)
        rows.append(
            {
                "target (bpp)": target,
                "one slope": allocate_table(frame, budget).psnr_db,
                "same rate": _psnr(constant_rate, frame, float(target)),
                "same quality": _psnr(constant_quality, frame, budget),
            }
        )
    table = pd.DataFrame(rows)
    for other in ("same rate", "same quality"):
        table[f"gain over {other}"] = table["one slope"] - table[other]
    return table


def _psnr(choose: Callable[[pd.DataFrame, Limit], pd.DataFrame], frame: pd.DataFrame, limit: Limit) -> float:
    try:
        return pooled_psnr_db(choose(frame, limit))
    except InfeasibleBudget:
        return float("nan")
