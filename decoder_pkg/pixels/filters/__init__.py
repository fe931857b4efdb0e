"""Post-filters on decoded pictures: the table, and what each of them offers.

What needs torch is imported from its own module.
"""

from __future__ import annotations

from .interface import FilterChain, FilterLink, PostFilter
from .linear import (
    COLOURS,
    DIFFERENCES,
    FEATURES,
    M_MAX,
    MAX_FILTERS,
    MEANS,
    PAIRS,
    STRENGTH_BINS,
    TONES,
    LinearFilter,
    LinearParameters,
)
from .table import FILTERS
