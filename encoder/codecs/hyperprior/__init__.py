"""The float half of the codec with hyper-latents: transforms, contexts, likelihoods."""

from .analysis import Analysis, HyperAnalysis
from .context import Coded, GroupOutputs, Pointwise, Quantiser
from .entropy import COMPONENTS, LOG2_SIGMA_MIN, FactorisedPrior, bits, coded_information, latent_likelihood
from .model import CodecModel, round_straight_through
from .twin import SCALE, SCALE_UNIT, LayerPlan, load_entropy, plan

__all__ = [
    "COMPONENTS",
    "LOG2_SIGMA_MIN",
    "SCALE",
    "SCALE_UNIT",
    "Analysis",
    "CodecModel",
    "Coded",
    "FactorisedPrior",
    "GroupOutputs",
    "HyperAnalysis",
    "LayerPlan",
    "Pointwise",
    "Quantiser",
    "bits",
    "coded_information",
    "latent_likelihood",
    "load_entropy",
    "plan",
    "round_straight_through",
]
