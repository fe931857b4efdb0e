"""The encoder's half of each post-filter, mirroring decoder_pkg.pixels.filters."""

from .chain import FILTER_ENCODERS, DifferentiableChain, chain_bits, fit_chain
from .interface import DifferentiableFilter, FilterEncoder
from .least_squares import NormalEquations, normal_equations
from .linear import FIRST_M
