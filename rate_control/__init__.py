"""Rate control: one slope for a whole set of pictures, whatever codec made the candidates."""

import decoder_pkg  # noqa: F401 - before numpy and torch: it sets how their threads wait

from .allocation import (
    TARGETS,
    Allocation,
    InfeasibleBudget,
    Limits,
    Options,
    TableAllocation,
    TableError,
    allocate,
    allocate_table,
    apply_limits,
    budget_bytes,
    choose_models,
    constant_quality,
    constant_rate,
    load_table,
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
    "choose_models",
    "constant_quality",
    "constant_rate",
    "load_table",
]
