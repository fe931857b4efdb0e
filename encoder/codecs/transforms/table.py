"""The table of analyses, one for each kind of transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from decoder_pkg.codecs.transforms import AttentionTransforms, GdnTransforms, ResidualTransforms, Transforms

from .analysis import Analysis
from .attention import AttentionAnalysis
from .gdn import GdnAnalysis
from .residual import ResidualAnalysis

ANALYSES: dict[type[Transforms], Callable[[Any], Analysis]] = {
    ResidualTransforms: ResidualAnalysis,
    GdnTransforms: GdnAnalysis,
    AttentionTransforms: AttentionAnalysis,
}


def build_analysis(kind: Transforms) -> Analysis:
    """An analysis network, its weights initial."""
    return ANALYSES[type(kind)](kind)
