"""Allocation: one candidate per picture under a byte budget, whatever codec made them."""

from .budget import TARGETS, budget_bytes
from .comparison import compare_allocations
from .hulls import Allocation, InfeasibleBudget, Options, allocate, lower_hull, slope_at
from .limits import Limits, apply_limits, constant_quality, constant_rate
from .model_choice import choose_models
from .table import (
    METRICS,
    Metric,
    TableAllocation,
    TableError,
    allocate_table,
    cheapest_rows,
    load_table,
    picture_psnr_db,
    pooled_psnr_db,
    pooled_similarity,
    write_table,
)

__all__ = [
    "METRICS",
    "TARGETS",
    "Allocation",
    "InfeasibleBudget",
    "Limits",
    "Metric",
    "Options",
    "TableAllocation",
    "TableError",
    "allocate",
    "allocate_table",
    "apply_limits",
    "budget_bytes",
    "cheapest_rows",
    "choose_models",
    "compare_allocations",
    "constant_quality",
    "constant_rate",
    "load_table",
    "lower_hull",
    "picture_psnr_db",
    "pooled_psnr_db",
    "pooled_similarity",
    "slope_at",
    "write_table",
]
