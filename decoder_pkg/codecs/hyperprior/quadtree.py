"""Latents coded in four steps: at each one every position gets a quarter of its channels.

The four positions of a 2x2 cell take turns over four groups of channels, so that each group is known at one, two and
three of the four positions before it is coded at the last one, and mean and scale are predicted from all that is
known (the quadtree partition of Li et al. 2023, "Neural Video Compression with Diverse Contexts", section 3.3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...entropy import ACTIVATION_LIMIT, CodingStep, Exchange, Grid, clamp_activation, dequantise, leaky
from .entropy_model import EntropyModel, HyperParameters, magnitudes

GROUPS = 4
TURNS = (0, 3, 1, 2)
"""At step s the position of parity p = 2 * (row % 2) + column % 2 codes group p ^ TURNS[s]: diagonals first."""

BAND_POSITIONS = 2**14
"""Positions whose parameters are computed at once: bounds the memory of a large picture."""


def code_quadtree(model: EntropyModel, parameters: HyperParameters, q: int, exchange: Exchange) -> Grid:
    """Walks over all latents in coding order.

    Args:
      model: the entropy model.
      parameters: of the picture's hyper-latents.
      q: quantisation step in 1/128.
      exchange: reads or makes the symbols of a step.

    Returns:
      [h, w, M] int32, reconstructed latents in 1/4096.
    """
    height, width, channels = parameters.mean.shape
    per_group = channels // GROUPS
    known = np.zeros((height, width, 2 * channels), dtype=np.int32)
    latents = parameters.mean  # each of them is replaced when its turn has come: no second grid of a large picture
    for step in range(GROUPS):
        group = groups_at(step, height, width)
        rows = np.arange(height * width) * GROUPS + group.reshape(-1)
        mean, table = _predict(model, parameters.features, known, step, q)
        total = mean + latents.reshape(-1, per_group)[rows]
        residuals = dequantise(exchange(CodingStep(rows, total, table)), q)
        latents.reshape(-1, per_group)[rows] = total + residuals
        # Row 2 * GROUPS * position + group of `known` holds values, the one GROUPS further on magnitudes.
        place = rows + np.arange(height * width) * GROUPS
        known.reshape(-1, per_group)[place] = np.clip(residuals + mean, -ACTIVATION_LIMIT, ACTIVATION_LIMIT)
        known.reshape(-1, per_group)[place + GROUPS] = magnitudes(residuals)
    return latents


def groups_at(step: int, height: int, width: int) -> NDArray[np.intp]:
    """[h, w] which group of channels each position codes at a step."""
    parity = 2 * (np.arange(height) % 2)[:, None] + np.arange(width) % 2
    return np.asarray(parity ^ TURNS[step], dtype=np.intp)


def _predict(model: EntropyModel, features: Grid, known: Grid, step: int, q: int) -> tuple[Grid, NDArray[np.uint8]]:
    """Correction of the mean, and coding table, [h * w, M / GROUPS] of the group each position codes at this step."""
    height, width, channels = *known.shape[:2], known.shape[2] // 2
    mean = np.empty((height, width, channels // GROUPS), dtype=np.int32)
    table = np.empty(mean.shape, dtype=np.uint8)
    layers = model.layers
    band = max(2, BAND_POSITIONS // width // 2 * 2)
    for top in range(0, height, band):
        bottom = min(top + band, height)
        x = features[top:bottom].astype(np.float64)
        if step:
            outer = slice(max(0, top - 1), min(height, bottom + 1))
            embedded = leaky(layers["context.embed"].grid(known[outer].astype(np.float64)))
            context = layers[f"context.enter{step}"].grid(embedded)
            x = clamp_activation(x + context[top - outer.start : bottom - outer.start])
        x = leaky(layers[f"context.hidden{step}"].grid(leaky(x)))
        for down in range(2):
            for across in range(2):
                group = (2 * down + across) ^ TURNS[step]
                part = x[down::2, across::2]
                flat = part.reshape(-1, part.shape[2])
                shape = (*part.shape[:2], channels // GROUPS)
                target = np.s_[top + down : bottom : 2, across::2]
                mean[target] = layers[f"context.mean{step}.{group}"].columns(flat).reshape(shape)
                scale = layers[f"context.scale{step}.{group}"].columns(flat).reshape(shape)
                table[target] = model.table_index(scale, q)
    return mean.reshape(height * width, -1), table.reshape(height * width, -1)
