"""Integer layers as a codec declares them: one list serves decoder, float networks, export and tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..entropy import (
    ACTIVATION_LIMIT,
    CAUSAL_TAPS,
    MEAN_STEPS,
    OUTPUT_LIMIT,
    POINT_TAPS,
    SQUARE_TAPS,
    IntegerConv,
    ScaleTables,
    build_conv,
    read_scale_tables,
    read_sigma_tables,
    split_outputs,
)
from ..weight_files import TensorReader

POINT, SQUARE, CAUSAL_WINDOW = len(POINT_TAPS), len(SQUARE_TAPS), len(CAUSAL_TAPS)
"""Taps of a layer: 1x1, 3x3, or the causal neighbours within 5x5."""

SCALE, MIXTURE_SCALE, SIDE_SCALE = "scale", "scale of a mixture", "scale of a side"
"""As a layer's peak: it yields log2 sigma, in steps of a scale bin above the smallest; the symbol model differs."""

SIGMA = "standard deviation"
"""As a layer's peak: it yields sigma itself, in 2^-SIGMA_EXPONENT."""

SIGMA_EXPONENT = 16

MEAN_EXPONENT = MEAN_STEPS.bit_length() - 1
"""As a layer's source or peak: latents in 1/MEAN_STEPS."""


@dataclass(frozen=True)
class Layer:
    """An integer layer and the convolution of the float model that it stands for.

    Attributes:
      name: in the weight file.
      module: path of the convolution in the float model.
      taps: POINT, SQUARE or CAUSAL_WINDOW.
      inputs, outputs: channels.
      source: layer whose output exponent is this layer's input exponent, or an exponent itself.
      peak: names of the calibrated peaks that its output must hold, or an exponent itself, or a kind of scale.
      groups: equal groups of outputs, where each position needs one of them only.
    """

    name: str
    module: str
    taps: int
    inputs: int
    outputs: int
    source: str | int
    peak: tuple[str, ...] | int | str
    groups: int = 1

    @property
    def yields_scale(self) -> bool:
        """Whether its outputs are log2 of scales."""
        return isinstance(self.peak, str) and self.peak != SIGMA

    @property
    def limit(self) -> int:
        """Largest magnitude of an output: what leaves the network may be larger than an activation."""
        return ACTIVATION_LIMIT if isinstance(self.peak, tuple) else OUTPUT_LIMIT


def read_layers(layers: Iterable[Layer], reader: TensorReader) -> dict[str, IntegerConv]:
    """The layers of a weight file by name; groups of outputs under `<name>.<group>`.

    Raises:
      WeightsError: a layer is missing, has another shape, or could leave the range of exact integers.
    """
    found: dict[str, IntegerConv] = {}
    for layer in layers:
        weight = reader.get(f"{layer.name}.weight", np.int16, layer.taps, layer.inputs, layer.outputs)
        bias = reader.get(f"{layer.name}.bias", np.int64, layer.outputs)
        shift = reader.get(f"{layer.name}.shift", np.int8, layer.outputs)
        whole = found[layer.name] = build_conv(weight, bias, shift, layer.limit)
        if layer.groups > 1:
            parts = split_outputs(whole, layer.groups)
            found |= {f"{layer.name}.{group}": part for group, part in enumerate(parts)}
    return found


def read_tables(scale_kind: str, reader: TensorReader) -> ScaleTables:
    """The tables of latents under one distribution, for layers that yield this kind of scale.

    Raises:
      WeightsError: they are missing or do not fit together.
    """
    return read_sigma_tables(reader) if scale_kind == SIGMA else read_scale_tables(reader)
