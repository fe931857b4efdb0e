"""Refinement: latents that lower rate and distortion of one picture."""

from .methods import METHODS, REFINEMENT_VERSION
from .search import search_latents, search_start
from .setting import RefinementSetting
from .tiles import Refined, refine_latents
