"""Allocation: one candidate per picture under a byte budget, whatever codec made them."""

from .budget import TARGETS, budget_bytes
from .comparison import compare_allocations
from .hulls import Allocation, InfeasibleBudget, Options, allocate, lower_hull, slope_at
from .limits import Limits, apply_limits, check_limits, constant_quality, constant_rate
from .model_choice import choose_models
from .table import (
    TableAllocation,
    TableError,
    allocate_table,
    cheapest_rows,
    decibels,
    distortions,
    load_table,
    picture_psnr_db,
    picture_values,
    pooled_values,
    write_table,
)

__all__ = [
    "TARGETS",
    "Allocation",
    "InfeasibleBudget",
    "Limits",
    "Options",
    "TableAllocation",
    "TableError",
    "allocate",
    "allocate_table",
    "apply_limits",
    "budget_bytes",
    "cheapest_rows",
    "check_limits",
    "choose_models",
    "compare_allocations",
    "constant_quality",
    "constant_rate",
    "decibels",
    "distortions",
    "load_table",
    "lower_hull",
    "picture_psnr_db",
    "picture_values",
    "pooled_values",
    "slope_at",
    "write_table",
]
