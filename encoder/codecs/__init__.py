"""The float half of each codec, mirroring decoder_pkg.codecs: the table, and what all of them offer."""

from .convolutions import watched_convolutions
from .interface import Coded, Estimate, FloatCodec
from .layers import SCALE_UNIT, load_layers, source_exponent
from .likelihoods import COMPONENTS, LOG2_SIGMA_MIN, FactorisedPrior, SymbolLikelihood, latent_likelihood
from .relaxation import ROUNDED, STRAIGHT_THROUGH, Quantiser, Relaxation, round_straight_through
from .table import FLOAT_CODECS, float_codec

__all__ = [
    "COMPONENTS",
    "FLOAT_CODECS",
    "LOG2_SIGMA_MIN",
    "ROUNDED",
    "SCALE_UNIT",
    "STRAIGHT_THROUGH",
    "Coded",
    "Estimate",
    "FactorisedPrior",
    "FloatCodec",
    "Quantiser",
    "Relaxation",
    "SymbolLikelihood",
    "float_codec",
    "latent_likelihood",
    "load_layers",
    "round_straight_through",
    "source_exponent",
    "watched_convolutions",
]
