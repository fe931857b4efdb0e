"""Refinement: latents that lower rate and distortion of one picture."""

from .methods import METHODS, REFINEMENT_VERSION
from .objective import differentiable_ms_ssim
from .search import search_latents, search_start, sweep_choices
from .tiles import Refined, refine_latents

__all__ = [
    "METHODS",
    "REFINEMENT_VERSION",
    "Refined",
    "differentiable_ms_ssim",
    "refine_latents",
    "search_latents",
    "search_start",
    "sweep_choices",
]
