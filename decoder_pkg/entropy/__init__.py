"""Entropy coding in exact integers: layers, coding tables, symbol models, the range coder. It knows no network."""

from .asymmetric import Asymmetric
from .coding_tables import (
    MAX_SUPPORT,
    PRECISION,
    CodingTable,
    Symbols,
    build_table,
    decode_uniform,
    decode_values,
    encode_uniform,
    encode_values,
)
from .decisions import REACH_BITS, DecidedSymbols
from .fixed_point import MEAN_STEPS, Q_ONE, Q_VALUES, latent_unit
from .integer_layers import (
    ACTIVATION_LIMIT,
    CAUSAL_TAPS,
    MAX_SHIFT,
    OUTPUT_LIMIT,
    POINT_TAPS,
    SQUARE_TAPS,
    TAPS,
    WEIGHT_LIMIT,
    IntegerConv,
    Integers,
    build_conv,
    clamp_activation,
    leaky,
    magnitudes,
    pixel_shuffle,
    split_outputs,
)
from .interface import Bits, Coder, CodingStep, Exchange, Grid, SymbolModel, reading
from .mixture import LOGIT_BITS, Mixture, mixture_weights, relative_means
from .normal_tables import NormalTables, read_normal_tables
from .prior_bank import BankSymbols, PriorBank, read_prior_bank
from .range_coder import new_payload, open_payload, shortest_payload
from .scale_tables import (
    BIN_OCTAVES,
    FINE_SCALES,
    SCALE_BINS,
    SCALE_SHIFT,
    SKIPPED,
    ScaledSymbols,
    ScaleTables,
    read_scale_tables,
    read_sigma_tables,
)
from .static_tables import StaticSymbols, StaticTables, read_static_tables
from .uniform_symbols import UniformSymbols
