"""The integer layers of an architecture: their names in a weight file and their shapes."""

from __future__ import annotations

from ...entropy import CAUSAL_TAPS, SQUARE_TAPS
from .architecture import CAUSAL, Architecture
from .quadtree import GROUPS

OUTPUT_LAYERS = ("hyper.mean", "context.leave", "context.mean", "context.scale")
"""Layers whose result leaves the network: not limited to an activation's range."""

GROUP_LAYERS = ("context.mean", "context.scale")
"""Layers of which each position needs one group of outputs only."""

Shape = tuple[int, int, int]
"""[taps, inputs, outputs] of a layer's weights."""

SQUARE, CAUSAL_WINDOW = len(SQUARE_TAPS), len(CAUSAL_TAPS)


def layer_shapes(arch: Architecture) -> dict[str, Shape]:
    """Shape of every integer layer by name."""
    width = arch.hyper_width
    hyper = {
        "hyper.enter": (SQUARE, arch.hyper_channels, width),
        "hyper.up32": (1, width, 4 * width),
        "hyper.middle": (SQUARE, width, width),
        "hyper.up16": (1, width, 4 * width),
        "hyper.mean": (SQUARE, width, arch.latent_channels),
        "hyper.scale": (1, width, arch.context_width),
    }
    return hyper | (_causal_shapes(arch) if arch.context == CAUSAL else _quadtree_shapes(arch))


def _causal_shapes(arch: Architecture) -> dict[str, Shape]:
    channels, width = arch.latent_channels, arch.context_width
    return {
        "context.enter": (CAUSAL_WINDOW, channels, width),
        "context.hidden": (1, width, width),
        "context.leave": (1, width, channels),
    }


def _quadtree_shapes(arch: Architecture) -> dict[str, Shape]:
    channels, width = arch.latent_channels, arch.context_width
    shapes: dict[str, Shape] = {"context.embed": (1, 2 * channels, arch.embed_width)}
    shapes |= {f"context.enter{step}": (SQUARE, arch.embed_width, width) for step in range(1, GROUPS)}
    shapes |= {f"context.hidden{step}": (1, width, width) for step in range(GROUPS)}
    return shapes | {f"{name}{step}": (1, width, channels) for step in range(GROUPS) for name in GROUP_LAYERS}
