"""Sizes of the grids of latents that belong to a picture."""

from __future__ import annotations

LATENT_STRIDE = 16

HYPER_STRIDE = 4
"""The hyper-latent grid is this much coarser than the latent grid."""


def latent_size(height: int, width: int) -> tuple[int, int]:
    """Size of the latent grid of a picture."""
    return -(-height // LATENT_STRIDE), -(-width // LATENT_STRIDE)


def hyper_grid(height: int, width: int) -> tuple[int, int]:
    """Size of the hyper-latent grid over a latent grid."""
    return -(-height // HYPER_STRIDE), -(-width // HYPER_STRIDE)
