"""Allocation: one candidate per picture under a byte budget, whatever codec made them."""

from .budget import TARGETS, budget_bytes
from .comparison import compare_allocations
from .lagrangian import Allocation, InfeasibleBudget, OperatingPoints, allocate, lower_hull, multiplier_at
from .limits import Limits, apply_limits, check_limits, constant_quality, constant_rate, lacking
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
    smallest_rows,
    write_table,
)
