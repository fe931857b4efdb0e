"""The table of model architectures: one row per network that a bit stream may name."""

from __future__ import annotations

from dataclasses import dataclass, replace

CAUSAL, QUADTREE = "causal", "quadtree"
"""Kinds of context: see the modules of these names."""


@dataclass(frozen=True)
class Architecture:
    """Widths and depths of one network family.

    Attributes:
      id: number written to weight files and never reused.
      name: name for people.
      latent_channels: channels of the latent at 1/16 resolution.
      hyper_channels: channels of the hyper-latent at 1/64 resolution.
      width4, width8, width16: channels of the transforms at 1/4, 1/8 and 1/16 resolution.
      analysis_blocks8, analysis_blocks16: residual blocks of the analysis.
      synthesis_blocks8, synthesis_blocks16: residual blocks of the synthesis.
      hyper_analysis_width: channels of the hyper-encoder.
      hyper_width: channels of the hyper-decoder.
      context_width: channels of the context and parameter networks.
      context: CAUSAL or QUADTREE.
      embed_width: channels to which known latents are reduced for the quadtree context; 0 for the causal one.
    """

    id: int
    name: str
    latent_channels: int
    hyper_channels: int
    width4: int
    width8: int
    width16: int
    analysis_blocks8: int
    analysis_blocks16: int
    synthesis_blocks8: int
    synthesis_blocks16: int
    hyper_analysis_width: int
    hyper_width: int
    context_width: int
    context: str
    embed_width: int


_CAUSAL_ROW = Architecture(
    id=1,
    name="scale-context",
    latent_channels=192,
    hyper_channels=96,
    width4=64,
    width8=128,
    width16=192,
    analysis_blocks8=3,
    analysis_blocks16=2,
    synthesis_blocks8=4,
    synthesis_blocks16=3,
    hyper_analysis_width=128,
    hyper_width=160,
    context_width=192,
    context=CAUSAL,
    embed_width=0,
)
_SMOKE_ROW = Architecture(
    id=200,
    name="smoke",
    latent_channels=16,
    hyper_channels=8,
    width4=16,
    width8=16,
    width16=16,
    analysis_blocks8=1,
    analysis_blocks16=1,
    synthesis_blocks8=1,
    synthesis_blocks16=1,
    hyper_analysis_width=16,
    hyper_width=16,
    context_width=16,
    context=CAUSAL,
    embed_width=0,
)
ARCHITECTURES = (
    _CAUSAL_ROW,
    replace(_CAUSAL_ROW, id=3, name="quadtree", latent_channels=256, context=QUADTREE, embed_width=96),
    _SMOKE_ROW,
    replace(_SMOKE_ROW, id=201, name="smoke-quadtree", context=QUADTREE, embed_width=16),
)


def architecture(number: int) -> Architecture:
    """Returns the architecture with this id.

    Raises:
      KeyError: no row has this id.
    """
    for row in ARCHITECTURES:
        if row.id == number:
            return row
    raise KeyError(f"no architecture has id {number}; known: {[row.id for row in ARCHITECTURES]}")
