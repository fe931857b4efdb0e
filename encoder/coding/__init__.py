"""One picture under one setting: analysis, rounding, post-filter, payload."""

from .coded_picture import AnalysedPicture
from .filter_fit import FIRST_M, FittedFilter, NormalEquations, filter_bits, normal_equations
from .payload import ROUNDING, encode_payload, ideal_bits, quantise
from .rate import estimated_bits
from .search import hierarchical_search
from .splice import parts_of, splice_to_fit

__all__ = [
    "FIRST_M",
    "ROUNDING",
    "AnalysedPicture",
    "FittedFilter",
    "NormalEquations",
    "encode_payload",
    "estimated_bits",
    "filter_bits",
    "hierarchical_search",
    "ideal_bits",
    "normal_equations",
    "parts_of",
    "quantise",
    "splice_to_fit",
]
