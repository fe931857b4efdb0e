"""The integer entropy networks and their float twins: which layer is which, and the way back to float."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from decoder_pkg.codecs.hyperprior import CAUSAL, GROUPS, Architecture, EntropyModel
from decoder_pkg.entropy import BIN_OCTAVES, MEAN_STEPS, SCALE_SHIFT, TAPS, IntegerConv

from .entropy import LOG2_SIGMA_MIN
from .model import CodecModel

MEAN_EXPONENT = MEAN_STEPS.bit_length() - 1
SCALE_UNIT = (1 << SCALE_SHIFT) / BIN_OCTAVES
"""Integer steps per unit of log2 sigma."""

SCALE = "scale"
"""As a layer's peak: it yields log2 sigma, in SCALE_UNIT above the smallest."""


@dataclass(frozen=True)
class LayerPlan:
    """Where a layer's scales come from.

    Attributes:
      name: in the weight file.
      module: path in the float model.
      taps: 1, 9 or 12.
      source: layer whose output exponent is this layer's input exponent, or an exponent itself.
      peak: names of the calibrated peaks that its output must hold, or an exponent itself, or SCALE.
    """

    name: str
    module: str
    taps: int
    source: str | int
    peak: tuple[str, ...] | int | str


HYPER_PLAN = (
    LayerPlan("hyper.enter", "hyper_synthesis.enter", 9, 0, ("hyper.enter",)),
    LayerPlan("hyper.up32", "hyper_synthesis.up32", 1, "hyper.enter", ("hyper.up32",)),
    LayerPlan("hyper.middle", "hyper_synthesis.middle", 9, "hyper.up32", ("hyper.middle",)),
    LayerPlan("hyper.up16", "hyper_synthesis.up16", 1, "hyper.middle", ("hyper.up16",)),
    LayerPlan("hyper.mean", "hyper_synthesis.mean", 9, "hyper.up16", MEAN_EXPONENT),
)


def plan(arch: Architecture) -> tuple[LayerPlan, ...]:
    """The integer layers of an architecture, each after those it takes its input from."""
    return HYPER_PLAN + (_causal_plan() if arch.context == CAUSAL else _quadtree_plan())


def _causal_plan() -> tuple[LayerPlan, ...]:
    sums = ("hyper.scale", "context.enter")
    return (
        LayerPlan("hyper.scale", "hyper_synthesis.scale", 1, "hyper.up16", sums),
        LayerPlan("context.enter", "context.enter", 12, MEAN_EXPONENT, sums),
        LayerPlan("context.hidden", "context.hidden", 1, "hyper.scale", ("context.hidden",)),
        LayerPlan("context.leave", "context.leave", 1, "context.hidden", SCALE),
    )


def _quadtree_plan() -> tuple[LayerPlan, ...]:
    later = range(1, GROUPS)
    sums = ("hyper.scale", *(f"context.enter{turn}" for turn in later))
    rows = [
        LayerPlan("hyper.scale", "hyper_synthesis.scale", 1, "hyper.up16", sums),
        LayerPlan("context.embed", "context.embed", 1, MEAN_EXPONENT, ("context.embed",)),
    ]
    rows += [LayerPlan(f"context.enter{turn}", f"context.enter.{turn - 1}", 9, "context.embed", sums) for turn in later]
    for turn in range(GROUPS):
        hidden = f"context.hidden{turn}"
        rows += [
            LayerPlan(hidden, f"context.hidden.{turn}", 1, "hyper.scale", (hidden,)),
            LayerPlan(f"context.mean{turn}", f"context.mean.{turn}", 1, hidden, MEAN_EXPONENT),
            LayerPlan(f"context.scale{turn}", f"context.scale.{turn}", 1, hidden, SCALE),
        ]
    return tuple(rows)


def _dequantise(layer: IntegerConv, source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight [taps, I, O] and bias [O] in float64."""
    half = np.where(layer.scale < 1, 0.5 / layer.scale, 0.0)
    weight = layer.weight * layer.scale * 2.0 ** (source - target)
    bias = (layer.bias - half) * layer.scale * 2.0**-target
    return weight.reshape(len(layer.taps), -1, weight.shape[1]), bias


def load_entropy(codec: CodecModel, entropy: EntropyModel, exponents: Mapping[str, int]) -> None:
    for row in plan(codec.arch):
        source = row.source if isinstance(row.source, int) else exponents[row.source]
        conv = codec.get_submodule(row.module)
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        weight, bias = _dequantise(entropy.layers[row.name], source, exponents[row.name])
        if row.peak == SCALE:
            weight, bias = weight / SCALE_UNIT, bias / SCALE_UNIT + LOG2_SIGMA_MIN
        centre = conv.kernel_size[0] // 2
        with torch.no_grad():
            conv.weight.zero_()
            conv.bias.copy_(torch.from_numpy(bias))
            for tap, (down, across) in enumerate(TAPS[row.taps]):
                conv.weight[:, :, centre + down, centre + across] = torch.from_numpy(weight[tap].T.copy())
