"""The float half of each codec, mirroring decoder_pkg.codecs: the table, and what all of them offer."""

from .conventional import ConventionalCodec, NotCoded
from .convolutions import watched_convolutions
from .interface import Coded, FloatCodec, ForwardPass
from .latents import Latents, each, stride_of
from .layers import SCALE_UNIT, load_layers, source_exponent
from .likelihoods import COMPONENTS, LOG2_SIGMA_MIN, SymbolLikelihood, latent_likelihood
from .normal_likelihoods import NORMAL, AsymmetricLikelihood, MixtureLikelihood
from .relaxation import ROUNDED, STRAIGHT_THROUGH, Quantiser, Relaxation, round_straight_through
from .settings import ModelSetting, coding_setting, position, setting_at, trained_multiplier
from .static_priors import FactorisedPrior, StaticPrior
from .table import CONVENTIONAL_CODECS, FLOAT_CODECS, conventional_codec, float_codec
