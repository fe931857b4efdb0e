"""The encoder's half of each post-filter, mirroring decoder_pkg.pixels.filters."""

from .chain import FILTER_ENCODERS, DifferentiableChain, chain_bits, fit_chain
from .interface import DifferentiableFilter, FilterEncoder
from .linear import FIRST_M, NormalEquations, normal_equations
