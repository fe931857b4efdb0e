"""Post-filters on decoded pictures. What needs torch is imported from its own module."""

from .linear import (
    COLOURS,
    DIFFERENCES,
    FEATURES,
    M_MAX,
    MEANS,
    PAIRS,
    STRENGTH_BINS,
    TONES,
    PostFilter,
    filter_bins,
    filter_kernel,
    parse_postfilter,
)

__all__ = [
    "COLOURS",
    "DIFFERENCES",
    "FEATURES",
    "MEANS",
    "M_MAX",
    "PAIRS",
    "STRENGTH_BINS",
    "TONES",
    "PostFilter",
    "filter_bins",
    "filter_kernel",
    "parse_postfilter",
]
